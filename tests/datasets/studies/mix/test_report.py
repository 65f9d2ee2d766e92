"""What the sweep over the ratio says, against SciPy's tests."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from dataengine.datasets.studies.mix.plan import MixPlan, MixTrial
from dataengine.datasets.studies.mix.report import mix_figure, mix_page, summarise_sweep


@settings(deadline=None)
@given(st.integers(1, 6), st.integers(2, 6), st.integers(0, 1000))
def test_the_interval_against_analysis_of_variance(ratios: int, seeds: int, chance: int) -> None:
    ap = np.random.default_rng(chance).uniform(0.3, 0.9, (ratios, seeds))
    summary = summarise_sweep({MixTrial(Fraction(r), s): float(ap[r, s]) for r in range(ratios) for s in range(seeds)})
    assert [each.mean for each in summary.means.values()] == pytest.approx(ap.mean(axis=1))
    pooled = np.mean([np.var(row, ddof=1) for row in ap])
    expected = scipy.stats.t.interval(0.95, ratios * (seeds - 1), scale=np.sqrt(pooled / seeds))[1]
    assert [each.half_width for each in summary.means.values()] == pytest.approx([expected] * ratios)
    if ratios > 1 and seeds > 1:  # two ratios: the same test, seed by seed, as SciPy's
        two = summarise_sweep({MixTrial(Fraction(r, 3), s): float(ap[r, s]) for r in range(2) for s in range(seeds)})
        p = scipy.stats.ttest_rel(ap[0], ap[1]).pvalue
        if two.means[Fraction(0)].mean >= two.means[Fraction(1, 3)].mean:
            assert ("does not differ clearly" in two.verdict()) == (p >= 0.05)


def test_a_single_seed_has_no_interval(tmp_path: Path) -> None:
    summary = summarise_sweep({MixTrial(Fraction(r, 3), 0): r / 10 for r in range(3)})
    assert all(np.isnan(each.half_width) for each in summary.means.values())
    mix_figure(summary, "fit-teacher").savefig(tmp_path / "sweep.png")
    assert cv2.imread(str(tmp_path / "sweep.png")) is not None
    plan = MixPlan(tuple(summary.means), (0,), "fit-teacher", {"fit-teacher.epochs": "2"})
    text = "\n".join(mix_page(plan, summary))
    assert "A single seed cannot show" in text and "nan" not in text and "±" not in text
    assert "--ratio 0 --ratio 1/3 --ratio 2/3 --seed 0 --set fit-teacher.epochs=2" in text
