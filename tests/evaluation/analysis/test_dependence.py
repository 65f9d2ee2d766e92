"""How alike neighbours are, against numpy and scipy on drawn series; merged until they are no more."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal, stats

from dataengine.evaluation.analysis.dependence import (
    design_effect,
    intraclass_correlation,
    neighbour_correlation,
    residuals,
    settled,
)
from dataengine.evaluation.analysis.image_clusters import Units, units_of
from dataengine.evaluation.analysis.simulation import SimulatedSet, drawn_people, simulated_model
from dataengine.evaluation.ap.matching import paired, recall_reached

from .. import samples


def moments(count: int, series: int = 1) -> Units:
    """`count` moments in each series, one picture each."""
    return Units("time", np.repeat(np.arange(series), count), np.tile(np.arange(count), series))


def autoregressive(rng: np.random.Generator, rho: float, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Rows of a first-order process of unit variance whose neighbours correlate at `rho`."""
    noise = rng.normal(0, np.sqrt(1 - rho**2), (shape[0], shape[1] + 500))
    return np.asarray(signal.lfilter([1], [1, -rho], noise, axis=1))[:, 500:]


def centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values - values.mean()


@pytest.mark.parametrize("rho", [0.0, 0.4, 0.7])
def test_the_correlation_of_neighbours_is_right_on_average_on_few_clusters(rho: float) -> None:
    """The plain estimate on 20 clusters is too small by about (1 + 3 rho) / 20; the corrected one is not."""
    rows = autoregressive(np.random.default_rng(0), rho, (3000, 20))
    found = [neighbour_correlation(moments(20), centred(row)) for row in rows]
    plain = [float(np.corrcoef(row[:-1], row[1:])[0, 1]) for row in rows]
    assert np.mean(np.array(found)) == pytest.approx(rho, abs=0.04)
    assert np.mean(plain) < rho - 0.03


def test_on_a_long_series_it_is_numpys() -> None:
    (row,) = autoregressive(np.random.default_rng(1), 0.8, (1, 5000))
    assert neighbour_correlation(moments(5000), centred(row)) == pytest.approx(
        np.corrcoef(row[:-1], row[1:])[0, 1], abs=0.005
    )


def test_the_last_of_a_series_is_no_neighbour_of_the_next_ones_first() -> None:
    values = centred(np.array([1.0, -1.0, 1.0, -1.0, -1.0, 1.0, -1.0, 1.0, 0.0, 0.0]))
    assert neighbour_correlation(moments(5, 2), values) != neighbour_correlation(moments(10), values)
    assert neighbour_correlation(Units("camera", np.arange(4), np.zeros(4, dtype=np.int64)), np.ones(4)) is None


def test_neighbouring_moments_that_err_alike_become_blocks_of_a_second() -> None:
    """Moments of 60 a second whose errors correlate at 0.92: one or two of them are no evidence of their own."""
    (row,) = autoregressive(np.random.default_rng(3), 0.92, (1, 1200))
    residual = centred(row)
    single = moments(1200)
    first = neighbour_correlation(single, residual)
    assert first is not None and first == pytest.approx(0.92, abs=0.03)
    blocks = settled(single, residual, 0.1)
    after = neighbour_correlation(blocks, residual)
    assert after is not None and after <= 0.1
    assert blocks.block >= 32
    before = neighbour_correlation(single.merged(blocks.block // 2), residual)
    assert before is not None and before > 0.1, "no larger than need be"
    effect = design_effect(residual, blocks.clusters)
    truth = (1 + 0.92) / (1 - 0.92)  # long-run variance of the process over that of its moments
    assert effect is not None and effect == pytest.approx(truth, rel=0.5)


def test_a_third_of_a_second_ends_as_one_cluster_or_too_few() -> None:
    """20 moments, as in the default test set: never the 8 clusters that a verdict needs but by a rare chance."""
    rows = autoregressive(np.random.default_rng(4), 0.92, (400, 20))
    counts = [int(settled(moments(20), centred(row), 0.1).clusters.max()) + 1 for row in rows]
    assert np.mean(np.array(counts) >= 8) < 0.05
    assert {int(settled(moments(20).merged(60), centred(row), 0.1).clusters.max()) for row in rows} == {0}


def test_groups_are_independent_until_neighbours_are_alike() -> None:
    rng = np.random.default_rng(5)
    groups = Units("group", np.zeros(200, dtype=np.int64), np.arange(200))
    alarms = [settled(groups, centred(rng.normal(size=200)), 0.1).block > 1 for _ in range(600)]
    # on 200 groups the limit of 0.1, corrected for the mean, is 1.37 standard errors: 8.5 % of a normal lie above
    assert 0.05 < np.mean(alarms) < 0.12
    scenes = [np.repeat(rng.normal(size=40), 5) + rng.normal(size=200) for _ in range(50)]
    merged = [settled(groups, centred(scene), 0.1).block for scene in scenes]
    assert min(merged) >= 4


@given(
    st.lists(st.tuples(st.integers(0, 5), st.floats(-3, 3)), min_size=3, max_size=40).filter(
        lambda rows: len({unit for unit, _ in rows}) > 1 and len({unit for unit, _ in rows}) < len(rows)
    )
)
def test_intraclass_correlation_is_that_of_the_analysis_of_variance(rows: list[tuple[int, float]]) -> None:
    """Against scipy's F: ICC = (F - 1) / (F + k - 1)."""
    unit = np.array([unit for unit, _ in rows])
    value = np.array([value for _, value in rows])
    parts = [value[unit == each] for each in np.unique(unit)]
    sizes = np.array([len(part) for part in parts])
    found = intraclass_correlation(value, unit)
    within = sum(float(((part - part.mean()) ** 2).sum()) for part in parts)
    if within < 1e-9:
        return
    ratio = stats.f_oneway(*parts).statistic
    usual = (sizes.sum() - (sizes**2).sum() / sizes.sum()) / (len(sizes) - 1)
    assert found == pytest.approx((ratio - 1) / (ratio + usual - 1), rel=1e-6, abs=1e-6)


def test_intraclass_correlation_needs_several_units_and_several_in_one() -> None:
    assert intraclass_correlation(np.array([1.0, 2.0]), np.array([0, 0])) is None
    assert intraclass_correlation(np.array([1.0, 2.0]), np.array([0, 1])) is None
    assert intraclass_correlation(np.array([1.0, 1.0, 1.0]), np.array([0, 0, 1])) is None


@pytest.mark.parametrize("shared", [0.03, 0.2, 0.5])
def test_the_simulation_has_the_correlation_that_is_measured(shared: float) -> None:
    test = SimulatedSet(4000, 5, group_correlation=shared, in_labelled_boxes=True)
    rng = np.random.default_rng(6)
    people = drawn_people(test, rng)
    logits = []
    for _ in range(2):
        model = simulated_model(people, 0.0, rng)
        strength = np.zeros(len(people.image))
        strength[model.detection] = model.is_true.mean(axis=0)
        logits.append(strength)
    found = intraclass_correlation(logits[0] - logits[1], people.cluster[people.image])
    # of the share of thresholds passed, which the thresholds' steps and limits make noisier than the logits
    assert found is not None and 0.6 * shared < found <= shared + 0.01


def test_residuals_are_the_linear_terms_of_recall() -> None:
    """Their sum is 0, and a picture that is counted once more moves average recall by its residual over the people."""
    rng = np.random.default_rng(0)
    images = samples.images(40)
    gt = samples.truth(images, 2, rng)
    good, bad = (paired(gt, images, samples.detections_of(gt, noise, rng)).match() for noise in (0.03, 0.1))
    residual = residuals(good, bad)
    assert residual.sum() == pytest.approx(0, abs=1e-9)
    assert residuals(good, good).any() is np.False_
    people, step = good.persons.sum(), 1e-6
    for row in (0, 7, 23):
        weight = np.ones(len(images))
        weight[row] += step
        moved = [float(recall_reached(m, weight).mean() - recall_reached(m).mean()) for m in (good, bad)]
        assert (moved[0] - moved[1]) / step == pytest.approx(residual[row] / people, rel=1e-4, abs=1e-9)


def test_design_effect_is_one_for_pictures_and_the_number_of_copies_for_copies() -> None:
    rng = np.random.default_rng(8)
    each = np.repeat(centred(rng.normal(size=30)), 4)
    assert design_effect(each, np.arange(120)) == pytest.approx(1)
    assert design_effect(each, np.repeat(np.arange(30), 4)) == pytest.approx(4)
    assert design_effect(each, np.zeros(120, dtype=np.int64)) is None
    (units,) = units_of(samples.images(12), "group")
    assert design_effect(np.zeros(12), units.clusters) is None


def false_gains(rho: float, moments_seen: int, sets: int) -> float:
    """Share of sets without a gain whose lower bound, 0.995 by Student's t over merged blocks, lies above 0.

    A fifth of the variance is white noise; sets of fewer than 8 blocks are refused.
    """
    rng = np.random.default_rng(9)
    slow = autoregressive(rng, rho, (sets, moments_seen))
    false = 0
    for row in np.sqrt(0.8) * slow + np.sqrt(0.2) * rng.normal(size=slow.shape):
        residual = centred(row)
        total = np.bincount(settled(moments(moments_seen), residual, 0.1).clusters, weights=residual)
        count = len(total)
        if count >= 8:
            error = np.sqrt((total @ total) * count / (count - 1)) / moments_seen
            false += row.mean() + stats.t.ppf(0.005, count - 1) * error > 0
    return false / sets


def test_merging_keeps_the_error_on_long_recordings_and_cannot_on_short_ones() -> None:
    """That is why there is `compare.block_frames`: what is alike throughout a film cannot be seen to be alike."""
    assert false_gains(0.92, 200, 800) < 0.02
    assert false_gains(0.92, 20, 800) > 0.03
