"""Teachers' answers about a set, kept in a file of the study's report: asking takes minutes, and seeds ask again."""

from collections.abc import Callable
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from dataengine.files import atomic_path, sha256_file
from dataengine.nets.checkpoint import META_NAME
from dataengine.people import Images, People
from dataengine.studies.settings import json_hash

from ...pseudo.filters import Opinion

FIELDS = ("keypoints_px", "confidence", "flip_distance_px")
Answered = tuple[People, tuple[Opinion, ...]]


def kept_answers(
    folder: Path, images: Images, teacher: Path | None, *, max_gap: int, ask: Callable[[], Answered]
) -> Answered:
    """What `ask` answers about `images`, from a file in `folder` where the same was asked before.

    The file's name is a hash of the pictures' paths and sizes in bytes, of the teacher's sidecar and of the gap.
    """
    sizes = [(str(path), Path(str(path)).stat().st_size) for path in images.path.tolist()]
    asked = [sizes, images.id.tolist(), sha256_file(teacher / META_NAME) if teacher else "", max_gap]
    path = folder / f"{json_hash(asked)}.npz"
    try:
        with np.load(path, allow_pickle=False) as kept:
            return _people(kept["image_id"], kept["bbox_xywh_px"], kept["keypoints_px_0"]), tuple(
                Opinion(*(kept[f"{name}_{number}"] for name in FIELDS)) for number in range(int(kept["teachers"]))
            )
    except (FileNotFoundError, KeyError, ValueError, BadZipFile):
        people, opinions = ask()
    columns = {f"{name}_{i}": getattr(opinion, name) for i, opinion in enumerate(opinions) for name in FIELDS}
    with atomic_path(path) as partial:
        np.savez(
            partial,
            image_id=people.image_id,
            bbox_xywh_px=people.bbox_xywh_px,
            teachers=np.array(len(opinions)),
            **columns,
        )
    return people, opinions


def _people(image_id: np.ndarray, bbox_xywh_px: np.ndarray, keypoints_px: np.ndarray) -> People:
    seen = np.full(keypoints_px.shape[:2], 2)
    return People.build(
        image_id=image_id, bbox_xywh_px=bbox_xywh_px, keypoints_px=keypoints_px, visibility=seen, source="pseudo"
    )
