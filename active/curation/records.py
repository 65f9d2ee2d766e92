"""From tables of people to one record per picture: its labels, its figures and its tags."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.people import Images, People

from ..manifest.files import SCORE_NAMES
from .documents import SampleRecord, absolute, detection, detections, keypoint, keypoints, shares
from .run_tables import STANDING, AskedBefore, PictureTable, RunTables, stacked
from .views import TO_LABEL


def sample_records(tables: RunTables) -> list[SampleRecord]:
    """One record per picture, in the order of their hashes; the first path where two files are the same picture."""
    records: dict[str, SampleRecord] = {}
    kinds = (
        (tables.labelled, _add_labelled),
        (tables.scored, _add_scored),
        (tables.rendered, _add_rendered),
        (tables.pseudo, _add_pseudo),
    )
    for table, add in kinds:
        for row, rows in enumerate(table.rows_by_picture() if table is not None else ()):
            assert table is not None
            record = records.setdefault(table.sha256[row], _record(table, row))
            add(record, table.people.take(rows), np.array([record.width, record.height], dtype=np.float64))
    for sha256, pick in tables.picks.items():
        record = records[sha256]
        record.tag(TO_LABEL)
        record.fields["rank"], record.fields["why"] = int(pick["rank"]), str(pick["why"])
        record.fields["stands_for"] = int(pick.get("stands_for", 1))  # older selections do not say
    for record in records.values():
        record.fields["round"] = tables.round
        record.fields |= asdict(tables.history.get(record.sha256, AskedBefore()))
    return [records[key] for key in sorted(records)]


def _record(table: PictureTable, row: int) -> SampleRecord:
    images: Images = table.images
    size = int(images.width[row]), int(images.height[row])
    record = SampleRecord(table.sha256[row], absolute(str(images.path[row])), *size)
    record.fields |= {"video": str(images.video[row]), "frame": int(images.frame[row])}
    return record


def _add_labelled(record: SampleRecord, people: People, size: NDArray[np.float64]) -> None:
    """Ground truth, the student's answer and what is wrong with that (`error`), the champion's answer."""
    for split in sorted(set(people.extras["split"].tolist())):
        record.tag(split)
    mistaken = "mistake" in people.extras
    attributes = {"mistake": str, "mistake_probability": float} if mistaken else {}
    record.fields["ground_truth"] = _truth(people, size, attributes)
    if mistaken:
        record.fields["mistake_probability"] = max(people.extras["mistake_probability"].astype(float).tolist())
    points, sure = shares(stacked(people, "student_px"), None, size), stacked(people, "student_confidence")
    student = [
        keypoint(points[i], sure[i], error=_text(people, "error", i), oks=_number(people, "student_oks", i))
        for i in range(len(people))
    ]
    record.fields["student"] = keypoints(student)
    record.fields["student_oks"] = _least(people, "student_oks")
    _add_models(record, people, size)
    _add_standing(record, people, "real")


def _add_scored(record: SampleRecord, people: People, size: NDArray[np.float64]) -> None:
    """Student, teacher and uncertainty of an unlabelled picture, whose own figures are its least certain person's."""
    record.tag("unlabelled")
    points, sure = shares(people.keypoints_px, people.visibility, size), stacked(people, "student_confidence")
    flags, every = people.visibility.tolist(), range(len(people))
    record.fields["student"] = keypoints([keypoint(points[i], sure[i], visibility=flags[i]) for i in every])
    flags = stacked(people, "teacher_visibility")
    points = shares(stacked(people, "teacher_px"), flags, size)
    record.fields["teacher"] = keypoints([keypoint(points[i], visibility=flags[i].tolist()) for i in every])
    boxes = (people.bbox_xywh_px / np.concatenate([size, size])).astype(np.float64)
    record.fields["people"] = detections(
        [
            detection(boxes[i].tolist(), float(people.score[i]), **_uncertainty(people, i), **_standing(people, i))
            for i in every
        ]
    )
    record.fields |= _uncertainty(people, int(np.argmax(people.extras["uncertainty"].astype(float))))
    _add_models(record, people, size)
    _add_standing(record, people, "pseudo")


def _add_rendered(record: SampleRecord, people: People, size: NDArray[np.float64]) -> None:
    record.tag("train")
    record.tag("synthetic")
    record.fields["ground_truth"] = _truth(people, size, {})
    _add_standing(record, people, "synthetic")


def _add_pseudo(record: SampleRecord, people: People, size: NDArray[np.float64]) -> None:
    """What `pseudo-label` took of each person and what not, joint by joint, with its reasons."""
    extras = people.extras
    points = shares(people.keypoints_px, people.visibility, size)
    opinion = extras.get("blazepose")
    found = []
    for i in range(len(people)):
        kept = bool(extras["kept"][i])
        # a person of whom nothing was kept is shown as it was found
        shown = points[i] if kept or opinion is None else shares(np.array(opinion[i])[:, :2], None, size)
        trust = None if "joint_weight" not in extras else [float(value) for value in extras["joint_weight"][i]]
        found.append(
            keypoint(
                shown,
                trust,
                visibility=people.visibility[i].tolist(),
                kept=kept,
                dropped_for=_text(people, "dropped_for", i),
                reasons=[str(reason) for reason in extras["reasons"][i]],
            )
        )
    record.fields["pseudo"] = keypoints(found)


def _truth(people: People, size: NDArray[np.float64], attributes: dict[str, Any]) -> dict[str, Any]:
    points, flags = shares(people.keypoints_px, people.visibility, size), people.visibility.tolist()
    return keypoints(
        [
            keypoint(
                points[i],
                visibility=flags[i],
                **{name: kind(people.extras[name][i]) for name, kind in attributes.items()},
                **_standing(people, i),
            )
            for i in range(len(people))
        ]
    )


def _add_models(record: SampleRecord, people: People, size: NDArray[np.float64]) -> None:
    """The champion's answer, and how far the student's is from it; the picture has its worst person's figures."""
    if "champion_px" not in people.extras:
        return
    extras = people.extras
    record.fields["champion"] = keypoints(
        [
            keypoint(
                shares(np.array(extras["champion_px"][i]), None, size),
                extras["champion_confidence"][i],
                oks=_number(people, "champion_oks", i),
                models_oks=_number(people, "models_oks", i),
            )
            for i in range(len(people))
            if extras["champion_px"][i] is not None
        ]
    )
    record.fields["champion_oks"] = _least(people, "champion_oks")
    record.fields["models_oks"] = _least(people, "models_oks")


def _add_standing(record: SampleRecord, people: People, source: str) -> None:
    """Where the picture's rarest person stands among the poses of training."""
    record.fields.setdefault("source", source)
    rarities = [_number(people, "rarity", i) for i in range(len(people))]
    known = [(value, i) for i, value in enumerate(rarities) if value is not None]
    if known:
        record.fields |= _standing(people, max(known, key=lambda pair: (pair[0], -pair[1]))[1])


def _standing(people: People, row: int) -> dict[str, Any]:
    return {name: _plain(people.extras[name][row]) for name in STANDING if name in people.extras}


def _uncertainty(people: People, row: int) -> dict[str, float]:
    """`uncertainty`, and `uncertainty_<name>` for each score that it combines, where known."""
    columns = {"uncertainty": "uncertainty"} | {f"uncertainty_{name}": name for name in SCORE_NAMES}
    values = {field: people.extras[column][row] for field, column in columns.items() if column in people.extras}
    return {field: float(value) for field, value in values.items() if value is not None}


def _number(people: People, column: str, row: int) -> float | None:
    value = people.extras[column][row] if column in people.extras else None
    return None if value is None else float(value)


def _text(people: People, column: str, row: int) -> str | None:
    return str(people.extras[column][row]) if column in people.extras else None


def _least(people: People, column: str) -> float | None:
    values = [_number(people, column, row) for row in range(len(people))]
    return min((value for value in values if value is not None), default=None)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
