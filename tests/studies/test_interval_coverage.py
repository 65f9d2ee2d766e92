from pathlib import Path

import numpy as np
import pytest

from dataengine.cli import main
from dataengine.evaluation.analysis.bootstrap import draw_ap, effective_clusters
from dataengine.evaluation.analysis.resampled import Resampled
from dataengine.evaluation.analysis.simulation import SimulatedSet, simulated_pair, true_ap, true_gain
from dataengine.evaluation.ap.matching import average_precision
from dataengine.studies.interval_coverage import simulate_coverage


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """A quick look at 20 clusters; `dataengine simulate-coverage` makes the whole table."""
    (row,) = simulate_coverage([SimulatedSet(20)], trials=200, resamples=300, seed=1, workers=1)
    assert 0.89 < row.share <= 1.0  # P(Binomial(200, 0.95) <= 178) < 0.1 %
    assert row.above + row.below <= row.percentile_missed  # the correction only widens
    assert 10 < row.effective < 20


def test_intervals_by_image_hold_it_less_often_where_clusters_are_alike() -> None:
    sets = [SimulatedSet(20, 5, group_correlation=inside) for inside in (0.03, 0.5)]
    loose, tight = simulate_coverage(sets, trials=150, resamples=200, seed=1, workers=1)
    for row in (loose, tight):
        assert row.share > 0.87  # P(Binomial(150, 0.95) <= 130) < 0.1 %
    assert 1 - loose.by_image_missed / 150 > 0.87
    assert 1 - tight.by_image_missed / 150 < 0.8


def test_models_that_are_alike_gain_nothing_and_better_ones_do() -> None:
    assert true_gain(SimulatedSet(10), seed=0) == 0.0
    first, second = true_ap(SimulatedSet(10, gain=0.15), seed=0, images=20_000)
    assert 0.5 < second < 0.65
    assert first - second == pytest.approx(0.035, abs=0.01)


def test_the_models_are_correlated_as_two_on_one_set_are() -> None:
    first, second, clusters = simulated_pair(SimulatedSet(300), np.random.default_rng(0))
    draws = draw_ap([first, second], clusters, resamples=400, rng=np.random.default_rng(1))
    assert 0.3 < np.asarray(np.corrcoef(draws.T))[0, 1] < 0.95


def test_clusters_have_the_sizes_asked_for() -> None:
    _, _, even = simulated_pair(SimulatedSet(50, 5), np.random.default_rng(0))
    assert set(np.bincount(even)) == {5}
    _, _, uneven = simulated_pair(SimulatedSet(50, 5, is_uneven=True), np.random.default_rng(0))
    assert set(np.bincount(uneven)) <= set(range(1, 10))
    assert len(set(np.bincount(uneven))) > 4


def test_the_command_writes_the_table_and_the_same_seed_writes_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "dataengine.studies.interval_coverage.SETS", (SimulatedSet(10), SimulatedSet(10, 3, is_uneven=True))
    )
    pages = []
    for name in ("a", "b"):
        out = tmp_path / name / "coverage.md"
        main_arguments = ["simulate-coverage", "--out", str(out), "--trials", "5", "--resamples", "100"]
        with pytest.raises(SystemExit) as done:
            main([*main_arguments, "--workers", "1"])
        assert done.value.code == 0
        pages.append(out.read_text().splitlines())
    rows = [line for line in pages[0] if line.startswith("| 10 ")]
    assert len(rows) == 2 and "1 to 5" in rows[1]
    assert pages[0][3:] == pages[1][3:]


def test_a_quantile_goes_further_out_the_fewer_the_clusters() -> None:
    draws = np.random.default_rng(0).normal(size=20_000)
    low = [Resampled(0.0, draws, clusters).quantile(0.025) for clusters in (5, 20, 1000)]
    assert low[0] < low[1] < low[2]
    assert low[2] == pytest.approx(np.quantile(draws, 0.025), abs=0.02)
    # Student's t of 19 degrees, times sqrt(20 / 19): 2.093 x 1.026
    assert low[1] == pytest.approx(-2.147, abs=0.08)
    assert Resampled(0.0, draws, 1.0).quantile(0.9) == np.inf
    assert np.isnan(Resampled(0.0, np.empty(0), 10).quantile(0.5))


def test_effective_clusters_count_equal_ones_whole() -> None:
    first, _, clusters = simulated_pair(SimulatedSet(30), np.random.default_rng(0))
    persons = first.persons
    assert effective_clusters(first, clusters) == pytest.approx(persons.sum() ** 2 / (persons**2).sum())
    assert effective_clusters(first, np.zeros_like(clusters)) == 1.0
    assert average_precision(first) > 0
