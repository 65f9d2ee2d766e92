"""What the study of rounds says of made-up outcomes."""

import math
from pathlib import Path

import cv2
import pytest

from dataengine.studies.seed_spread import half_widths
from dataengine.train.studies.rounds.plan import FULL, Fit, RoundPlan
from dataengine.train.studies.rounds.report import (
    Base,
    RoundOutcome,
    command_of,
    round_figure,
    round_page,
    variant_means,
)

from .example_plan import PLAN

BASE = Base(new_ap=0.2, old_ap=0.5, new_people=44, old_people=500, oks_sigmas="COCO")


def outcomes(plan: RoundPlan) -> dict[Fit, RoundOutcome]:
    """Rounds without replay forget; seeds lie 0.01 apart."""
    return {
        (variant, seed): RoundOutcome(
            new_ap=0.4 + 0.01 * seed,
            old_ap=0.3 + 0.4 * variant.share + 0.01 * seed,
            seconds=100.0 if variant.kind == FULL else 10.0,
        )
        for variant, seed in plan.fits()
    }


def test_the_page_tells_cost_gain_and_forgetting(tmp_path: Path) -> None:
    found = variant_means(PLAN, outcomes(PLAN))
    half = half_widths([[0.4, 0.41, 0.42]] * 3)[0]
    assert [row.new_ap.half_width for row in found] == pytest.approx([half] * 3)
    text = "\n".join(round_page(PLAN, BASE, found, 9))
    assert "Unfinished" not in text and "missing" not in text and "nan" not in text
    assert "| the earlier network | 0.200 | 0.500 | - | - |" in text
    assert f"| round, 0% old, decay 0.8 | 0.410 ± {half:.3f} | 0.310 ± {half:.3f} | 10 | 3 |" in text
    assert f"- round, 0% old, decay 0.8: 0.10 of the full fit's time, +0.210 ± {half:.3f} on new people, -0.190" in text
    assert f"+0.010 ± {half:.3f} (not distinguishable from none) on old ones." in text
    words = command_of(PLAN).split()
    assert words[:2] == ["dataengine", "compare-rounds"] and words.count("--seed") == 3
    round_figure(BASE, found).savefig(tmp_path / "rounds.png")
    assert cv2.imread(str(tmp_path / "rounds.png")) is not None


def test_the_page_of_an_unfinished_study(tmp_path: Path) -> None:
    some = dict(list(outcomes(PLAN).items())[:2])
    text = "\n".join(round_page(PLAN, BASE, variant_means(PLAN, some), len(some)))
    assert "**Unfinished: 2 of 9 fits are known.**" in text and "nan" not in text
    assert "| round, 50% old, decay 0.8 | missing | missing | missing | 0 of 3 |" in text and "(one seed)" in text
    assert all(math.isnan(row.new_ap.half_width) for row in variant_means(PLAN, some))
    assert "0 of 9 fits" in "\n".join(round_page(PLAN, BASE, variant_means(PLAN, {}), 0))
    round_figure(BASE, []).savefig(tmp_path / "rounds.png")
