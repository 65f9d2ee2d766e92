"""A folder to fit in: seventeen coloured dots a person, which a small network learns in seconds."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch

from dataengine.coco_json import write_people
from dataengine.crops.training.augment import NO_AUGMENTATION
from dataengine.mixing import MixRecipe, write_recipe
from dataengine.people import Images, People
from dataengine.train import fit_teacher
from dataengine.train.fit.params import FitParams

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
    **{name: getattr(TINY, name) for name in ("input_width_px", "input_height_px", "crop_padding", "batch", "device")},
    "network_kwargs": dict(TINY.network_kwargs),
}
"""What makes a section of params.yaml that fits a network fit one as small as `TINY`."""
MOVED = replace(NO_AUGMENTATION, rotation_deg=20, rotation_share=1, scale=0.1, shift=0.05, photometric_share=0.5)


def draw_people_at(folder: Path, n: int, seed: int, source: str = "real") -> tuple[People, Images]:
    """`n` pictures of one person each, and their labels."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    grid = np.stack(np.meshgrid([25, 45, 65, 85], [15, 35, 55, 75, 95]), axis=2).reshape(-1, 2)[:17]
    turn = rng.uniform(-3, 3, n)
    rotation = np.stack([np.cos(turn), -np.sin(turn), np.sin(turn), np.cos(turn)], axis=1).reshape(n, 1, 2, 2)
    points = (rotation @ (grid - 55.0)[None, :, :, None])[..., 0] * 0.9 + 55 + rng.uniform(-4, 4, (n, 1, 2))
    colors = cv2.applyColorMap(np.arange(0, 255, 15, dtype=np.uint8)[:17, None], cv2.COLORMAP_HSV)[:, 0]
    paths = []
    for row in range(n):
        image = np.full((110, 110, 3), 30, dtype=np.uint8)
        for (x, y), color in zip(points[row], colors.tolist(), strict=True):
            cv2.circle(image, (round(x), round(y)), 6, color, -1)
        paths.append(str(folder / f"{source}{row}.png"))
        cv2.imwrite(paths[-1], image)
    ids = np.arange(1, n + 1)
    people = People.build(
        image_id=ids, bbox_xywh_px=[[5, 5, 100, 100]] * n, keypoints_px=points, visibility=np.full((n, 17), 2)
    )
    people = people.replace(source=np.full(n, source, dtype="<U9"))
    return people, Images.build(id=ids, path=paths, width=110, height=110)


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
