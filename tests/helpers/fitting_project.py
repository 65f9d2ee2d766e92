"""A folder to fit in, of drawn people, and the params of a fit that takes seconds."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from dataengine.coco_json import write_people
from dataengine.crops.training.augment import NO_AUGMENTATION
from dataengine.mixing import MixRecipe, write_recipe
from dataengine.train import fit_teacher
from dataengine.train.fit.params import FitParams

from .drawn_people import draw_people_at

TINY = FitParams(
    seed=3,
    network="residual",
    network_kwargs={"channels": [16, 32], "blocks": [1, 1], "maps_per_joint": 2},
    input_width_px=32,
    input_height_px=32,
    crop_padding=1.1,
    label_sigma_px=1.0,
    epochs=3,
    draws_per_epoch=2,
    batch=8,
    learning_rate=0.005,
    weight_decay=0.01,
    warmup_share=0.1,
    ema_decay=0.9,
    clip_norm=5.0,
    augment=NO_AUGMENTATION,
    device="cpu",
    precision="fp32",  # the same numbers, or nearly, on every processor
)
TINY_NETWORK = {
    **{name: getattr(TINY, name) for name in ("input_width_px", "input_height_px", "crop_padding")},
    **{name: getattr(TINY, name) for name in ("batch", "device", "precision")},
    "network_kwargs": dict(TINY.network_kwargs),
}
"""What makes a section of params.yaml that fits a network fit one as small as `TINY`."""
MOVED = replace(NO_AUGMENTATION, rotation_deg=20, rotation_share=1, scale=0.1, shift=0.05, photometric_share=0.5)


def write_project() -> None:
    """In the working folder: a mix of eight drawn people, who are also the validation set."""
    people, images = draw_people_at(Path("images"), 8, seed=0)
    write_people(Path("mix/train.json"), people.with_extra("repeat_factor", np.ones(8)), images)
    write_people(Path("val.json"), people, images)
    write_recipe(Path("mix/recipe.json"), MixRecipe(0.0, 0.0, 1))


def fit_here(params: FitParams, out: str = "models/a") -> dict[str, float]:
    """Fit in the working folder."""
    return fit_teacher.run(params, mix=Path("mix"), val=Path("val.json"), out=Path(out), report=Path("reports") / out)


def curve(out: str, name: str) -> list[float]:
    """A DVCLive curve of the fit that wrote `out`."""
    lines = (Path("reports") / out / "plots" / "metrics" / f"{name}.tsv").read_text().splitlines()[1:]
    return [float(line.split("\t")[1]) for line in lines]


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """A tiny network gains nothing from a second thread and loses much where the machine is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
