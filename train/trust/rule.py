"""What was learned about teachers, in memory and as the file `trust.json`: probabilities, and who is accepted.

`JointTrust` is one joint's, `TrustRule` all of it. A joint that too few groups show labelled has no `JointTrust`; one
whose cutoff is None is never accepted, because the precision asked for cannot be shown for any share of its answers.
"""

import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.files import read_json, write_json
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.people import JOINTS
from dataengine.typed_record import TypedReader

from .logistic import JointLogistic

FORMAT = 1
_RECORD = TypedReader(InputError, finite=True, fix="run `dataengine pseudo-label` again")


@dataclass(frozen=True)
class JointTrust:
    """What is known of one joint's answers."""

    cutoff: float | None
    """Least log odds with which it is accepted; None accepts none."""
    log_odds: tuple[float, ...]
    """Rising, with `probability` the corners of the isotonic regression."""
    probability: tuple[float, ...]
    """That an answer with these log odds is right, calibrated."""
    groups: int
    """Groups with this joint labelled."""

    def calibrated(self, log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
        """The probability of being right, between the corners in a straight line."""
        return np.interp(log_odds, self.log_odds, self.probability)

    def log_odds_at(self, probability: float) -> float | None:
        """Least log odds of an answer that is right with at least `probability`; None where none is.

        >>> joint = JointTrust(cutoff=None, log_odds=(-1.0, 0.0, 2.0), probability=(0.2, 0.4, 0.8), groups=50)
        >>> joint.log_odds_at(0.5), joint.log_odds_at(0.1), joint.log_odds_at(0.9)
        (0.5, -inf, None)
        """
        if self.probability[0] >= probability:
            return -math.inf
        if self.probability[-1] < probability:
            return None
        above = int(np.searchsorted(self.probability, probability))
        around = slice(above - 1, above + 1)
        return float(np.interp(probability, self.probability[around], self.log_odds[around]))


@dataclass(frozen=True)
class TrustRule:
    """What was learned on labelled people, for teachers in this order."""

    teachers: tuple[str, ...]
    precision: float
    """The share of accepted joints that is to be right."""
    confidence: float
    """With which it is, over the people that calibrated."""
    right_from: float
    """A joint is right whose own OKS with the label is this or more."""
    agreement_tolerance: float
    """Within which two teachers that vouch agree, share of a person's size."""
    of_teacher: tuple[JointLogistic, ...]
    of_answer: JointLogistic
    joints: tuple[JointTrust | None, ...]
    """One a joint, in COCO's order."""
    groups: int
    people: int

    @property
    def judged(self) -> NDArray[np.bool_]:
        """(17,) the joints that enough groups show labelled."""
        return np.array([joint is not None for joint in self.joints])

    def cutoffs(self) -> NDArray[np.float64]:
        """(17,) least log odds of an accepted joint, infinite for one that is never accepted."""
        return np.array([np.inf if joint is None or joint.cutoff is None else joint.cutoff for joint in self.joints])

    def calibrated(self, log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability (n, 17) that each joint is right; 0 for joints that are not judged."""
        columns = [
            np.zeros(len(log_odds)) if joint is None else joint.calibrated(log_odds[:, j])
            for j, joint in enumerate(self.joints)
        ]
        return np.stack(columns, axis=1)

    def accepting(self, probability: float) -> "TrustRule":
        """The same rule, which accepts every joint that is right with at least that probability."""
        joints = tuple(
            None if joint is None else replace(joint, cutoff=joint.log_odds_at(probability)) for joint in self.joints
        )
        return replace(self, precision=probability, joints=joints)

    def line(self) -> str:
        """For the user: what was learned from whom, and which joints fall back or are never accepted."""
        none = [joint is not None and joint.cutoff is None for joint in self.joints]
        parts = [
            f"trust: learned on {self.people} labelled people in {self.groups} groups, "
            f"{self.precision:g} of accepted joints are to be right"
        ]
        if not self.judged.all():
            parts.append(f"too few groups show {_names(~self.judged)}: the thresholds of params.yaml decide these")
        if any(none):
            parts.append(f"no share of {_names(np.array(none))} is shown to be that good: none is accepted")
        return "; ".join(parts)


def _names(joints: NDArray[np.bool_]) -> str:
    return ", ".join(COCO_KEYPOINTS[joint].replace("_", " ") for joint in np.flatnonzero(joints))


def write_trust(path: Path, rule: TrustRule) -> None:
    """Write the rule as JSON, atomically."""
    write_json(path, {"format": FORMAT, **asdict(rule)})


def read_trust(path: Path) -> TrustRule:
    """The rule of a file. Raises InputError where it is missing, damaged or of another format."""
    record: Any = read_json(path)
    if not isinstance(record, dict) or record.pop("format", None) != FORMAT:
        raise InputError(f"{path} is not a file of trust", fix="give the trust.json of `dataengine pseudo-label`")
    rule = _RECORD.record(TrustRule, record, str(path))
    counts = {len(rule.joints), len(rule.of_answer.bias), *(len(each.bias) for each in rule.of_teacher)}
    pairs = all(j is None or 0 < len(j.log_odds) == len(j.probability) for j in rule.joints)
    if counts != {JOINTS} or len(rule.of_teacher) != len(rule.teachers) or not pairs:
        raise InputError(f"{path} does not fit together", expected=f"{JOINTS} joints, a regression per teacher")
    return rule
