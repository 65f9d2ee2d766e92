import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import laplace

from dataengine.nets.simcc import bin_centers_px, decode, laplace_mass, softmax

BINS, SPLIT = 64, 2  # an axis of 32 px


def gaussian(center_px: float, sigma_px: float) -> np.ndarray:
    """A distribution over the bins, from scratch."""
    weights = [np.exp(-0.5 * (((i + 0.5) / SPLIT - 0.5 - center_px) / sigma_px) ** 2) for i in range(BINS)]
    return np.array(weights) / np.sum(weights)


def joints(*axes: np.ndarray) -> np.ndarray:
    return np.stack(axes)[None]


@settings(deadline=None)
@given(st.floats(6, 25), st.floats(6, 25))
def test_a_gaussian_is_read_at_its_centre_finer_than_a_bin(x: float, y: float) -> None:
    decoded = decode(joints(gaussian(x, 1.5)), joints(gaussian(y, 1.5)), SPLIT)
    np.testing.assert_allclose(decoded.keypoints_px[0, 0], [x, y], atol=0.12)


def test_spread_is_the_standard_deviation_of_both_axes() -> None:
    decoded = decode(joints(gaussian(15, 1.5)), joints(gaussian(16, 2.0)), SPLIT)
    assert decoded.spread_px[0, 0] == pytest.approx(2.5, rel=1e-3)


def test_figures_equal_those_computed_bin_by_bin() -> None:
    rng = np.random.default_rng(3)
    x, y = softmax(rng.normal(size=(1, 2, BINS)) * 3), softmax(rng.normal(size=(1, 2, BINS)) * 3)
    decoded = decode(x, y, SPLIT)
    for joint in range(2):
        mass, entropy, place = 1.0, 0.0, []
        for p in (x[0, joint], y[0, joint]):
            peak = max(range(BINS), key=lambda i: p[i])
            near = [i for i in range(BINS) if abs(i - peak) / SPLIT <= 2.0]
            place.append(sum(p[i] * (i / 2 - 0.25) for i in near) / sum(p[i] for i in near))
            mass *= sum(p[i] for i in range(BINS) if abs(i - peak) / SPLIT <= 32 / 16)
            entropy += -sum(p[i] * np.log(p[i]) for i in range(BINS)) / np.log(BINS) / 2
        np.testing.assert_allclose(decoded.keypoints_px[0, joint], place)
        assert decoded.confidence[0, joint] == pytest.approx(mass)
        assert decoded.entropy[0, joint] == pytest.approx(entropy)


def test_confidence_and_entropy_tell_certain_from_clueless() -> None:
    flat = np.full(BINS, 1 / BINS)
    sharp = np.eye(BINS)[20]
    decoded = decode(joints(sharp, flat), joints(sharp, flat), SPLIT)
    assert decoded.confidence[0, 0] == 1
    assert decoded.confidence[0, 1] < 0.02
    np.testing.assert_allclose(decoded.entropy[0], [0, 1], atol=1e-9)


def test_turning_bins_around_is_mirroring_the_crop() -> None:
    centers = bin_centers_px(BINS, SPLIT)
    np.testing.assert_allclose(centers[::-1], (BINS / SPLIT - 1) - centers)


def test_softmax_survives_large_logits() -> None:
    np.testing.assert_allclose(softmax(np.array([[1e4, 1e4, -1e4]], dtype=np.float32)), [[0.5, 0.5, 0]])


@settings(deadline=None)
@given(st.floats(0, 60), st.floats(0.1, 20), st.floats(0.25, 40))
def test_a_mass_is_that_between_two_values_of_the_distribution(distance: float, reach: float, scale: float) -> None:
    got = laplace_mass(np.array(distance), reach, np.array(scale))
    wanted = laplace.cdf(reach, loc=distance, scale=scale) - laplace.cdf(-reach, loc=distance, scale=scale)
    np.testing.assert_allclose(got, wanted, atol=1e-12)


def test_a_learnt_spread_is_read_as_the_mixture_that_it_means() -> None:
    """Against sums over a fine grid of the mixture's own density."""
    rng = np.random.default_rng(4)
    x, y = softmax(rng.normal(size=(1, 3, BINS)) * 2), softmax(rng.normal(size=(1, 3, BINS)) * 2)
    scale = np.array([[0.25, 1.5, 6.0]])
    decoded, plain = decode(x, y, SPLIT, scale), decode(x, y, SPLIT)
    np.testing.assert_array_equal(decoded.keypoints_px, plain.keypoints_px)
    grid = np.arange(-150, 180, 0.005)
    for joint in range(3):
        mass, variance, entropy = 1.0, 0.0, 0.0
        for p in (x[0, joint], y[0, joint]):
            density = sum(p[i] * laplace.pdf(grid, (i + 0.5) / 2 - 0.5, scale[0, joint]) for i in range(BINS))
            weight = density / density.sum()
            peak = (p.argmax() + 0.5) / 2 - 0.5
            mass *= weight[np.abs(grid - peak) <= 32 / 16].sum()
            variance += (weight * grid**2).sum() - (weight * grid).sum() ** 2
            entropy += -(weight * np.log(np.maximum(density, 1e-300))).sum() + np.log(SPLIT)
        assert decoded.confidence[0, joint] == pytest.approx(mass, abs=2e-3)
        assert decoded.spread_px[0, joint] == pytest.approx(np.sqrt(variance), rel=1e-3)
        assert decoded.entropy[0, joint] <= min(entropy / 2 / np.log(BINS), 1) + 1e-6, "what it has at least"
        assert decoded.entropy[0, joint] >= plain.entropy[0, joint]
