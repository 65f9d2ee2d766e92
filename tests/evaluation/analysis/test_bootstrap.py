import numpy as np
import pytest
from scipy import stats

from dataengine.errors import ParamsError
from dataengine.evaluation.bootstrap import BLOCK, draw_ap, interval_of, paired_intervals
from dataengine.evaluation.image_clusters import ClusterKind, clusters_of
from dataengine.evaluation.matching import average_precision, matched
from dataengine.people import Images

from . import samples
from .reference import slow_ap


def pair(count: int, seed: int, noises: tuple[float, float] = (0.02, 0.05)):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    images = samples.images(count)
    gt = samples.truth(images, 1, rng)
    return images, *(matched(gt, images, samples.detections_of(gt, noise, rng)) for noise in noises)


def test_interval_is_that_of_scipy() -> None:
    images, good, _ = pair(40, 0)

    def statistic(index: np.ndarray) -> float:
        return average_precision(good, np.bincount(index, minlength=40).astype(float))

    expected = stats.bootstrap(
        (np.arange(40),), statistic, vectorized=False, n_resamples=3000, method="percentile", random_state=1
    ).confidence_interval
    got = interval_of(good, clusters_of(images, "image"), resamples=3000, level=0.95, rng=np.random.default_rng(2))
    # Monte Carlo error of a 2.5 % quantile from 3,000 draws is about 5 % of the interval's width.
    width = expected.high - expected.low
    assert got.low == pytest.approx(expected.low, abs=0.1 * width)
    assert got.high == pytest.approx(expected.high, abs=0.1 * width)


def test_a_model_differs_from_itself_by_nothing() -> None:
    images, good, _ = pair(30, 1)
    both = paired_intervals(
        good, good, clusters_of(images, "image"), resamples=200, level=0.95, rng=np.random.default_rng(0)
    )
    assert (both.difference.value, both.difference.low, both.difference.high) == (0.0, 0.0, 0.0)


def test_a_clearly_better_model_has_a_positive_lower_bound() -> None:
    images, good, bad = pair(80, 2, (0.01, 0.15))
    both = paired_intervals(
        good, bad, clusters_of(images, "image"), resamples=300, level=0.95, rng=np.random.default_rng(0)
    )
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
    matches = matched(gt, images, detections)

    def width(kind: str) -> float:
        clusters = clusters_of(images, kind, 10)  # type: ignore[arg-type]
        got = interval_of(matches, clusters, resamples=400, level=0.95, rng=np.random.default_rng(0))
        return got.high - got.low

    assert width("frames") > 2 * width("image")
    assert width("video") == width("frames")


def test_coverage_of_the_difference() -> None:
    """Over 60 simulated pairs the 95 % interval holds the true gain in most; far fewer would be a fault."""
    truth = np.mean([_gain(2000, seed) for seed in range(900, 903)])
    held = 0
    for seed in range(60):
        images, good, bad = pair(60, seed)
        both = paired_intervals(
            good, bad, clusters_of(images, "image"), resamples=200, level=0.95, rng=np.random.default_rng(seed)
        )
        held += int(both.difference.low <= truth <= both.difference.high)
    assert held >= 51  # P(Binomial(60, 0.95) < 51) < 0.1 %


def _gain(count: int, seed: int) -> float:
    _, good, bad = pair(count, seed)
    return average_precision(good) - average_precision(bad)


def test_clusters_follow_video_and_frame_block() -> None:
    images = Images.build(
        id=[1, 2, 3, 4, 5],
        path=list("abcde"),
        width=1,
        height=1,
        video=["v", "v", "v", "w", ""],
        frame=[0, 4, 5, 0, -1],
    )
    assert clusters_of(images, "frames", 5).tolist() == [0, 0, 1, 2, 3]
    assert clusters_of(images, "video").tolist() == [0, 0, 0, 1, 2]
    assert clusters_of(images, "image").tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(ParamsError, match="1 or more"):
        clusters_of(images, "frames", 0)


def test_cameras_that_film_the_same_moment_are_one_cluster() -> None:
    images = Images.build(
        id=[1, 2, 3, 4, 5],
        path=list("abcde"),
        width=1,
        height=1,
        video=["left", "right", "left", "right", ""],
        frame=[0, 1, 5, 6, -1],
    )
    assert clusters_of(images, "moments", 5).tolist() == [0, 0, 1, 1, 2]
    assert clusters_of(images, "frames", 5).tolist() == [0, 1, 2, 3, 4]


def test_copies_by_four_cameras_widen_the_interval_of_moments() -> None:
    """Four views of the same moments carry one view's worth of information: half the precision that four would have."""
    rng = np.random.default_rng(4)
    base = samples.truth(samples.images(40), 1, rng).replace(extras={})
    base = base.replace(visibility=np.full((40, 17), 2, dtype=np.uint8))
    found = samples.detections_of(base, 0.05, rng, dropped=0.0).take(np.arange(40))
    images = samples.images(160, frames_per_video=40)
    gt, detections = (p.take(np.tile(np.arange(40), 4)).replace(image_id=images.id) for p in (base, found))
    matches = matched(gt, images, detections)

    def width(kind: ClusterKind) -> float:
        clusters = clusters_of(images, kind)
        got = interval_of(matches, clusters, resamples=600, level=0.95, rng=np.random.default_rng(0))
        return got.high - got.low

    assert width("moments") > 1.7 * width("frames")


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
