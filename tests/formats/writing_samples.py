"""Small sets on disk: images of a size, and people of hypothesis."""

from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from dataengine.people import Images, People

WIDTH, HEIGHT = 96, 64


def write_image(path: Path, width: int = WIDTH, height: int = HEIGHT) -> Path:
    """A grey picture; the suffix decides the kind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height), (90, 120, 60)).save(path)
    return path


def image_table(folder: Path, count: int) -> Images:
    """`count` pictures below `folder`, with ids from 1."""
    names = [folder / "part" / f"clip_{number:06d}.png" for number in range(count)]
    return Images.build(
        id=np.arange(1, count + 1),
        path=[str(write_image(name)) for name in names],
        width=WIDTH,
        height=HEIGHT,
        video="part/clip",
        frame=np.arange(count),
    )


@st.composite
def crowds(draw: st.DrawFn, images: int = 3, joints: NDArray[np.int64] | None = None) -> People:
    """0 to 6 people in images 1..images, each with a labelled joint; `joints` limits which may be labelled."""
    count = draw(st.integers(0, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    allowed = np.arange(17) if joints is None else joints
    visibility = np.zeros((count, 17), dtype=np.uint8)
    visibility[:, allowed] = rng.integers(0, 3, (count, len(allowed)))
    visibility[:, allowed[rng.integers(0, len(allowed), count)]] = 2
    points = rng.uniform([0.5, 0.5], [WIDTH - 0.5, HEIGHT - 0.5], (count, 17, 2)).round(3)
    low = rng.uniform([0, 0], [WIDTH / 2, HEIGHT / 2], (count, 2)).round(3)
    extent = rng.uniform([1, 1], [WIDTH / 2, HEIGHT / 2], (count, 2)).round(3)
    return People.build(
        image_id=rng.integers(1, images + 1, count),
        bbox_xywh_px=np.concatenate([low, extent], axis=1),
        keypoints_px=np.where(visibility[..., None] > 0, points, 0),
        visibility=visibility,
        track_id=rng.integers(0, 5, count),
    )
