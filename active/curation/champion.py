"""What the champion says of people, kept in a file so that only people who are new are asked about again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.adopted.runner import load_adopted_runner
from dataengine.files import DAMAGED_ZIP, atomic_path
from dataengine.inference.exported import ONNX_FP16, ExportedModel
from dataengine.inference.running.predict import onnx_runner, predict_people
from dataengine.nets.person_score import PersonScore
from dataengine.people import People

from .run_tables import PictureTable


@dataclass(frozen=True, eq=False)
class ChampionAnswers:
    """The champion's joints of n people."""

    keypoints_px: NDArray[np.float64]  # (n, 17, 2), NaN for people whose picture is gone
    confidence: NDArray[np.float64]  # (n, 17)
    taught: NDArray[np.bool_]  # (17,) joints that the champion was taught; of the others it knows nothing

    @property
    def known(self) -> NDArray[np.bool_]:
        """Who (n,) was answered about."""
        return np.asarray(np.isfinite(self.keypoints_px).all(axis=(1, 2)))


def champion_answers(model: ExportedModel, tables: list[PictureTable], folder: Path) -> list[ChampionAnswers]:
    """Answers for the people of each table, asked for on the CPU where `folder` does not hold them.

    Raises:
        InputError: a picture that is there cannot be read.
    """
    keys = [_keys(table) for table in tables]
    path = folder / f"champion-{model.id}.npz"
    kept = _read(path)
    for table, of_table in zip(tables, keys, strict=True):
        there = np.array([Path(p).is_file() for p in table.images.path.tolist()], dtype=bool)
        seen = there[table.images.rows_of(table.people.image_id)]
        rows = [row for row, key in enumerate(of_table) if key not in kept and seen[row]]
        if rows:
            joints, confidence = _ask(model, table, table.people.take(rows))
            kept |= {of_table[row]: (joints[i], confidence[i]) for i, row in enumerate(rows)}
    asked = {key: kept[key] for of_table in keys for key in of_table if key in kept}
    _write(path, asked)
    score: PersonScore = model.meta.person_score
    return [_answers(of_table, asked, score.taught) for of_table in keys]


def _ask(model: ExportedModel, table: PictureTable, people: People) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    if model.is_adopted:
        runner, meta = load_adopted_runner(model.folder)
        found = predict_people(runner, meta, people, table.images, description="champion")
    else:
        runner_on_cpu = onnx_runner(model.folder / ONNX_FP16)
        found = predict_people(runner_on_cpu, model.meta, people, table.images, description="champion")
    return found.keypoints_px, found.confidence


def _answers(
    keys: list[str], kept: dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]], taught: NDArray[np.bool_]
) -> ChampionAnswers:
    joints, confidence = np.full((len(keys), len(taught), 2), np.nan), np.zeros((len(keys), len(taught)))
    for row, key in enumerate(keys):
        if key in kept:
            joints[row], confidence[row] = kept[key]
    return ChampionAnswers(joints, confidence, taught)


def _keys(table: PictureTable) -> list[str]:
    """One of each person: the picture's hash and the box that is looked in."""
    picture = table.images.rows_of(table.people.image_id).tolist()
    boxes = table.people.bbox_xywh_px.round(2).tolist()
    return [
        hashlib.sha256(f"{table.sha256[row]} {box}".encode()).hexdigest()[:32]
        for row, box in zip(picture, boxes, strict=True)
    ]


def _read(path: Path) -> dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """What is kept; nothing where the file is missing or damaged, since it can be made again."""
    if not path.is_file():
        return {}
    try:
        with np.load(path, allow_pickle=False) as stored:
            columns = stored["keys"].tolist(), stored["keypoints_px"], stored["confidence"]
            return {key: (joints, sure) for key, joints, sure in zip(*columns, strict=True)}
    except (*DAMAGED_ZIP, KeyError):
        return {}


def _write(path: Path, kept: dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]) -> None:
    if not kept:
        return
    joints, confidence = (np.stack([pair[i] for pair in kept.values()]) for i in (0, 1))
    with atomic_path(path) as partial, partial.open("wb") as file:
        np.savez(file, keys=np.array(list(kept)), keypoints_px=joints, confidence=confidence)
