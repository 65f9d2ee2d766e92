"""A network that really learned something, in seconds: dotted figures on plain ground, and the files of a round."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

from dataengine.coco_json import write_people
from dataengine.crops.pixels import crop_people, normalise
from dataengine.crops.spec import apply_affine
from dataengine.nets.checkpoint import ModelMeta, save_checkpoint
from dataengine.nets.simcc import bin_centers_px
from dataengine.people import Images, People

SIZE_PX = 64
META = ModelMeta(
    network="residual-simcc",
    network_kwargs={"channels": (12, 16, 24), "blocks": (1, 1, 1)},
    input_width_px=SIZE_PX,
    input_height_px=SIZE_PX,
    lineage={"stage": "test"},
)
# A standing person in the unit square, order of COCO_KEYPOINTS.
_FIGURE = np.array(
    [
        *([50, 10], [53, 8], [47, 8], [57, 10], [43, 10], [62, 25], [38, 25], [70, 40], [30, 40]),
        *([74, 54], [26, 54], [58, 55], [42, 55], [60, 75], [40, 75], [61, 95], [39, 95]),
    ],
    dtype=np.float64,
)


def figures(folder: Path, count: int, seed: int, *, video: str = "") -> tuple[People, Images]:
    """Draw `count` pictures of one person each, and label them."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    points = _FIGURE / 100 + rng.normal(0, 0.05, (count, 17, 2))
    points = 20 + points * rng.uniform(70, 100, (count, 1, 2))
    paths = [str(folder / f"{index}.png") for index in range(count)]
    for path, joints in zip(paths, points, strict=True):
        image = np.full((150, 150, 3), 60, dtype=np.uint8)
        for joint, (x, y) in enumerate(joints):
            color = tuple(int(c) for c in np.array([joint * 15, 255 - joint * 12, (joint % 3) * 120]))
            cv2.circle(image, (round(x), round(y)), 4, color, -1)
        cv2.imwrite(path, image)
    frame = np.arange(count) if video else -1
    images = Images.build(id=np.arange(1, count + 1), path=paths, width=150, height=150, video=video, frame=frame)
    box = np.concatenate([points.min(axis=1) - 8, np.ptp(points, axis=1) + 16], axis=1)
    people = People.build(image_id=images.id, bbox_xywh_px=box, keypoints_px=points, visibility=np.full((count, 17), 2))
    return people, images


def write_set(folder: Path, name: str, count: int, seed: int, *, video: str = "") -> Path:
    """`figures` as ``<folder>/<name>.json``."""
    path = folder / f"{name}.json"
    write_people(path, *figures(folder / name, count, seed, video=video))
    return path


def fit(people: People, images: Images, steps: int, seed: int = 0) -> torch.nn.Module:
    """Fit SimCC by cross entropy to the labelled bins."""
    torch.manual_seed(seed)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # layers this small lose time to threads, most of all on a busy machine
    net = META.build().train()
    crops, matrices = crop_people(people, images, META.crop)
    inputs = torch.from_numpy(normalise(crops, META.mean, META.std))
    places = apply_affine(matrices, people.keypoints_px.astype(np.float64))
    centers = bin_centers_px(SIZE_PX * META.simcc_split, META.simcc_split)
    bins = torch.from_numpy(np.abs(places[..., None] - centers).argmin(axis=-1))  # (n, 17, 2)
    optimiser = torch.optim.Adam(net.parameters(), lr=4e-3)
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        rows = torch.from_numpy(rng.integers(0, len(people), 16))
        logits = net(inputs[rows])
        loss = sum(
            torch.nn.functional.cross_entropy(
                answer.flatten(0, 1), bins[rows][..., axis].flatten(), label_smoothing=0.1
            )
            for axis, answer in enumerate(logits)
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    torch.set_num_threads(threads)
    return net.eval()


def write_checkpoints(folder: Path, steps: Sequence[int]) -> list[Path]:
    """Checkpoints after different numbers of steps: the more, the better."""
    people, images = figures(folder / "fit", 192, seed=7)
    made = []
    for count in steps:
        checkpoint = folder / f"steps{count}"
        save_checkpoint(checkpoint, fit(people, images, count), META)
        made.append(checkpoint)
    return made
