"""Trust from a file of labelled people, whom the teachers are asked about as they are about the pool."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.coco_json import read_project_people
from dataengine.keypoints import COCO_SIGMAS
from dataengine.people import Images, People

from ..pseudo.filters import Opinion
from ..pseudo.params import PseudoLabelParams
from .known_people import groups_of, known_people
from .learning import CrossScored, learn_trust, too_few
from .rule import TrustRule


@dataclass(frozen=True, eq=False)
class Learned:
    """What validation people taught, or why they taught nothing."""

    rule: TrustRule | None
    scored: CrossScored | None
    why_not: str

    def line(self) -> str:
        """For the user."""
        if self.rule is not None:
            return self.rule.line()
        return f"trust: {self.why_not}; the thresholds of params.yaml (blazepose_confidence, fitted_confidence) decide"


def learn_from(
    val: Path | None,
    params: PseudoLabelParams,
    names: Sequence[str],
    ask: Callable[[Images], tuple[People, tuple[Opinion, ...]]],
    *,
    sigmas: NDArray[np.float64] = COCO_SIGMAS,
) -> Learned:
    """Ask the teachers `names` about the people of `val`, and learn whom to trust.

    Without `val`, where `target_precision` is 0, and where there are too few groups, nobody is asked.

    Args:
        val: Labelled people, COCO JSON of a stage.
        params: What is asked for.
        names: The teachers, in the order of their opinions.
        ask: Finds people in images, and gives each teacher's opinion of them.
        sigmas: Those of OKS (17,).
    """
    if val is None or not params.target_precision:
        return Learned(None, None, "no --val is given" if val is None else "target_precision is 0")
    labelled, images = read_project_people(val)
    if not len(labelled):
        return Learned(None, None, f"{val} has no people")
    if few := too_few(len(np.unique(groups_of(labelled, images))), params):
        return Learned(None, None, f"{val} has {few}")
    found, opinions = ask(images)
    learned = learn_trust(known_people(labelled, images, found, opinions, sigmas), names, params, params)
    if isinstance(learned, str):
        return Learned(None, None, f"{val} has {learned}")
    return Learned(*learned, "")
