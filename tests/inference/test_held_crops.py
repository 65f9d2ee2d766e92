"""Crops that are held in memory, or are not, are the same crops."""

from pathlib import Path

import numpy as np
import torch

from dataengine.crops.pixels import crop_people
from dataengine.inference.held_crops import HeldCrops
from dataengine.inference.running.predict import torch_runner
from dataengine.nets.checkpoint import ModelMeta

from .crowds import crowd

META = ModelMeta("residual", {"channels": [8, 8], "blocks": [1, 1]}, input_width_px=32, input_height_px=32)
PICTURES = [0, 2, 1, 1, 0]
BYTES = len(PICTURES) * 32 * 32 * 3


def test_the_bound_decides_what_is_held(tmp_path: Path) -> None:
    people, images = crowd(tmp_path, PICTURES)
    held, streamed = (HeldCrops.of(people, images, META.crop, limit) for limit in (BYTES, BYTES - 1))
    assert held.crops_bgr is not None
    assert held.crops_bgr.nbytes == BYTES
    assert streamed.crops_bgr is None
    np.testing.assert_array_equal(held.matrices, streamed.matrices)


def test_held_or_not_they_are_the_same(tmp_path: Path) -> None:
    people, images = crowd(tmp_path, PICTURES)
    held, streamed = (HeldCrops.of(people, images, META.crop, limit) for limit in (BYTES, 0))
    rows = [4, 0, 4, 2]
    expected = crop_people(people, images, META.crop)[0][rows]
    np.testing.assert_array_equal(held.take(rows), expected)
    np.testing.assert_array_equal(streamed.take(rows), expected)
    torch.manual_seed(0)
    runner = torch_runner(META.build())
    one, two = (crops.predict(runner, META, batch=2) for crops in (held, streamed))
    np.testing.assert_allclose(one.keypoints_px, two.keypoints_px, atol=1e-4)
    np.testing.assert_allclose(one.entropy, two.entropy, atol=1e-6)
