"""Agreement of two annotators joint by joint, and the OKS sigmas that it gives.

COCO defines a joint's sigma by labels made twice: sigma^2 = E[d^2 / s^2], d the distance of a label from the true
place, s^2 the person's area (https://cocodataset.org/#keypoints-eval). The true place is unknown here. Of two labels
that are each off by independent errors of equal size, the squared distance is twice as large on average, so
sigma^2 = E[d^2 / s^2] / 2.

A few gross errors decide the mean: an arm of somebody else, left and right exchanged. For Gaussian errors d^2 / s^2 is
exponentially distributed and its median is ln 2 times its mean, so sigma^2 = median(d^2 / s^2) / (2 ln 2), which gross
errors hardly move while they are few (P. J. Huber, "Robust Statistics", 1981, ch. 5). That is `sigma`; from the mean
comes `plain_sigma`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score

from dataengine.evaluation.analysis.interval import Interval
from dataengine.evaluation.analysis.resampled import Resampled, effective_size
from dataengine.keypoints import COCO_KEYPOINTS, FLIP_INDEX, UNLABELLED
from dataengine.people import People
from dataengine.person_scale import person_area

from .pairing import Pairing

GROSS = (
    3.0  # times sigma of one label: d exceeds sqrt(2) times as much in exp(-9), one of 8,000 pairs of Gaussian errors
)
LEAST_PAIRS = 10  # for a joint's sigma
RESAMPLES = 2000
LEAST_EXCHANGED = 6  # joints of left-right pairs labelled by both, for judging whether a person is exchanged


@dataclass(frozen=True)
class JointAgreement:
    """Two annotators' labels of one joint."""

    pairs: int
    """People on whom both labelled it."""
    sigma: Interval | None
    """Robust sigma with its interval over pictures; None of fewer than `LEAST_PAIRS` pairs, or of a single picture."""
    plain_sigma: float
    """From the mean, gross errors and all; NaN without a pair."""
    gross: int
    """Pairs farther apart than sqrt(2) * `GROSS` sigma."""
    one_alone: int
    """People on whom only one of the two labelled it."""
    flag_kappa: float
    """Cohen's kappa of visible against occluded, where both labelled it: 1 agreement, 0 chance; NaN if constant."""


@dataclass(frozen=True)
class AnnotatorAgreement:
    """Two annotators on the people that both labelled."""

    joints: Mapping[str, JointAgreement]
    exchanged: tuple[int, ...]
    """Pairs (rows of the pairing) in which one annotator has left and right the other way round."""


def agreement(
    first: People, second: People, pairing: Pairing, *, level: float = 0.95, seed: int = 0
) -> AnnotatorAgreement:
    """Compare the labels of everybody in `pairing`. Intervals resample pictures."""
    ours, theirs = first.take(pairing.first), second.take(pairing.second)
    labelled = np.stack([people.visibility > UNLABELLED for people in (ours, theirs)])  # (2, n, 17)
    squared = _relative_squares(ours, theirs)
    draws = _draws(pairing.picture, np.random.default_rng(seed))
    joints = {}
    for joint, name in enumerate(COCO_KEYPOINTS):
        both = labelled[:, :, joint].all(axis=0)
        flags = ours.visibility[both, joint], theirs.visibility[both, joint]
        joints[name] = _joint(
            squared[both, joint],
            draws[:, both],
            pairing.picture[both],
            flags,
            one_alone=int((labelled[:, :, joint].sum(axis=0) == 1).sum()),
            level=level,
        )
    return AnnotatorAgreement(joints, _exchanged(ours, theirs, np.logical_and(*labelled)))


def robust_sigma(squared: NDArray[np.float64]) -> float:
    """Sigma of one label from relative squared distances d^2 / s^2 (n,) between two labels of each of n people.

    >>> rng = np.random.default_rng(0)
    >>> errors = rng.normal(0, 0.05 / np.sqrt(2), (2, 20_000, 2))  # two annotators, sigma 0.05
    >>> squared = ((errors[0] - errors[1]) ** 2).sum(axis=1)
    >>> squared[:1000] += 1.0  # one in twenty quite wrong
    >>> round(robust_sigma(squared), 3), round(plain_sigma(squared), 3)
    (0.052, 0.165)
    """
    return float(np.sqrt(np.median(squared) / (2 * np.log(2))))


def plain_sigma(squared: NDArray[np.float64]) -> float:
    """The same from the mean, which gross errors dominate."""
    return float(np.sqrt(squared.mean() / 2)) if len(squared) else float("nan")


def _relative_squares(ours: People, theirs: People) -> NDArray[np.float64]:
    """d^2 / s^2 (n, 17), s^2 the mean of both areas."""
    area = (person_area(ours) + person_area(theirs)) / 2
    squared = ((ours.keypoints_px.astype(np.float64) - theirs.keypoints_px) ** 2).sum(axis=2)
    return np.asarray(squared / np.maximum(area, 1.0)[:, None])


def _draws(picture: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """How often each pair is drawn (r, n) when pictures are drawn with replacement."""
    pictures = int(picture.max(initial=-1)) + 1
    if not pictures:
        return np.zeros((RESAMPLES, 0), dtype=np.int64)
    counts = rng.multinomial(pictures, np.full(pictures, 1 / pictures), size=RESAMPLES)
    return counts[:, picture]


def _joint(
    squared: NDArray[np.float64],
    draws: NDArray[np.int64],
    picture: NDArray[np.int64],
    flags: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    *,
    one_alone: int,
    level: float,
) -> JointAgreement:
    pictures = effective_size(np.bincount(picture))
    sigma = _interval(squared, draws, pictures, level) if len(squared) >= LEAST_PAIRS and pictures > 1 else None
    limit = np.inf if sigma is None else 2 * (GROSS * sigma.value) ** 2
    constant = len(np.unique(np.concatenate(flags))) < 2
    return JointAgreement(
        pairs=len(squared),
        sigma=sigma,
        plain_sigma=plain_sigma(squared),
        gross=int((squared > limit).sum()),
        one_alone=one_alone,
        flag_kappa=float("nan") if constant else float(cohen_kappa_score(*flags)),
    )


def _interval(squared: NDArray[np.float64], draws: NDArray[np.int64], pictures: float, level: float) -> Interval:
    """`robust_sigma` where each pair counts as often as it is drawn (r, n); `pictures`: their effective number."""
    order = np.argsort(squared)
    upto = draws[:, order].cumsum(axis=1)
    counted = upto[:, -1]
    middle = [(upto >= rank[:, None]).argmax(axis=1) for rank in ((counted + 1) // 2, counted // 2 + 1)]
    median = squared[order][np.stack(middle)].mean(axis=0)[counted > 0]
    return Resampled(robust_sigma(squared), np.sqrt(median / (2 * np.log(2))), pictures).interval(level)


def _exchanged(ours: People, theirs: People, both: NDArray[np.bool_]) -> tuple[int, ...]:
    """Rows whose paired joints fit twice as well with one annotator's left and right exchanged."""
    paired = both & both[:, FLIP_INDEX] & (np.arange(len(FLIP_INDEX)) != FLIP_INDEX)
    distance, across = (
        np.linalg.norm(ours.keypoints_px - theirs.keypoints_px[:, order], axis=2)
        for order in (np.arange(len(FLIP_INDEX)), FLIP_INDEX)
    )
    as_labelled, exchanged = ((d * paired).sum(axis=1) for d in (distance, across))
    is_judged = paired.sum(axis=1) >= LEAST_EXCHANGED
    return tuple(np.flatnonzero(is_judged & (2 * exchanged < as_labelled)).tolist())
