"""A small project on disk: drawn people as images, a student with fresh weights, candidates and labelled people."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from dataengine.boxes import box_from_keypoints
from dataengine.coco_json import write_people
from dataengine.draw import draw_people
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.nets.checkpoint import ModelMeta, save_checkpoint
from dataengine.people import Images, People

# a standing figure in units of its height, order of COCO_KEYPOINTS
STANDING = np.array(
    [
        [0.50, 0.08], [0.52, 0.06], [0.48, 0.06], [0.55, 0.07], [0.45, 0.07], [0.60, 0.20], [0.40, 0.20], [0.66, 0.35],
        [0.34, 0.35], [0.68, 0.48], [0.32, 0.48], [0.57, 0.52], [0.43, 0.52], [0.58, 0.72], [0.42, 0.72], [0.58, 0.93],
        [0.42, 0.93],
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Project:
    """Paths that `select` takes."""

    root: Path
    student: Path
    candidates: Path
    labelled: Path
    val: Path


def write_set(
    path: Path, frames: list[int], video: str, seed: int, *, people_per_image: int = 1, source: str = "real"
) -> None:
    """Pictures of jittered standing figures in the folder of `path`, with their COCO JSON."""
    rng = np.random.default_rng(seed)
    n = len(frames) * people_per_image
    keypoints = STANDING[None] * 150 + rng.normal(0, 8, (n, 17, 2)) + rng.uniform(10, 40, (n, 1, 2))
    visibility = np.full((n, 17), 2)
    visibility[:, 3] = 0
    image_id = np.repeat(np.arange(len(frames)), people_per_image)
    people = People.build(
        image_id=image_id,
        bbox_xywh_px=box_from_keypoints(keypoints, visibility),
        keypoints_px=keypoints,
        visibility=visibility,
        source=source,
        extras={"kept": [True] * n},
    )
    folder = path.parent / f"{path.stem}_images"
    folder.mkdir(parents=True)
    paths = [str(folder / f"{frame:04d}.png") for frame in frames]
    for row, file in enumerate(paths):
        canvas = rng.integers(0, 80, (200, 220, 3), dtype=np.uint8)
        assert cv2.imwrite(file, draw_people(canvas, people.take(image_id == row)))
    images = Images.build(id=np.arange(len(frames)), path=paths, width=220, height=200, video=video, frame=frames)
    write_people(path, people, images)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Twelve candidate frames of one video, four labelled ones of another, and a validation set."""
    monkeypatch.chdir(tmp_path)
    return make_project(tmp_path)


def make_project(root: Path) -> Project:
    """The project in the working folder, which is `root`."""
    made = Project(root, *(Path(p) for p in ("student", "pool/c.json", "real/train.json", "real/val.json")))
    write_set(made.candidates, list(range(0, 60, 5)), "clip.mp4", seed=1, people_per_image=2, source="pseudo")
    write_set(made.labelled, [0, 1, 2, 3], "studio.mp4", seed=2)
    write_set(made.val, [10, 11], "studio.mp4", seed=3)
    torch.manual_seed(0)
    taught = tuple(name for name in COCO_KEYPOINTS if name != "left_ear")  # which `write_set` labels in nobody
    meta = ModelMeta("residual-simcc", {}, input_width_px=64, input_height_px=64, taught=taught)
    save_checkpoint(made.student, meta.build(), meta)
    return made
