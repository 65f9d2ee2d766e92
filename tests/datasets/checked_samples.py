"""Pictures of one standing person each, for the tests of checks, splits and reports."""

from pathlib import Path

import numpy as np
from PIL import Image

from dataengine.boxes import box_from_keypoints
from dataengine.datasets.splits.assign import SplitParams
from dataengine.people import Images, People

from ..helpers.pose_samples import STANDING

SPLIT = SplitParams(val_share=0.25, test_share=0.35, gap_frames=0)


def picture(path: Path, seed: int, quality: int = 95) -> None:
    """A random smooth scene; equal seeds give the same."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(coarse).resize((96, 120), Image.Resampling.BICUBIC).save(path, quality=quality)


def a_set(folder: Path, seeds: list[int], *, qualities: list[int] | None = None) -> tuple[People, Images]:
    """One standing person in each picture; equal seeds give the same scene."""
    for row, seed in enumerate(seeds):
        picture(folder / f"{row}.jpg", seed, qualities[row] if qualities else 95)
    images = Images.build(
        id=np.arange(1, len(seeds) + 1),
        path=[str(folder / f"{r}.jpg") for r in range(len(seeds))],
        width=96,
        height=120,
    )
    jitter = np.random.default_rng(0).normal(0, 0.01, (len(seeds), 17, 2))
    points = (STANDING + jitter) * 80 + (10, 20)
    flags = np.full(points.shape[:2], 2)
    people = People.build(
        image_id=images.id,
        bbox_xywh_px=box_from_keypoints(points, flags),
        keypoints_px=points,
        visibility=flags,
        extras={"source_id": images.id + 100},
    )
    return people, images


def near_twins(folder: Path) -> tuple[People, Images]:
    """30 scenes, each photographed twice."""
    seeds = [scene for scene in range(30) for _ in range(2)]
    return a_set(folder, seeds, qualities=[95, 80] * 30)
