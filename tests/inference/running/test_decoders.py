"""Heads read in PyTorch say what the heads say in numpy."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dataengine.inference.running.decoders import DECODERS, Joints, decoder_of
from dataengine.nets.heads import HEADS, RTMCC, Head, Heatmap, SimCC
from dataengine.nets.layout import Decoded, Layout

LAYOUT = Layout(input_width_px=48, input_height_px=64)
CPU = torch.device("cpu")
# as_they_are: blur 2; sharp: none; wide: reaches over the border of maps of 12 x 16 cells almost everywhere
HEATMAPS = {
    "as_they_are": Heatmap(LAYOUT),
    "sharp": Heatmap(LAYOUT, "stride", 0.0),
    "wide": Heatmap(LAYOUT, "udp", 2.5),
}


def assert_same(head: Head, *answer: NDArray[np.float32]) -> None:
    decoder = decoder_of(head, CPU)
    tensors = tuple(torch.from_numpy(part) for part in answer)
    for mirrored in (False, True):
        expected, got = head.distributions(answer), decoder.distributions(tensors)
        if mirrored:
            expected, got = head.mirrored(expected), decoder.mirrored(got)
        compare(decoder.decode(got), head.decode(expected))


def compare(got: Joints, expected: Decoded) -> None:
    for name in Joints._fields:
        values = getattr(got, name).numpy()
        assert values.dtype == np.float64
        np.testing.assert_allclose(values, getattr(expected, name), rtol=1e-9, atol=1e-9, err_msg=name)


def bumps(rng: np.random.Generator, height: float = 1.0, noise: float = 0.02) -> NDArray[np.float32]:
    """Maps (2, 17, 16, 12) with a Gaussian anywhere, also on the border."""
    at = rng.uniform(-0.5, [11.5, 15.5], (2, 17, 2))
    x, y = np.arange(12), np.arange(16)[:, None]
    distance = (x - at[..., None, None, 0]) ** 2 + (y - at[..., None, None, 1]) ** 2
    return (height * np.exp(-distance / 8) + noise * rng.normal(size=(2, 17, 16, 12))).astype(np.float32)


def test_every_head_has_a_decoder() -> None:
    assert set(DECODERS) == set(HEADS.values())


@given(seed=st.integers(0, 2**32 - 1), sharpness=st.sampled_from([0.0, 0.1, 3.0, 40.0]))
@settings(max_examples=25, deadline=None)
def test_simcc(seed: int, sharpness: float) -> None:
    rng = np.random.default_rng(seed)
    x, y = (rng.normal(size=(3, 17, bins)).astype(np.float32) * np.float32(sharpness) for bins in (96, 128))
    assert_same(SimCC(LAYOUT), x, y)
    spread, presence = (rng.normal(size=(3, 17)).astype(np.float32) * 4 for _ in range(2))
    assert_same(SimCC(LAYOUT, spread=True), x, y, spread)
    assert_same(RTMCC(LAYOUT, spread=True, presence=True), x, y, spread, presence)


@pytest.mark.parametrize("head", HEATMAPS.values(), ids=HEATMAPS)
@given(seed=st.integers(0, 2**32 - 1), height=st.sampled_from([0.01, 1.0, 3.0]))
@settings(max_examples=15, deadline=None)
def test_heatmaps(head: Heatmap, seed: int, height: float) -> None:
    assert_same(head, bumps(np.random.default_rng(seed), height))


@pytest.mark.parametrize("head", HEATMAPS.values(), ids=HEATMAPS)
def test_maps_that_say_nothing_or_are_broken(head: Heatmap) -> None:
    maps = bumps(np.random.default_rng(0))
    maps[0, 0] = 0
    maps[0, 1] = -1
    maps[0, 2] = np.nan
    maps[0, 3, 5, 5] = np.inf
    maps[0, 4, 0, 0] = 9  # a peak in a corner
    maps[0, 5] = 0.5  # flat
    maps[0, 6, 3] = 2  # a ridge
    assert_same(head, maps)


def test_equal_peaks_are_read_at_the_same_place() -> None:
    x, y = np.zeros((1, 17, 96), np.float32), np.zeros((1, 17, 128), np.float32)
    x[..., [10, 60]] = 5
    y[..., [90, 20]] = 5
    assert_same(SimCC(LAYOUT), x, y)
