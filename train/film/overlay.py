"""The film with who was accepted drawn into it."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from dataengine.files import atomic_path
from dataengine.films.coco_lines import annotation_records
from dataengine.films.drawing import draw_tracked
from dataengine.films.film_writer import FilmWriter, available_encoder
from dataengine.people import JOINTS, People
from dataengine.terminal.progress import track
from dataengine.video.decoding import Frame, iter_frames


def write_overlay(film: Path, labels: Path, folder: Path) -> Path:
    """Write `folder`/overlay.mp4 (or .webm): every frame of `film` with the people of `labels`; its path.

    `labels` is read line by line, so that memory does not grow with the film.

    Raises:
        EnvironmentFault: PyAV has none of the encoders.
    """
    encoder, suffix = available_encoder()
    path = folder / f"overlay{suffix}"
    with atomic_path(path) as partial, FilmWriter(partial, encoder) as out:
        for frame, records in _with_records(film, labels):
            image = frame.image_bgr
            out.write(draw_tracked(image, _people(records), out.size_of(image)), frame.pts_s)
    return path


def _with_records(film: Path, labels: Path) -> Iterator[tuple[Frame, list[dict[str, Any]]]]:
    groups = groupby(annotation_records(labels), key=lambda record: int(record["image_id"]) - 1)
    index, records = next(groups, (None, iter(())))
    for frame in track(iter_frames(film, tell=lambda line: None), f"{film.name}, overlay", unit="frame"):
        mine = list(records) if index == frame.index else []
        if index == frame.index:
            index, records = next(groups, (None, iter(())))
        yield frame, mine


def _people(records: list[dict[str, Any]]) -> People:
    joints = np.array([record["keypoints"] for record in records], dtype=np.float64).reshape(-1, JOINTS, 3)
    return People.build(
        image_id=1 + np.arange(len(records)),
        bbox_xywh_px=[record["bbox"] for record in records],
        keypoints_px=joints[..., :2],
        visibility=joints[..., 2],
        track_id=[record["track_id"] for record in records],
    )
