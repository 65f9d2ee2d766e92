"""A network that really learned something, in seconds: it found dots on plain ground; and the files of a round."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from dataengine.coco_json import write_people
from dataengine.crops.pixels import crop_people, normalise
from dataengine.crops.spec import apply_affine
from dataengine.files import sha256_file
from dataengine.nets.checkpoint import ModelMeta, save_checkpoint
from dataengine.nets.simcc import bin_centers_px
from dataengine.people import Images, People

from .drawn_people import draw_standing_people

SIZE_PX = 64
META = ModelMeta(
    network="residual-simcc",
    network_kwargs={"channels": (12, 16, 24), "blocks": (1, 1, 1)},
    input_width_px=SIZE_PX,
    input_height_px=SIZE_PX,
    lineage={"stage": "test"},
)


def write_set(folder: Path, name: str, count: int, seed: int, *, video: str = "", scenes: int = 0) -> Path:
    """Standing people as ``<folder>/<name>.json``; with `scenes`, in that many groups of pictures."""
    path = folder / f"{name}.json"
    people, images = draw_standing_people(folder / name, count, seed, video)
    group = [f"scene{row * scenes // count}" if scenes else "" for row in range(count)]
    write_people(path, people, images.replace(group=group))
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
    people, images = draw_standing_people(folder / "fit", 192, seed=7)
    made = []
    for count in steps:
        checkpoint = folder / f"steps{count}"
        learnt = [sha256_file(Path(path)) for path in images.path.tolist()]
        save_checkpoint(checkpoint, fit(people, images, count), META, learnt)
        made.append(checkpoint)
    return made
