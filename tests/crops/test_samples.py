from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from dataengine.crops.augment import AugmentParams, mirror_matrix, swap_sides
from dataengine.crops.pixels import MEAN_RGB, STD_RGB, crop_people, normalise, read_image
from dataengine.crops.samples import CropSamples
from dataengine.crops.spec import CropSpec, apply_affine
from dataengine.errors import InputError
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.people import Images, People

SPEC = CropSpec(64, 64, 1.25)
PLAIN = AugmentParams(
    rotation_deg=0, rotation_share=0, scale=0, shift=0, flip_share=0, photometric_share=0, dropout_share=0
)
STRONG = AugmentParams(
    rotation_deg=60, rotation_share=1, scale=0.3, shift=0.1, flip_share=0.5, photometric_share=0.5, dropout_share=0.5
)
GEOMETRIC = replace(STRONG, photometric_share=0, dropout_share=0)


@pytest.fixture
def dots(tmp_path: Path) -> tuple[People, Images]:
    """One person whose joints are white dots, three of them labelled."""
    image = np.zeros((200, 160, 3), dtype=np.uint8)
    points = np.zeros((17, 2))
    points[[0, 5, 6]] = [[80, 60], [60, 110], [105, 120]]
    for x, y in points[[0, 5, 6]].astype(int):
        cv2.circle(image, (int(x), int(y)), 5, (255, 255, 255), -1)
    path = tmp_path / "dots.png"
    cv2.imwrite(str(path), image)
    visibility = np.isin(np.arange(17), [0, 5, 6]) * 2
    people = People.build(
        image_id=[7], bbox_xywh_px=[[40, 40, 80, 100]], keypoints_px=points[None], visibility=visibility, weight=0.5
    )
    return people, Images.build(id=[7], path=[str(path)], width=160, height=200)


def test_swapping_sides_exchanges_left_and_right_names() -> None:
    joints = np.arange(17)[:, None]
    for joint, other in enumerate(swap_sides(joints)[:, 0]):
        swapped = COCO_KEYPOINTS[joint].replace("left", "?").replace("right", "left").replace("?", "right")
        assert COCO_KEYPOINTS[other] == swapped


def test_mirroring_turns_the_pixel_columns_around() -> None:
    image = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    np.testing.assert_array_equal(cv2.warpAffine(image, mirror_matrix(SPEC), (64, 64)), image[:, ::-1])


@pytest.mark.parametrize("seed", range(12))
def test_labels_follow_the_pixels(dots: tuple[People, Images], seed: int) -> None:
    sample = CropSamples(*dots, SPEC, GEOMETRIC).sample(0, (seed,))
    counted = np.flatnonzero(sample.joint_weight)
    assert set(counted) <= {0, 5, 6}
    for x, y in sample.keypoints_px[counted]:
        assert sample.crop_rgb[round(float(y)), round(float(x)), 0] > 200


def test_a_mirrored_sample_is_the_plain_one_mirrored_with_sides_exchanged(dots: tuple[People, Images]) -> None:
    plain = CropSamples(*dots, SPEC, PLAIN).sample(0, (1,))
    mirrored = CropSamples(*dots, SPEC, replace(PLAIN, flip_share=1.0)).sample(0, (1,))
    assert np.abs(mirrored.crop_rgb.astype(int) - plain.crop_rgb[:, ::-1]).max() <= 2  # sampling by 1/32 px
    np.testing.assert_allclose(mirrored.keypoints_px[5], [63, 0] + plain.keypoints_px[6] * [-1, 1])
    np.testing.assert_allclose(mirrored.joint_weight, swap_sides(plain.joint_weight[:, None])[:, 0])


def test_the_plain_sample_shows_what_prediction_sees(dots: tuple[People, Images]) -> None:
    sample = CropSamples(*dots, SPEC, PLAIN).sample(0, (1,))
    crops, matrices = crop_people(*dots, SPEC)
    assert np.abs(sample.crop_rgb.astype(int) - crops[0]).mean() < 2
    np.testing.assert_allclose(sample.keypoints_px, apply_affine(matrices, dots[0].keypoints_px)[0], atol=1e-6)


def test_samples_depend_on_the_seed_alone_with_and_without_cache(dots: tuple[People, Images]) -> None:
    cached, bare = CropSamples(*dots, SPEC, STRONG), CropSamples(*dots, SPEC, STRONG, cache_bytes=0)
    other = cached.sample(0, (9,))
    first, again, uncached = cached.sample(0, (3, 4)), cached.sample(0, (3, 4)), bare.sample(0, (3, 4))
    np.testing.assert_array_equal(first.crop_rgb, again.crop_rgb)
    np.testing.assert_array_equal(first.crop_rgb, uncached.crop_rgb)
    np.testing.assert_array_equal(first.keypoints_px, uncached.keypoints_px)
    assert (first.crop_rgb != other.crop_rgb).any()


def test_joints_outside_the_crop_or_unlabelled_do_not_count(dots: tuple[People, Images]) -> None:
    people, images = dots
    far = people.keypoints_px.copy()
    far[0, 5] = [5, 5]
    sample = CropSamples(people.replace(keypoints_px=far), images, SPEC, PLAIN).sample(0, (0,))
    assert np.flatnonzero(sample.joint_weight).tolist() == [0, 6]
    assert sample.joint_weight[0] == 0.5


def test_normalising_is_rgb_minus_mean_over_spread() -> None:
    crops = np.random.default_rng(0).integers(0, 255, (2, 3, 4, 3), dtype=np.uint8)
    expected = (crops[..., ::-1] / 255.0 - MEAN_RGB) / STD_RGB
    result = normalise(crops)
    assert result.dtype == np.float32
    assert result.flags.c_contiguous
    np.testing.assert_allclose(result, expected.transpose(0, 3, 1, 2), atol=1e-6)


def test_a_missing_and_a_broken_image_are_named(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"broken\.jpg is not an image"):
        read_image(tmp_path / "broken.jpg")
    with pytest.raises(InputError, match=r"gone\.jpg does not exist"):
        read_image(tmp_path / "gone.jpg")
