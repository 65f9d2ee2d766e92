"""Trust learned on labelled people.

Each group is scored by what was learned on the others (cross-fitting), so that every labelled person both teaches and
calibrates; what is kept was learned on all of them. `learn_trust` is the way in.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.geometry.pixel_grid import within
from dataengine.people import JOINTS

from ..pseudo.filters import FilterParams, Opinion
from ..pseudo.trust_params import TrustParams
from .conformal import LEAST_TIMES, cutoff, least_groups
from .evidence import joint_signs
from .fusion import Fused, fuse
from .known_people import KnownPeople
from .logistic import JointLogistic, fit_logistic
from .rule import JointTrust, TrustRule

FOLDS = 5


@dataclass(frozen=True, eq=False)
class CrossScored:
    """m labelled people, each scored by what was learned on groups other than its own."""

    known: KnownPeople
    log_odds: NDArray[np.float64]  # (m, 17)
    right: NDArray[np.bool_]  # (m, 17) of the fused answer
    acceptable: NDArray[np.bool_]  # (m, 17) neither disputed nor outside of the picture
    calibrated: NDArray[np.float64]  # (m, 17) probability, also from the other groups


@dataclass(frozen=True)
class Regressions:
    """The two stages: each teacher alone, then the fused answer."""

    of_teacher: tuple[JointLogistic, ...]
    of_answer: JointLogistic

    def answer(
        self, opinions: Sequence[Opinion], size_px: NDArray[np.floating], agreement_tolerance: float
    ) -> tuple[Fused, NDArray[np.float64]]:
        """The fused answer and its log odds (n, 17)."""
        probability = [
            of.probability(joint_signs(opinion, size_px)) for of, opinion in zip(self.of_teacher, opinions, strict=True)
        ]
        fused = fuse(opinions, np.stack(probability), size_px, agreement_tolerance=agreement_tolerance)
        return fused, self.of_answer.log_odds(fused.signs)


def learn_trust(
    known: KnownPeople, teachers: Sequence[str], params: TrustParams, filters: FilterParams
) -> tuple[TrustRule, CrossScored] | str:
    """The rule, and the people it was learned on as others' groups score them; or why nothing can be learned."""
    if few := too_few(known.groups, params):
        return few
    scored = _scored(known, params.right_from, filters)
    regressions = fit_regressions(known, params.right_from, filters.agreement_tolerance)
    joints = tuple(_joint_trust(scored, joint, params) for joint in range(JOINTS))
    rule = TrustRule(
        teachers=tuple(teachers),
        precision=params.target_precision,
        confidence=params.target_confidence,
        right_from=params.right_from,
        agreement_tolerance=filters.agreement_tolerance,
        of_teacher=regressions.of_teacher,
        of_answer=regressions.of_answer,
        joints=joints,
        groups=known.groups,
        people=len(known),
    )
    return rule, scored


def too_few(groups: int, params: TrustParams) -> str:
    """Why that many groups of labelled people cannot calibrate; "" where they can."""
    needed = LEAST_TIMES * least_groups(params.target_precision, params.target_confidence)
    if groups >= needed:
        return ""
    units = "group" if groups == 1 else "groups"
    asked = f"a precision of {params.target_precision:g}"
    return f"{groups} {units} of labelled people (films, scenes, single pictures), {asked} takes {needed}"


def fit_regressions(known: KnownPeople, right_from: float, agreement_tolerance: float) -> Regressions:
    """Both stages on the same people; each group weighs 1."""
    _, place, size = np.unique(known.group, return_inverse=True, return_counts=True)
    weight = np.broadcast_to((1 / size[place])[:, None], known.labelled.shape)
    signs = [joint_signs(opinion, known.size_px) for opinion in known.opinions]
    rights = [known.right(opinion.keypoints_px, right_from) for opinion in known.opinions]
    of_teacher = tuple(fit_logistic(s, r, known.labelled, weight) for s, r in zip(signs, rights, strict=True))
    probability = np.stack([of.probability(s) for of, s in zip(of_teacher, signs, strict=True)])
    fused = fuse(known.opinions, probability, known.size_px, agreement_tolerance=agreement_tolerance)
    right = known.right(fused.keypoints_px, right_from)
    return Regressions(of_teacher, fit_logistic(fused.signs, right, known.labelled, weight))


def acceptable(fused: Fused, picture_px: NDArray[np.int64], filters: FilterParams) -> NDArray[np.bool_]:
    """Joints (n, 17) inside the picture, undisputed, and vouched for by all where `vouching` is `agree`."""
    allowed = within(fused.keypoints_px, picture_px[:, None]) & ~fused.disputed
    return np.asarray(allowed & (fused.vouched.all(axis=0) if filters.vouching == "agree" else True))


def _scored(known: KnownPeople, right_from: float, filters: FilterParams) -> CrossScored:
    fold = _folds(known.group)
    log_odds, right, allowed = np.zeros(known.labelled.shape), np.zeros_like(known.labelled), known.labelled & False
    for number in np.unique(fold):
        held_out = np.flatnonzero(fold == number)
        learned = fit_regressions(known.take(np.flatnonzero(fold != number)), right_from, filters.agreement_tolerance)
        part = known.take(held_out)
        fused, log_odds[held_out] = learned.answer(part.opinions, part.size_px, filters.agreement_tolerance)
        right[held_out] = part.right(fused.keypoints_px, right_from)
        allowed[held_out] = acceptable(fused, part.picture_px, filters)
    calibrated = np.zeros_like(log_odds)
    for number in np.unique(fold):
        teaches = fold != number
        for joint in range(JOINTS):
            rows = np.flatnonzero(teaches & known.labelled[:, joint])
            if len(rows):
                corners = _isotonic(log_odds[rows, joint], right[rows, joint], known.group[rows])
                calibrated[~teaches, joint] = np.interp(log_odds[~teaches, joint], *corners)
    return CrossScored(known, log_odds, right, allowed, calibrated)


def _joint_trust(scored: CrossScored, joint: int, params: TrustParams) -> JointTrust | None:
    rows = np.flatnonzero(scored.known.labelled[:, joint])
    group = scored.known.group[rows]
    groups = len(np.unique(group))
    if too_few(groups, params):
        return None
    odds, right = scored.log_odds[rows, joint], scored.right[rows, joint]
    score = np.where(scored.acceptable[rows, joint], odds, -np.inf)
    least = cutoff(score, right, group, precision=params.target_precision, confidence=params.target_confidence)
    log_odds, probability = _isotonic(odds, right, group)
    return JointTrust(least, tuple(log_odds.tolist()), tuple(probability.tolist()), groups)


def _isotonic(
    log_odds: NDArray[np.float64], right: NDArray[np.bool_], group: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Corners of the rising curve of the share of right joints (pool adjacent violators), each group weighing 1."""
    from sklearn.isotonic import IsotonicRegression

    _, place, size = np.unique(group, return_inverse=True, return_counts=True)
    fitted = IsotonicRegression(y_min=0, y_max=1).fit(log_odds, right.astype(np.float64), 1 / size[place])
    return fitted.X_thresholds_.astype(np.float64), fitted.y_thresholds_.astype(np.float64)


def _folds(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """The fold (m,) of each person: whole groups, shuffled once and dealt out in turn."""
    names, place = np.unique(group, return_inverse=True)
    return (np.random.default_rng(0).permutation(len(names)) % FOLDS)[place]
