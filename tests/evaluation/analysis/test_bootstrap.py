import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from dataengine.evaluation.analysis.bootstrap import BLOCK, draw_ap, effective_clusters, interval_of, paired_intervals
from dataengine.evaluation.ap.matching import average_precision, paired

from .. import samples
from ..reference import slow_ap


def pair(count: int, seed: int, noises: tuple[float, float] = (0.02, 0.05)):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    images = samples.images(count)
    gt = samples.truth(images, 1, rng)
    return images, *(paired(gt, images, samples.detections_of(gt, noise, rng)).match() for noise in noises)


def test_interval_is_that_of_scipy() -> None:
    images, good, _ = pair(40, 0)

    def statistic(index: np.ndarray) -> float:
        return average_precision(good, np.bincount(index, minlength=40).astype(float))

    expected = stats.bootstrap(
        (np.arange(40),), statistic, vectorized=False, n_resamples=3000, method="percentile", random_state=1
    ).confidence_interval
    got = interval_of(good, np.arange(len(images)), resamples=3000, level=0.95, rng=np.random.default_rng(2))
    # Monte Carlo error of a 2.5 % quantile from 3,000 draws is about 5 % of the interval's width.
    width = expected.high - expected.low
    assert got.low == pytest.approx(expected.low, abs=0.1 * width)
    assert got.high == pytest.approx(expected.high, abs=0.1 * width)


def test_a_model_differs_from_itself_by_nothing() -> None:
    images, good, _ = pair(30, 1)
    both = paired_intervals(good, good, np.arange(len(images)), resamples=200, level=0.95, rng=np.random.default_rng(0))
    assert (both.difference.value, both.difference.low, both.difference.high) == (0.0, 0.0, 0.0)


def test_a_clearly_better_model_has_a_positive_lower_bound() -> None:
    images, good, bad = pair(80, 2, (0.01, 0.15))
    both = paired_intervals(good, bad, np.arange(len(images)), resamples=300, level=0.95, rng=np.random.default_rng(0))
    assert both.difference.low > 0
    assert both.difference.value == pytest.approx(both.first.value - both.second.value)


def test_clusters_widen_the_interval_of_repeated_frames() -> None:
    """Ten frames that are copies carry one frame's worth of information."""
    rng = np.random.default_rng(4)
    images = samples.images(200, frames_per_video=10)
    base = samples.truth(samples.images(20), 1, rng).replace(extras={})
    base = base.replace(visibility=np.full((20, 17), 2, dtype=np.uint8))
    found = samples.detections_of(base, 0.05, rng, dropped=0.0).take(np.arange(20))
    rows = np.repeat(np.arange(20), 10)
    gt, detections = (p.take(rows).replace(image_id=images.id) for p in (base, found))
    matches = paired(gt, images, detections).match()

    def width(kind: str) -> float:
        clusters = np.arange(200) // (10 if kind == "frames" else 1)
        got = interval_of(matches, clusters, resamples=400, level=0.95, rng=np.random.default_rng(0))
        return got.high - got.low

    assert width("frames") > 2 * width("image")


def test_coverage_of_the_difference() -> None:
    """Over 60 simulated pairs the 95 % interval holds the true gain in most; far fewer would be a fault."""
    truth = np.mean([_gain(2000, seed) for seed in range(900, 903)])
    held = 0
    for seed in range(60):
        images, good, bad = pair(60, seed)
        both = paired_intervals(
            good, bad, np.arange(len(images)), resamples=200, level=0.95, rng=np.random.default_rng(seed)
        )
        held += int(both.difference.low <= truth <= both.difference.high)
    assert held >= 51  # P(Binomial(60, 0.95) < 51) < 0.1 %


def _gain(count: int, seed: int) -> float:
    _, good, bad = pair(count, seed)
    return average_precision(good) - average_precision(bad)


def test_copies_by_four_cameras_widen_the_interval_of_moments() -> None:
    """Four views of the same moments carry one view's worth of information: half the precision that four would have."""
    rng = np.random.default_rng(4)
    base = samples.truth(samples.images(40), 1, rng).replace(extras={})
    base = base.replace(visibility=np.full((40, 17), 2, dtype=np.uint8))
    found = samples.detections_of(base, 0.05, rng, dropped=0.0).take(np.arange(40))
    images = samples.images(160, frames_per_video=40)
    gt, detections = (p.take(np.tile(np.arange(40), 4)).replace(image_id=images.id) for p in (base, found))
    matches = paired(gt, images, detections).match()

    def width(clusters: NDArray[np.int64]) -> float:
        got = interval_of(matches, clusters, resamples=600, level=0.95, rng=np.random.default_rng(0))
        return got.high - got.low

    moments, frames, cameras = np.tile(np.arange(40), 4), np.arange(160), np.repeat(np.arange(4), 40)
    assert width(moments) > 1.7 * width(frames)
    both = np.stack([moments, cameras])
    assert width(both) > 0.95 * width(moments), "cameras that agree add nothing but their small number"


def test_crossed_ways_are_at_least_as_wide_as_the_wider_of_both() -> None:
    """By hand: the weight of a picture is the product of how often its camera and its moment were drawn."""
    rng = np.random.default_rng(2)
    images = samples.images(60)
    gt = samples.truth(images, 1, rng)
    easy, hard = (paired(gt, images, samples.detections_of(gt, noise, rng)).match() for noise in (0.02, 0.12))
    camera, moment = np.arange(60) % 4, np.arange(60) // 4
    draws = draw_ap([easy, hard], np.stack([camera, moment]), resamples=250, rng=np.random.default_rng(7))
    expected: list[list[float]] = []
    for source in np.random.default_rng(7).spawn(3):
        size = min(BLOCK, 250 - len(expected))
        by_camera, by_moment = (source.integers(count, size=(size, count)) for count in (4, 15))
        for cameras, moments in zip(by_camera, by_moment, strict=True):
            weight = np.bincount(cameras, minlength=4)[camera] * np.bincount(moments, minlength=15)[moment]
            expected.append([slow_ap(easy, weight.astype(float)), slow_ap(hard, weight.astype(float))])
    assert draws == pytest.approx(np.array(expected), abs=1e-9)
    alone = [draw_ap([hard], way, resamples=2000, rng=np.random.default_rng(1)).std() for way in (camera, moment)]
    together = draw_ap([hard], np.stack([camera, moment]), resamples=2000, rng=np.random.default_rng(1)).std()
    assert together > 0.95 * max(alone)
    assert effective_clusters(easy, np.stack([camera, moment])) == effective_clusters(easy, camera) <= 4
    assert effective_clusters(easy, np.stack([camera * 0, moment])) == effective_clusters(easy, moment)


def test_draws_are_ap_of_whole_clusters_drawn_with_replacement() -> None:
    """The kernel's draws are the slow AP of the weights that the same generator draws."""
    _, good, bad = pair(40, 5)
    clusters = np.arange(40) // 4
    draws = draw_ap([good, bad], clusters, resamples=250, rng=np.random.default_rng(7))
    expected: list[list[float]] = []
    for source in np.random.default_rng(7).spawn(3):
        size = min(BLOCK, 250 - len(expected))
        for drawn in source.integers(10, size=(size, 10)):
            weight = np.bincount(drawn, minlength=10)[clusters].astype(float)
            expected.append([slow_ap(good, weight), slow_ap(bad, weight)])
    assert draws == pytest.approx(np.array(expected), abs=1e-9)


def test_draws_do_not_depend_on_the_number_of_threads() -> None:
    _, good, _ = pair(30, 6)
    one, four = (
        draw_ap([good], np.arange(30), resamples=350, rng=np.random.default_rng(1), threads=threads)
        for threads in (1, 4)
    )
    assert np.array_equal(one, four)
