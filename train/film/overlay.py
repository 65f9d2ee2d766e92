"""The film with who was accepted drawn into it: H.264, or VP9 where nothing encodes that, as browsers play it."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from dataengine.draw import BgrImage, draw_people
from dataengine.errors import EnvironmentFault
from dataengine.files import atomic_path
from dataengine.people import JOINTS, People
from dataengine.terminal.progress import track
from dataengine.video.decoding import Frame, iter_frames

from .journal import annotation_records

ENCODERS = (("libx264", ".mp4"), ("libopenh264", ".mp4"), ("libvpx-vp9", ".webm"))
LONGEST_SIDE_PX = 1280
TICKS = 90_000  # a second: MPEG's clock, which holds uneven frame times
WHITE = (255, 255, 255)


def write_overlay(film: Path, labels: Path, folder: Path) -> Path:
    """Write `folder`/overlay.mp4 (or .webm): every frame of `film` with the people of `labels`; its path.

    `labels` is read line by line, so that memory does not grow with the film.

    Raises:
        EnvironmentFault: PyAV has none of the encoders.
    """
    encoder, suffix = available_encoder()
    path = folder / f"overlay{suffix}"
    with atomic_path(path) as partial, av.open(str(partial), "w") as container:
        stream: Any = container.add_stream(encoder, rate=30)
        stream.codec_context.time_base = Fraction(1, TICKS)
        stream.pix_fmt = "yuv420p"
        last, size_px = -1, None
        for frame, records in _with_records(film, labels):
            image = _scaled(_drawn(frame.image_bgr, records), size_px)
            if size_px is None:
                size_px = stream.width, stream.height = image.shape[1], image.shape[0]
            last = max(last + 1, round(frame.pts_s * TICKS))
            drawn = av.VideoFrame.from_ndarray(image, format="bgr24")
            drawn.pts, drawn.time_base = last, Fraction(1, TICKS)
            container.mux(stream.encode(drawn))
        container.mux(stream.encode(None))
    return path


def available_encoder() -> tuple[str, str]:
    """The first of `ENCODERS` that PyAV has, and its file's suffix. EnvironmentFault where it has none."""
    for encoder, suffix in ENCODERS:
        if encoder in av.codecs_available:
            return encoder, suffix
    expected = ", ".join(name for name, _ in ENCODERS)
    raise EnvironmentFault("no film can be written", expected=f"PyAV with one of {expected}", fix="leave out --overlay")


def _with_records(film: Path, labels: Path) -> Iterator[tuple[Frame, list[dict[str, Any]]]]:
    groups = groupby(annotation_records(labels), key=lambda record: int(record["image_id"]) - 1)
    index, records = next(groups, (None, iter(())))
    for frame in track(iter_frames(film, tell=lambda line: None), f"{film.name}, overlay", unit="frame"):
        mine = list(records) if index == frame.index else []
        if index == frame.index:
            index, records = next(groups, (None, iter(())))
        yield frame, mine


def _drawn(image_bgr: BgrImage, records: list[dict[str, Any]]) -> BgrImage:
    if not records:
        return image_bgr
    joints = np.array([record["keypoints"] for record in records], dtype=np.float64).reshape(-1, JOINTS, 3)
    boxes = [record["bbox"] for record in records]
    canvas = draw_people(
        image_bgr,
        People.build(
            image_id=1 + np.arange(len(records)),
            bbox_xywh_px=boxes,
            keypoints_px=joints[..., :2],
            visibility=joints[..., 2],
        ),
    )
    size = max(0.5, max(canvas.shape[:2]) / 1200)
    for record in records:
        corner = (int(record["bbox"][0]), max(12, int(record["bbox"][1]) - 4))
        cv2.putText(
            canvas, str(record["track_id"]), corner, cv2.FONT_HERSHEY_SIMPLEX, size, WHITE, round(2 * size), cv2.LINE_AA
        )
    return canvas


def _scaled(image: BgrImage, size_px: tuple[int, int] | None) -> BgrImage:
    """The image in a size that the encoder takes, even on both sides; all frames of a film in that of the first."""
    if size_px is None:
        scale = min(1.0, LONGEST_SIDE_PX / max(image.shape[:2]))
        height, width = (max(2, 2 * round(side * scale / 2)) for side in image.shape[:2])
        size_px = width, height
    if image.shape[1::-1] == size_px:
        return image
    return np.asarray(cv2.resize(image, size_px, interpolation=cv2.INTER_AREA), dtype=np.uint8)
