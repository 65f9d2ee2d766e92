"""Baked textures: their statistics, that draws are reproducible, and normals against a plain loop."""

import numpy as np
import pytest
from numpy.typing import NDArray

from dataengine.blender.clothes.appearance import FABRICS, Garment
from dataengine.blender.clothes.textures import (
    by_channel,
    fabric_texture,
    floor_texture,
    spectral_noise,
    wrinkle_height,
)
from dataengine.blender.geometry.mesh import boxes, compacted, vertex_normals
from dataengine.blender.scene.spec import FLOORS


@pytest.mark.parametrize("power", [0.8, 2.0, 3.0])
def test_noise_has_the_spectrum_it_was_asked_for(power: float) -> None:
    noise = spectral_noise(256, power, np.random.default_rng(5))
    assert noise.mean() == pytest.approx(0, abs=1e-3) and noise.std() == pytest.approx(1, abs=1e-3)
    energy = np.abs(np.fft.fft2(noise.astype(np.float64))) ** 2
    radius = np.hypot(*np.meshgrid(*2 * [np.fft.fftfreq(256) * 256]))
    bands = [4, 8, 16, 32, 64]
    mean = [energy[(radius >= low) & (radius < 1.3 * low)].mean() for low in bands]
    slope = np.polyfit(np.log(bands), np.log(mean), 1)[0]
    assert slope == pytest.approx(-power, abs=0.25)


def test_draws_of_noise_differ_and_repeat_with_their_seed() -> None:
    first, second = (spectral_noise(128, 2.0, np.random.default_rng(seed)) for seed in (1, 2))
    assert np.abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.6
    assert np.array_equal(first, spectral_noise(128, 2.0, np.random.default_rng(1)))
    first[:] = 0  # a draw is the caller's own
    assert spectral_noise(128, 2.0, np.random.default_rng(1)).std() > 0.9


def test_noise_stays_periodic() -> None:
    noise = spectral_noise(128, 3.0, np.random.default_rng(3))
    step = np.abs(np.diff(noise, axis=0)).max()
    assert np.abs(noise[0] - noise[-1]).max() < 1.5 * step


@pytest.mark.parametrize("fabric", FABRICS)
def test_every_fabric_shows_its_colours(fabric: str) -> None:
    garment = Garment(1.0, 0.01, fabric, (0.8, 0.1, 0.1), (0.1, 0.1, 0.8), 1.0)
    texture = fabric_texture(garment, np.random.default_rng(4))
    assert texture.shape == (256, 256, 3) and texture.dtype == np.float32
    assert texture.min() >= np.float32(0.004) and texture.max() <= np.float32(0.95)
    redder = (texture[..., 0] > texture[..., 2]).mean()
    assert redder == 1 if fabric == "plain" else redder > 0.05


@pytest.mark.parametrize("kind", FLOORS)
def test_every_floor_has_colour_and_relief(kind: str) -> None:
    colour, height = floor_texture(kind, np.random.default_rng(6))
    assert colour.shape == (512, 512, 3) and height.shape == (512, 512)
    assert colour.dtype == height.dtype == np.float32
    assert height.min() == 0 and height.max() == pytest.approx(1, abs=1e-3)
    assert colour.std(axis=(0, 1)).min() > 0.001


def test_channels_are_put_together_within_bounds() -> None:
    fields: list[NDArray[np.float64]] = [np.full((2, 3), value) for value in (-1.0, 0.5, 2.0)]
    assert by_channel(fields, 0.0, 1.0)[1, 2].tolist() == [0.0, 0.5, 1.0]


def test_what_never_changes_is_read_only() -> None:
    assert wrinkle_height() is wrinkle_height() and not wrinkle_height().flags.writeable


def test_compacting_is_what_unique_gives() -> None:
    quads = np.random.default_rng(1).integers(0, 50, (30, 4)) * 2
    used, local = compacted(quads, 120)
    expected, inverse = np.unique(quads, return_inverse=True)
    assert np.array_equal(used, expected) and np.array_equal(local, inverse.reshape(-1, 4))


def test_normals_against_a_plain_loop() -> None:
    vertices, quads = boxes([((0, 0, 0), (1, 2, 3)), ((2, 0, 1), (1, 1, 1))])
    vertices = vertices + np.random.default_rng(0).normal(0, 0.05, vertices.shape)
    vertices = np.vstack([vertices, [[9.0, 9.0, 9.0]]])  # without a quad
    expected = np.zeros_like(vertices)
    for a, b, c, d in quads:
        expected[[a, b, c, d]] += np.cross(vertices[c] - vertices[a], vertices[d] - vertices[b])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True) + 1e-12
    np.testing.assert_allclose(vertex_normals(vertices, quads), expected, atol=1e-12)
    assert not vertex_normals(vertices, quads)[-1].any()
