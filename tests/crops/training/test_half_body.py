from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataengine.crops.spec import CropSpec, apply_affine, compose_affine, crop_matrix
from dataengine.crops.training.augment import NO_AUGMENTATION
from dataengine.crops.training.half_body import LEAST_OF_A_HALF, LEAST_OF_A_PERSON, LOWER, MOST_ZOOM, half_bodies
from dataengine.crops.training.samples import CropSamples
from dataengine.people import Images, People

SPEC = CropSpec(96, 128, 1.25)
SIZE = np.array([96, 128])


def standing() -> np.ndarray:
    """Joints (1, 17, 2) of a person who fills the plain crop, the lower half below row 70."""
    rows = np.where(LOWER, np.linspace(70, 110, 17), np.linspace(15, 60, 17))
    return np.stack([np.tile([30.0, 60.0], 9)[:17], rows], axis=-1)[None]


def halves(draws: list[float], flags: np.ndarray, points: np.ndarray | None = None) -> np.ndarray:
    points = standing() if points is None else points
    return half_bodies(np.array([draws]), 0.5, points, flags.astype(np.uint8).reshape(1, 17), SPEC)


@pytest.mark.parametrize(("second", "half"), [(0.1, ~LOWER), (0.9, LOWER)])
def test_a_half_fills_the_crop_by_the_padding(second: float, half: np.ndarray) -> None:
    """Against the plain crop of the box that its joints span."""
    (there,) = halves([0.1, second], np.full(17, 2))
    joints = standing()[0, half]
    low, high = joints.min(axis=0), joints.max(axis=0)
    box = np.concatenate([low + 0.5, high - low])[None]  # joints are pixel centres, boxes pixel edges
    expected = crop_matrix(box, SPEC)[0]
    scale = there[0, 0]
    assert scale == pytest.approx(min(expected[0, 0], MOST_ZOOM))
    moved = apply_affine(there, joints)
    assert (moved >= -1e-9).all() and (moved <= SIZE - 1 + 1e-9).all()


def test_people_stay_whole_by_the_draw_or_with_too_few_joints() -> None:
    identity = np.array([[1.0, 0, 0], [0, 1, 0]])
    every = np.full(17, 2)
    np.testing.assert_allclose(halves([0.6, 0.1], every)[0], identity)
    np.testing.assert_allclose(halves([0.1, 0.1], every // 2)[0], identity, err_msg="nobody is visible")
    few = np.zeros(17)
    few[[0, 5, 6, 7, 8, 9, 10][: LEAST_OF_A_PERSON - 1]] = 2
    np.testing.assert_allclose(halves([0.1, 0.1], few)[0], identity)
    few[[11, 12]] = 2  # enough in all, but the lower half alone has too few
    assert (few[LOWER] > 0).sum() < LEAST_OF_A_HALF
    upper = halves([0.1, 0.1], few)[0]
    assert upper[0, 0] > 1
    np.testing.assert_allclose(halves([0.1, 0.9], few)[0], upper, err_msg="then the other half it is")


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_what_a_half_shows_lies_within_the_plain_crop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.uniform(-40, 160, (5, 17, 2))
    maps = half_bodies(rng.uniform(size=(5, 2)), 1.0, points, rng.integers(0, 3, (5, 17)).astype(np.uint8), SPEC)
    corners = np.array([[-0.5, -0.5], SIZE - 0.5])
    seen = (corners - maps[:, None, :, 2]) / maps[:, 0, 0][:, None, None]
    assert (seen[:, 0] >= -0.5 - 1e-9).all() and (seen[:, 1] <= SIZE - 0.5 + 1e-9).all()


def test_labels_follow_the_pixels_and_other_draws_stay(tmp_path: Path) -> None:
    """A white dot at each joint is where the sample says; without the share nothing changes."""
    image = np.zeros((128, 96, 3), dtype=np.uint8)
    points = standing()[0].round()
    for x, y in points.astype(int):
        cv2.circle(image, (int(x), int(y)), 2, (255, 255, 255), -1)
    cv2.imwrite(str(tmp_path / "a.png"), image)
    people = People.build(image_id=[1], bbox_xywh_px=[[0, 0, 96, 128]], keypoints_px=points[None], visibility=[2] * 17)
    images = Images.build(id=[1], path=[str(tmp_path / "a.png")], width=96, height=128)
    sample = CropSamples(people, images, SPEC, replace(NO_AUGMENTATION, half_body_share=1.0)).sample(0, (3,))
    whole = CropSamples(people, images, SPEC, NO_AUGMENTATION).sample(0, (3,))
    assert sample.crop_from_image[0, 0] > whole.crop_from_image[0, 0] * 1.3
    shown = sample.visibility > 0
    assert LEAST_OF_A_HALF <= shown.sum() < 17
    for x, y in sample.keypoints_px[shown].round().astype(int):
        assert sample.crop_rgb[np.clip(y, 0, 127), np.clip(x, 0, 95)].min() > 128
    np.testing.assert_allclose(
        whole.crop_from_image, compose_affine(np.eye(3)[:2], crop_matrix(people.bbox_xywh_px, SPEC)[0])
    )
