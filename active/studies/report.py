"""What a study of selection rules has found so far: the page with its tables, and the plot."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .plan import Round, StudyPlan


@dataclass(frozen=True)
class RoundOutcome:
    """What one fit achieved, each figure in 0..1 on the test people."""

    images: int
    """With labels that it learnt from."""
    people: int
    ap: float
    ap50: float
    pck_02: float
    val_ap: float
    """On the validation people."""
    choose_s: float
    """Seconds that choosing its last labels took."""
    fit_s: float
    """Seconds of the fit, with validation."""


@dataclass(frozen=True, kw_only=True)
class StudyFacts:
    """What the page says of the study."""

    command: str
    pool_images: int
    val_images: int
    test_images: int
    test_people: int
    oks_sigmas: str
    stop_gain: float


def write_study_report(
    report: Path, facts: StudyFacts, plan: StudyPlan, known: Mapping[Round, RoundOutcome]
) -> None:
    """Write study.png and study.md, which shows the plot, into the folder `report`."""
    from dataengine.files import atomic_path
    with atomic_path(report / "study.md") as partial:
        partial.write_text("\n".join(f"{t} {o}" for t, o in known.items()))
