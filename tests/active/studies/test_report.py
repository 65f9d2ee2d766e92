"""What the page says of made-up outcomes."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from dataengine.active.studies.outcome import PlayedRound, PoolFacts, curves_of
from dataengine.active.studies.plan import Round, StudyPlan
from dataengine.active.studies.report import study_page, write_study_report
from dataengine.active.studies.tables import rule_means
from dataengine.studies.seed_spread import half_widths

from .test_plan import PLAN

WIDE = replace(PLAN, rules=("random", "entropy", "core-set"), seeds=(0, 1, 2), rounds=4, start=200, step=200)
FACTS = PoolFacts(
    command="dataengine study",
    pool_images=4797,
    val_images=200,
    test_images=500,
    test_people=510,
    oks_sigmas="COCO",
    stop_gain=0.005,
)


def outcomes(plan: StudyPlan) -> dict[Round, PlayedRound]:
    """Random rises by 0.02 a round, entropy by 0.03 at first, core-set falls; seeds lie 0.01 apart."""
    rises = {"start": np.zeros(1), "random": 0.02 * np.arange(5), "core-set": -0.01 * np.arange(5)}
    rises["entropy"] = np.array([0, 0.03, 0.06, 0.09, 0.09])
    found = {}
    for trial in plan.trials():
        ap = 0.1 + 0.01 * trial.seed + float(rises[trial.rule][trial.number])
        labels = plan.labels(trial)
        found[trial] = PlayedRound(labels, labels, ap, 2 * ap, 0.4, ap, float(trial.number), 30.0)
    return found


def page_of(plan: StudyPlan, known: dict[Round, PlayedRound]) -> str:
    return "\n".join(study_page(FACTS, plan, known, curves_of(plan, known)))


def line_of(page: str, start: str, after: str) -> str:
    return next(line for line in page[page.index(after) :].splitlines() if line.startswith(start))


def test_the_page_tells_means_differences_and_labels_saved() -> None:
    page = page_of(WIDE, outcomes(WIDE))
    assert "Unfinished" not in page and "missing" not in page and "nan" not in page
    (shared,) = half_widths([[0.1, 0.11, 0.12]])
    (_, own, _) = half_widths([[0.1, 0.11, 0.12]] * 3)
    row = line_of(page, "| entropy |", "| AP with labels:")
    assert row.startswith(f"| entropy | 0.110 ± {shared:.3f} | 0.140 ± {own:.3f} |") and row.endswith("| 3 |")
    head = "| rule | area |"
    assert "| 0.150 ± 0.025 | - | - | 1000 (1000 to 1000) | 0% | 3 |" in line_of(page, "| random |", head)
    entropy = line_of(page, "| entropy |", head)
    assert "| **+0.016 ± 0.000** | **+0.010 ± 0.000** | 733 (733 to 733) | 27% | 3 |" in entropy
    assert "| never reached | none | 3 |" in line_of(page, "| core-set |", head)
    assert line_of(page, "| core-set | ", "When to stop").startswith(
        "| core-set | 400 | -0.030 (-0.030 to -0.030) | 3 of 3"
    )
    assert line_of(page, "| all | ", "Forecasts").startswith("| all | 27 | ")


def test_a_rule_that_comes_there_in_some_seeds_says_so() -> None:
    known = outcomes(WIDE)
    last = Round("entropy", 2, 4)
    for number in (3, 4):
        known[Round("entropy", 2, number)] = replace(known[last], ap=0.13)
    entropy = line_of(page_of(WIDE, known), "| entropy |", "| rule | area |")
    assert "733 (733 to 733), never in 1 of 3 seeds | 27% |" in entropy


def test_the_start_counts_once_for_all_rules() -> None:
    means = rule_means(curves_of(WIDE, outcomes(WIDE)))
    (alone,) = half_widths([[0.1, 0.11, 0.12]])
    assert [means[rule, 200].half_width for rule in WIDE.rules] == pytest.approx([alone] * 3)


@pytest.mark.parametrize("known", [0, 1, 4, 20])
def test_a_page_comes_with_whatever_is_known(known: int, tmp_path: Path) -> None:
    some = dict(list(outcomes(WIDE).items())[:known])
    write_study_report(tmp_path, FACTS, WIDE, some)
    page = (tmp_path / "study.md").read_text()
    assert f"**Unfinished: {known} of 39 rounds are known.**" in page and "nan" not in page
    plot = cv2.imread(str(tmp_path / "study.png"))
    assert plot is not None and plot.shape == (440, 1056, 3)
