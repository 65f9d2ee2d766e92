"""Constructed people for the tests of balance and mix: three kinds of pose, as figures and as files with pictures."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.boxes import box_from_keypoints
from dataengine.coco_json import write_people
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.people import Images, People

# figures in units of their height, order of COCO_KEYPOINTS; no pose is its own mirror image
STANDING = np.array(
    [
        [0.50, 0.08], [0.52, 0.06], [0.48, 0.06], [0.55, 0.07], [0.45, 0.07], [0.60, 0.20], [0.40, 0.20], [0.66, 0.35],
        [0.34, 0.35], [0.68, 0.48], [0.40, 0.45], [0.57, 0.52], [0.43, 0.52], [0.58, 0.72], [0.42, 0.72], [0.58, 0.93],
        [0.42, 0.93],
    ]
)  # fmt: skip


def reaching() -> NDArray[np.float64]:
    """The left arm straight up, the right leg to the side."""
    figure = STANDING.copy()
    figure[[7, 9]] = [[0.62, 0.03], [0.63, -0.11]]
    figure[[14, 16]] = [[0.25, 0.62], [0.05, 0.72]]
    return figure


def lying() -> NDArray[np.float64]:
    """The reaching figure turned on its side."""
    return reaching()[:, ::-1].copy()


FIGURES = (STANDING, reaching(), lying())


def swap_sides(name: str) -> str:
    """left_x for right_x and the other way round."""
    words = {"left": "right", "right": "left"}
    side, _, rest = name.partition("_")
    return f"{words[side]}_{rest}" if side in words else name


def mirrored(figure: NDArray[np.float64], around_x: float = 0.0) -> NDArray[np.float64]:
    """The mirror image by names, joint by joint."""
    flipped = figure.copy()
    for joint, name in enumerate(COCO_KEYPOINTS):
        twin = COCO_KEYPOINTS.index(swap_sides(name))
        flipped[joint] = [2 * around_x - figure[twin][0], figure[twin][1]]
    return flipped


def crowd(counts: tuple[int, ...], seed: int = 0, noise: float = 0.01, source: str = "real") -> People:
    """`counts` people of each figure, one an image, of random place, size and mirroring; extra `figure` says which."""
    rng = np.random.default_rng(seed)
    kinds = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    keypoints = []
    for kind in kinds:
        figure = FIGURES[kind] + rng.normal(0, noise, (17, 2))
        figure = mirrored(figure, 0.5) if rng.random() < 0.5 else figure
        keypoints.append((figure + 0.2) * rng.uniform(60, 140) + rng.uniform(0, 20, 2))
    points, visibility = np.array(keypoints).reshape(-1, 17, 2), np.full((len(kinds), 17), 2)
    return People.build(
        image_id=np.arange(len(kinds)) + 1000,
        bbox_xywh_px=box_from_keypoints(points, visibility),
        keypoints_px=points,
        visibility=visibility,
        source=source,
        extras={"figure": kinds.astype(np.int64)},
    )


def write_crowd(path: Path, people: People) -> None:
    """A COCO file of `people`, and a noisy picture for each in the folder next to it."""
    rng = np.random.default_rng(0)
    folder = path.parent / "images"
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{path.stem}_{image}.png" for image in people.image_id]
    for file in files:
        assert cv2.imwrite(str(file), rng.integers(0, 255, (240, 240, 3), dtype=np.uint8))
    images = Images.build(id=people.image_id, path=[str(file) for file in files], width=240, height=240)
    write_people(path, people, images)
