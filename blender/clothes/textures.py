"""Small textures baked with numpy: fabric, hair, floors, relief. Linear RGB in 0..1, (size, size, 3) float32.

Procedural noise would cost Cycles more time than anything else here, so noise is baked once into an image.
Spectral noise is white noise shaped to a power law in frequency, as in Perlin-like fractals but periodic. Its Fourier
transforms would take longer than the rest of an image's textures, so a process keeps one field for every spectrum, and
a draw is a view of it: mirrored, and shifted, because it is periodic.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .appearance import Colour, Garment

Texture = NDArray[np.float32]
Field = NDArray[Any]  # one value a texel, of any number type
FABRIC_SIZE = 256
FLOOR_SIZE = 512


def spectral_noise(
    size: int, power: float, rng: np.random.Generator, *, stretch: float = 1.0, above: int = 0
) -> Texture:
    """Periodic noise (size, size) of mean 0 and deviation 1 with spectrum frequency^-power.

    `stretch` below 1 draws it out along y; frequencies up to `above` are left out. Two draws of one spectrum are two
    views of one field.
    """
    field = _noise_field(size, power, stretch, above)[:: _sign(rng), :: _sign(rng)]
    down, right = rng.integers(size, size=2).tolist()
    return np.roll(field, (down, right), axis=(0, 1))


def _sign(rng: np.random.Generator) -> int:
    return 1 if rng.random() < 0.5 else -1


@lru_cache(maxsize=32)  # about twenty spectra are in use, of 0.25 or 1 MB
def _noise_field(size: int, power: float, stretch: float, above: int) -> Texture:
    rng = np.random.default_rng([size, round(1000 * power), round(1000 * stretch), above])
    spectrum = np.fft.fft2(rng.standard_normal((size, size))) * _amplitude(size, power, stretch, above)
    field = np.fft.ifft2(spectrum).real
    return np.asarray((field - field.mean()) / field.std(), dtype=np.float32)


def _amplitude(size: int, power: float, stretch: float, above: int) -> Field:
    x = np.fft.fftfreq(size)[None, :] * size
    y = np.fft.fftfreq(size)[:, None] * size / stretch
    frequency = np.hypot(x, y)
    frequency[0, 0] = np.inf
    amplitude: Field = frequency ** (-power / 2)
    amplitude[frequency <= above] = 0
    return amplitude


def fabric_texture(garment: Garment, rng: np.random.Generator) -> Texture:
    """One repeat of a garment's fabric (size, size, 3)."""
    size = FABRIC_SIZE
    pattern = np.asarray(_fabric_pattern(garment.fabric, size, rng), dtype=np.float32)
    weave = 1 + 0.06 * spectral_noise(size, 2.0, rng)
    first, second = garment.first, garment.second
    return by_channel([(a + (b - a) * pattern) * weave for a, b in zip(first, second, strict=True)])


def by_channel(channels: Sequence[Field], lowest: float = 0.004, highest: float = 0.95) -> Texture:
    """Three fields (h, w) as one texture within bounds: six times faster than arithmetic on (h, w, 3)."""
    texture = np.empty((*channels[0].shape, 3), dtype=np.float32)
    for place, channel in enumerate(channels):
        texture[..., place] = np.clip(
            channel, lowest, highest
        )  # writing into every third number directly takes four times as long
    return texture


def painted_texture(colour: Colour, rng: np.random.Generator) -> Texture:
    """One colour with blotches: painted wood, cardboard."""
    blotches = 1 + 0.08 * spectral_noise(128, 1.8, rng)
    return by_channel([channel * blotches for channel in colour])


def floor_texture(kind: str, rng: np.random.Generator) -> tuple[Texture, Texture]:
    """Colour (size, size, 3) and height (size, size) in 0..1 of one tile of floor."""
    size = FLOOR_SIZE
    row, column = (axis / np.float32(size) for axis in np.ogrid[:size, :size])
    base, relief = _floor_relief(kind, size, row, column, rng)
    relief = relief.astype(np.float32)
    height = (relief - relief.min()) / (np.ptp(relief) + 1e-6)
    return by_channel([channel * (1 + relief) for channel in base.tolist()]), height.astype(np.float32)


@cache
def wrinkle_height() -> Texture:
    """Folds and weave of cloth, the same for everybody."""
    folds = spectral_noise(512, 3.4, np.random.default_rng(2), above=4)
    weave = spectral_noise(512, 0.3, np.random.default_rng(3))
    return _lasting(0.5 + 0.17 * folds + 0.02 * weave)


@cache
def pore_height() -> Texture:
    """Fine relief of skin."""
    return _lasting(0.5 + 0.18 * spectral_noise(256, 0.8, np.random.default_rng(1)))


@cache
def strand_height() -> Texture:
    """Strands of hair, drawn out along y."""
    strands = spectral_noise(256, 1.2, np.random.default_rng(4), stretch=0.07)
    return _lasting(0.5 + 0.2 * strands)


def _lasting(height: Field) -> Texture:
    """A relief in 0..1 that never changes: read-only, so that the observer keeps its image from scene to scene."""
    fixed = np.clip(height, 0, 1).astype(np.float32)
    fixed.setflags(write=False)
    return fixed


def hair_texture(hair: Colour) -> Texture:
    """Hair colour with lighter and darker strands."""
    light = 0.6 + 0.8 * strand_height()
    return by_channel([channel * light for channel in hair], 0.003, 1)


def _fabric_pattern(fabric: str, size: int, rng: np.random.Generator) -> Field:
    """Share of the second colour at every texel, in 0..1; broadcasts to (size, size)."""
    row, column = (axis / size for axis in np.ogrid[:size, :size])
    count = int(rng.integers(5, 18))
    if fabric == "stripes_across":
        return (np.sin(2 * np.pi * count * row) > rng.uniform(-0.7, 0.7)).astype(float)
    if fabric == "stripes_along":
        return (np.sin(2 * np.pi * count * column) > rng.uniform(-0.7, 0.7)).astype(float)
    if fabric == "checks":
        return (np.floor(column * count) + np.floor(row * count)) % 2
    if fabric == "plaid":
        return 0.5 * (np.sin(2 * np.pi * count * column) > 0) + 0.5 * (np.sin(2 * np.pi * count * row) > 0)
    if fabric == "camouflage":
        noise = spectral_noise(size, 3.2, rng, above=3)
        return 0.6 * (noise > 0.2) + 0.4 * (noise > 0.9)
    if fabric == "dots":
        x, y = column * count % 1 - 0.5, (row * count + 0.5 * (np.floor(column * count) % 2)) % 1 - 0.5
        return (x**2 + y**2 < 0.07).astype(float)
    if fabric == "print":
        return np.clip(0.5 + 0.5 * spectral_noise(size, 3.4, rng, above=2), 0, 1)
    if fabric == "melange":
        return np.clip(0.3 + 0.12 * spectral_noise(size, 0.8, rng), 0, 1)
    return np.zeros((1, 1))


def _floor_relief(kind: str, size: int, row: Field, column: Field, rng: np.random.Generator) -> tuple[Field, Field]:
    """Base colour (3,) and relative relief (size, size) of a floor. `row` and `column` are open grids in 0..1."""

    def noise(power: float, strength: float, **shape: float) -> Texture:
        return np.asarray(strength * spectral_noise(size, power, rng, **shape), dtype=np.float32)  # type: ignore[arg-type]

    if kind == "concrete":
        return np.array([0.4, 0.38, 0.35]) * rng.uniform(0.5, 1.3), noise(2.0, 0.12) + noise(0.5, 0.05)
    if kind == "grass":
        return np.array([0.10, 0.17, 0.04]) * rng.uniform(0.7, 1.4), noise(1.0, 0.35) + noise(2.5, 0.15)
    if kind == "sand":
        return np.array([0.55, 0.43, 0.28]), noise(1.2, 0.08) + noise(2.5, 0.1)
    if kind == "asphalt":
        return np.array([0.09, 0.09, 0.095]), noise(0.3, 0.3) + noise(2.5, 0.1)
    if kind == "carpet":
        return rng.random(3) * 0.5 + 0.05, noise(0.2, 0.25) + noise(2.0, 0.1)
    if kind == "wood":
        boards = rng.normal(0, 0.15, 8)[np.floor(row * 8).astype(int)]
        gaps = 0.8 * (row * 8 % 1 < 0.03)
        return np.array([0.36, 0.2, 0.1]) * rng.uniform(0.5, 1.6), noise(2.2, 0.25, stretch=0.08).T + boards - gaps
    joints = (column * 6 % 1 < 0.04) | (row * 6 % 1 < 0.04)
    return np.array([0.6, 0.57, 0.5]) * rng.uniform(0.5, 1.2), noise(2.0, 0.06) - 0.5 * joints
