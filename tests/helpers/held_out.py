"""Held-out sets for tests, made of images on disk, and copies that leak from them."""

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from dataengine.leakage.contents import Contents, contents_of
from dataengine.leakage.held_out import HELD_OUT_NAME, HeldOutSet, LeakRule, write_held_out
from dataengine.people import Images

RULE = LeakRule(bits=10, correlation=0.75, gap_frames=4)


def held_out_set(
    images: Images, rule: LeakRule = RULE, video_sha256: Mapping[str, str] | None = None, split: str = "test"
) -> HeldOutSet:
    """All of `images` held out."""
    contents = contents_of(images)
    known = Contents.build(contents.sha256, contents.thumbnails, images, video_sha256)
    return HeldOutSet(known, np.array([split] * len(images)), rule)


def held_out_file(folder: Path, images: Images) -> Path:
    """``held_out.json`` in `folder`, which holds out all of `images`."""
    path = folder / HELD_OUT_NAME
    write_held_out(path, held_out_set(images))
    return path


def encoded_again(path: Path, target: Path, quality: int = 60) -> Path:
    """The same picture as a JPEG of other bytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(target), cv2.imread(str(path)), (cv2.IMWRITE_JPEG_QUALITY, quality))
    return target
