"""A search's result as suspects by name: who, which joints, why, where they may belong; and a table of all scores."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from dataengine.files import atomic_path
from dataengine.keypoints import COCO_KEYPOINTS, FLIP_INDEX, UNLABELLED
from dataengine.mistakes.suspects import Suspect, joints_judged
from dataengine.people import Images, People

from .hypotheses import EXCHANGES, OWN, Floats, paired
from .search import Search
from .verdicts import KINDS, PERSON
from .witness import Witness


def suspects(found: Search, people: People, images: Images, folder: Path, least: float) -> list[Suspect]:
    """Everything that is at least `least` probable: one place per person, flags and unlabelled people besides."""
    names = _Names(people, images, folder)
    return [*_places(found, names, least), *_flags(found, names, least), *_missing(found, names, least)]


def write_scores(path: Path, found: Search, people: People, images: Images, folder: Path) -> None:
    """A CSV with a line per person: probability of each kind, then of each joint that its place is wrong."""
    names, verdict = _Names(people, images, folder), found.verdicts
    with atomic_path(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["file", "id", *KINDS, *COCO_KEYPOINTS])
        for row in range(len(people)):
            figures = [*verdict.probability[row], *verdict.joint_probability[row]]
            table.writerow([names.file(row), names.id(row), *(f"{figure:.4f}" for figure in figures)])


class _Names:
    """What people and pictures are called in their source."""

    def __init__(self, people: People, images: Images, folder: Path) -> None:
        self.people, self._images, self._folder = people, images, folder.resolve()
        self._rows = images.rows_of(people.image_id)

    def file(self, row: int) -> str:
        return self.picture(int(self._rows[row]))

    def picture(self, row: int) -> str:
        path = Path(str(self._images.path[row])).resolve()
        return path.relative_to(self._folder).as_posix() if path.is_relative_to(self._folder) else path.as_posix()

    def id(self, row: int) -> str:
        ids = self.people.extras.get("source_id")
        return str(row + 1 if ids is None else ids[row])

    def picture_of(self, image_id: int) -> str:
        return self.picture(int(self._images.rows_of([image_id])[0]))

    def suspect(
        self, row: int, kind: str, chance: float, joints: list[int], evidence: dict[str, float], to: Floats | None
    ) -> Suspect:
        named = [COCO_KEYPOINTS[joint] for joint in joints]
        places = [] if to is None else to[joints].round(1).tolist()
        return Suspect(
            kind=kind,
            probability=round(chance, 4),
            file=self.file(row),
            id=self.id(row),
            joints=named,
            evidence={name: round(float(value), 2) for name, value in evidence.items()},
            bbox_xywh_px=[round(float(v), 1) for v in self.people.bbox_xywh_px[row]],
            suggested=dict(zip(named, places, strict=False)),
            judged=joints_judged(self.people, row),
        )


def _places(found: Search, names: _Names, least: float) -> Iterator[Suspect]:
    verdict, labelled = found.verdicts, names.people.visibility > UNLABELLED
    usual = {name: np.median(evidence[labelled]) for name, evidence in found.misplaced.of_place.items()}
    for row in np.flatnonzero(verdict.probability.max(axis=1) >= least).tolist():
        index = int(verdict.kind[row])
        kind, chance = KINDS[index], float(verdict.probability[row, index])
        to: Floats | None = None
        if kind in EXCHANGES:
            joints = np.flatnonzero(paired(labelled, EXCHANGES[kind])[row]).tolist()
            evidence = dict(zip(found.exchange[kind].names, -found.exchange[kind].evidence[row], strict=True))
            to = names.people.keypoints_px[row][FLIP_INDEX].astype(np.float64)
        elif kind == PERSON:
            joints, evidence = np.flatnonzero(labelled[row]).tolist(), _pose_evidence(found, row, labelled)
        else:
            joint = int(verdict.joint[row, index])
            joints, to = [joint], _seen_at(found.witnesses, row)
            evidence = {name: usual[name] - each[row, joint] for name, each in found.misplaced.of_place.items()}
        yield names.suspect(row, kind, chance, joints, evidence, to)


def _pose_evidence(found: Search, row: int, labelled: NDArray[np.bool_]) -> dict[str, float]:
    """How much less each witness thinks of this person's joints than of everybody's median joint."""
    own = {w.name: w.log_density[..., OWN] for w in found.witnesses}
    return {name: float(np.median(each[labelled]) - each[row, labelled[row]].mean()) for name, each in own.items()}


def _seen_at(witnesses: list[Witness], row: int) -> Floats | None:
    """(17, 2) the median of where the witnesses see the joints."""
    if not witnesses:
        return None
    return np.asarray(np.median(np.stack([w.keypoints_px[row] for w in witnesses]), axis=0), dtype=np.float64)


def _flags(found: Search, names: _Names, least: float) -> Iterator[Suspect]:
    chance = expit(found.flag)
    for row, joint in zip(*np.nonzero(chance >= least), strict=True):
        sure = {w.name: float(w.confidence[row, joint]) for w in found.witnesses}
        yield names.suspect(int(row), "flag", float(chance[row, joint]), [int(joint)], sure, None)


def _missing(found: Search, names: _Names, least: float) -> Iterator[Suspect]:
    seen = found.unlabelled
    if seen is None:
        return
    for row in np.flatnonzero(seen.chance >= least).tolist():
        yield Suspect(
            kind="missing",
            probability=round(float(seen.chance[row]), 4),
            file=names.picture_of(int(seen.image_id[row])),
            id="",
            joints=[],
            evidence={"BlazePose": round(float(seen.chance[row]), 2)},
            bbox_xywh_px=[round(float(v), 1) for v in seen.bbox_xywh_px[row]],
            suggested=dict(zip(COCO_KEYPOINTS, seen.keypoints_px[row].round(1).tolist(), strict=True)),
            judged=[],
        )
