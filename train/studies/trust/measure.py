"""Asked against reached: trust learned on one half of a set's groups, measured on the other half and on unseen sets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.evaluation.analysis.calibration import Reliability
from dataengine.keypoints import FLIP_INDEX
from dataengine.people import Images

from ...pseudo.filters import KEPT, FilterParams, Placement
from ...pseudo.trust_params import TrustParams
from ...trust.figures import Reached, diagrams, first_confidence, reached
from ...trust.judging import judge
from ...trust.known_people import KnownPeople
from ...trust.learning import learn_trust
from ...trust.rule import TrustRule

NO_NEIGHBOUR = -1
SAME = "the other half"
LEAST_ACCEPTED = 50


@dataclass(frozen=True, eq=False)
class MeasuredSet:
    """A labelled set that measures, with the groups that are resampled for its intervals."""

    name: str
    known: KnownPeople
    unit: NDArray[np.int64]
    """(m,) groups where there are several, else blocks of neighbouring frames."""


@dataclass(frozen=True)
class TrustRow:
    """What was reached on one set with one half of the calibrating set."""

    set_name: str
    asked: float
    """The precision asked for; 0 is that of the thresholds of params.yaml, which ask for none."""
    seed: int
    """The half's."""
    reached: Reached
    joints_accepted: int
    """Those of 17 with a cutoff; all of them for the thresholds."""
    other_side: float
    """Share of the wrong accepted joints that would be right for the same joint of the other side; NaN without any."""
    joints_below: int
    """Those whose accepted answers, `LEAST_ACCEPTED` or more, are right less often than asked."""


@dataclass(frozen=True, eq=False)
class TrustStudy:
    """All that the page shows."""

    rows: tuple[TrustRow, ...]
    reliability: Mapping[str, tuple[Reliability, Reliability]]
    """By joint and for all: before and after calibration, of the first half."""
    calibrated_on: tuple[int, int]
    """People and groups in a half."""
    refusals: Mapping[str, str]
    """Why an unseen set could not calibrate itself, by name."""


def measure(
    calibrating: KnownPeople,
    unseen: Sequence[MeasuredSet],
    *,
    asked: Sequence[float],
    seeds: Sequence[int],
    teachers: Sequence[str],
    params: TrustParams,
    filters: FilterParams,
) -> TrustStudy:
    """Run the study. Raises ValueError with the reason where a half is too small to calibrate."""
    rows, reliability, sizes = list[TrustRow](), None, (0, 0)
    for seed in seeds:
        teaching, measuring = halves(calibrating, seed)
        sets = [MeasuredSet(SAME, measuring, measuring.group), *unseen]
        rows += [_row(each, None, 0.0, seed, params, filters) for each in sets]
        for precision in asked:
            wanted = TrustParams(
                target_precision=precision,
                target_confidence=params.target_confidence,
                right_from=params.right_from,
            )
            learned = learn_trust(teaching, teachers, wanted, filters)
            if isinstance(learned, str):
                raise ValueError(learned)
            rule, scored = learned
            rows += [_row(each, rule, precision, seed, params, filters) for each in sets]
            if reliability is None:
                reliability, sizes = diagrams(scored, first_confidence(teaching)), (len(teaching), teaching.groups)
    refusals = {
        each.name: why for each in unseen if isinstance(why := learn_trust(each.known, teachers, params, filters), str)
    }
    return TrustStudy(tuple(rows), reliability or {}, sizes, refusals)


def halves(known: KnownPeople, seed: int) -> tuple[KnownPeople, KnownPeople]:
    """The people of one half of the groups, drawn by `seed`, and those of the other."""
    names, place = np.unique(known.group, return_inverse=True)
    first = np.random.default_rng(seed).permutation(len(names)) < len(names) // 2
    return known.take(np.flatnonzero(first[place])), known.take(np.flatnonzero(~first[place]))


def cameras(name: str, known: KnownPeople, images: Images, block_frames: int) -> Iterator[MeasuredSet]:
    """The set itself and, where its pictures are of several films, the people of each film.

    Units are groups, or blocks of `block_frames` frames where everybody is of one group.
    """
    rows = images.rows_of(known.truth.image_id)
    video, frame = images.video[rows], images.frame[rows]
    block = np.unique(np.where(frame >= 0, frame // block_frames, known.group), return_inverse=True)[1]
    unit = known.group if known.groups > 1 else block
    yield MeasuredSet(name, known, unit)
    films = np.unique(video[video != ""])
    for film in films if len(films) > 1 else []:
        of_film = np.flatnonzero(video == film)
        yield MeasuredSet(f"{name}, {film}", known.take(of_film), unit[of_film])


def _row(
    measured: MeasuredSet,
    rule: TrustRule | None,
    asked: float,
    seed: int,
    params: TrustParams,
    filters: FilterParams,
) -> TrustRow:
    known = measured.known
    n = len(known)
    placed = Placement(
        bbox_xywh_px=np.repeat(known.size_px, 4, axis=1),  # a square of the person's size
        picture_px=known.picture_px,
        neighbour_rows=np.full((n, 2), NO_NEIGHBOUR),
        time=np.zeros(n),
    )
    verdict = judge(known.opinions, placed, rule, filters)
    counted = known.labelled if rule is None else known.labelled & rule.judged
    right = known.right(verdict.keypoints_px, params.right_from)
    figures = reached(verdict.reason == KEPT, right, counted, measured.unit, seed=seed)
    accepted = len(known.labelled[0]) if rule is None else int(np.isfinite(rule.cutoffs()).sum())
    taken = (verdict.reason == KEPT) & counted
    exchanged = known.right(verdict.keypoints_px[:, FLIP_INDEX], params.right_from)
    wrong = taken & ~right
    other_side = float(exchanged[wrong].mean()) if wrong.any() else float("nan")
    below = _joints_below(taken, right, asked)
    return TrustRow(measured.name, asked, seed, figures, accepted, other_side, below)


def _joints_below(accepted: NDArray[np.bool_], right: NDArray[np.bool_], asked: float) -> int:
    count = accepted.sum(axis=0)
    return int(((count >= LEAST_ACCEPTED) & ((accepted & right).sum(axis=0) < asked * count)).sum())
