from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from dataengine.crops.pixels import MEAN_RGB, STD_RGB, crop_people, normalise
from dataengine.crops.spec import CropSpec, apply_affine
from dataengine.crops.training.augment import AugmentParams, mirror_matrix, swap_sides
from dataengine.crops.training.backgrounds import Backgrounds
from dataengine.crops.training.loader import collate
from dataengine.crops.training.samples import CropSamples
from dataengine.errors import InputError
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.people import Images, People

from ...helpers.scenes import synthetic_before_real
from .carried_joints import carry_joints

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


def test_a_batch_knows_how_much_each_crop_enlarges(dots: tuple[People, Images]) -> None:
    """Distances in the augmented crop over those in the image, whatever the turn and the mirroring."""
    samples = CropSamples(*dots, SPEC, GEOMETRIC)
    drawn = samples.draw(np.zeros(9, dtype=int), [(seed,) for seed in range(9)])
    scale = collate(drawn, np.zeros(9, dtype=np.int64)).crop_scale
    for sample, each in zip(drawn, scale, strict=True):
        there = np.linalg.norm(sample.keypoints_px[0] - sample.keypoints_px[[5, 6]].mean(axis=0))
        here = np.linalg.norm(dots[0].keypoints_px[0, 0] - dots[0].keypoints_px[0, [5, 6]].mean(axis=0))
        assert there / here == pytest.approx(each, rel=1e-6)
    assert scale.max() > 1.2 * scale.min()


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


def test_which_joints_lie_in_the_crop_is_known_of_labelled_ones_and_of_renders(dots: tuple[People, Images]) -> None:
    people, images = dots
    shifted = replace(PLAIN, shift=0.9, flip_share=0.5)
    for source in ("real", "synthetic"):
        some = people.replace(source=np.array([source], dtype=people.source.dtype))
        seen = set()
        for seed in range(8):
            sample = CropSamples(some, images, SPEC, shifted).sample(0, (seed,))
            x, y = sample.keypoints_px.T
            for joint in range(17):
                mine = int(swap_sides(np.arange(17)[:, None])[joint, 0]) if sample.mirrored else joint
                inside = -0.5 <= x[joint] < 63.5 and -0.5 <= y[joint] < 63.5
                wanted = float(inside) if mine in (0, 5, 6) else {"real": -1.0, "synthetic": 0.0}[source]
                assert sample.in_crop[joint] == wanted
                assert (sample.joint_weight[joint] > 0) == (sample.in_crop[joint] == 1)
                seen.add(wanted)
        assert {0.0, 1.0} <= seen
    drawn = [CropSamples(people, images, SPEC, shifted).sample(0, (seed,)) for seed in range(2)]
    np.testing.assert_array_equal(collate(drawn, np.zeros(2, int)).in_crop, [sample.in_crop for sample in drawn])


def test_normalising_is_rgb_minus_mean_over_spread() -> None:
    crops = np.random.default_rng(0).integers(0, 255, (2, 3, 4, 3), dtype=np.uint8)
    expected = (crops[..., ::-1] / 255.0 - MEAN_RGB) / STD_RGB
    result = normalise(crops)
    assert result.dtype == np.float32
    assert result.flags.c_contiguous
    np.testing.assert_allclose(result, expected.transpose(0, 3, 1, 2), atol=1e-6)


def test_a_synthetic_person_stands_before_a_real_picture_with_labels_unchanged(tmp_path: Path) -> None:
    people, images = synthetic_before_real(tmp_path)
    plain = CropSamples(people, images, SPEC, PLAIN).sample(0, (1,))
    moved = CropSamples(people, images, SPEC, replace(PLAIN, background_share=1.0)).sample(0, (1,))
    red, green, blue = (moved.crop_rgb[..., c].astype(int) for c in range(3))
    middle, corner = (32, 32), (3, 3)
    assert (red[middle], green[middle], blue[middle]) == (255, 0, 0), "the person keeps their pixels"
    assert (red[corner], green[corner], blue[corner]) == (0, 0, 255), "the photograph is behind them"
    assert plain.crop_rgb[corner][1] == 255
    assert (green > 140).mean() < 0.01, "at most a fringe of the rendered ground is left"
    np.testing.assert_array_equal(moved.keypoints_px, plain.keypoints_px)
    np.testing.assert_array_equal(moved.visibility, plain.visibility)
    real = CropSamples(people, images, SPEC, replace(PLAIN, background_share=1.0)).sample(1, (1,))
    np.testing.assert_array_equal(real.crop_rgb, CropSamples(people, images, SPEC, PLAIN).sample(1, (1,)).crop_rgb)


def test_the_share_of_exchanged_backgrounds_is_kept_to(tmp_path: Path) -> None:
    samples = CropSamples(*synthetic_before_real(tmp_path), SPEC, replace(PLAIN, background_share=0.3))
    exchanged = [s.crop_rgb[3, 3, 2] == 255 for s in samples.draw([0] * 300, [(i,) for i in range(300)])]
    assert 60 < sum(exchanged) < 120


def test_backgrounds_need_masks_of_the_right_size_and_real_pictures(tmp_path: Path) -> None:
    people, images = synthetic_before_real(tmp_path)
    wanted = replace(PLAIN, background_share=0.5)
    with pytest.raises(InputError, match="no masks"):
        CropSamples(people.replace(extras={}), images, SPEC, wanted)
    with pytest.raises(InputError, match="no real picture"):
        CropSamples(people.take([0]), images, SPEC, wanted)
    for bad in ({"size": [99, 100], "counts": "abc"}, {"size": [100, 100]}, {"size": None, "counts": "a"}):
        with pytest.raises(InputError, match="mask"):
            CropSamples(people.with_extra("segmentation", np.array([bad, None])), images, SPEC, wanted)


def test_a_person_behind_things_keeps_the_rendered_background(tmp_path: Path) -> None:
    people, images = synthetic_before_real(tmp_path)
    visibility = people.visibility.copy()
    visibility[0, :12] = 1
    samples = CropSamples(
        People.concat([people, people.take([0]).replace(visibility=visibility[:1])]),
        images,
        SPEC,
        replace(PLAIN, background_share=1.0),
    )
    seen, hidden = samples.draw([0, 2], [(1,), (1,)])
    assert seen.crop_rgb[3, 3].tolist() == [0, 0, 255]
    assert hidden.crop_rgb[3, 3].tolist() == [0, 255, 0]


def test_windows_keep_away_from_labelled_people(tmp_path: Path) -> None:
    picture = np.zeros((200, 600, 3), np.uint8)
    picture[:, :300] = 255  # a person fills the white half
    cv2.imwrite(str(tmp_path / "half.png"), picture)
    people = People.build(
        image_id=[1], bbox_xywh_px=[[0, 0, 300, 200]], keypoints_px=np.ones((1, 17, 2)), visibility=np.ones((1, 17))
    )
    images = Images.build(id=[1], path=[str(tmp_path / "half.png")], width=600, height=200)
    backgrounds, rng = Backgrounds(people, images, SPEC), np.random.default_rng(0)
    assert np.mean([backgrounds.window(rng).mean() for _ in range(100)]) < 30


@pytest.mark.parametrize("seed", range(12))
def test_joints_of_the_weak_view_are_carried_to_the_strong_one(dots: tuple[People, Images], seed: int) -> None:
    weak = replace(PLAIN, flip_share=0.5, shift=0.05)
    (pair,) = CropSamples(*dots, SPEC, STRONG, weak=weak).views([0], [(seed, 3)])
    carried = carry_joints(pair.weak.keypoints_px, pair.strong_from_weak, pair.mirrored)
    np.testing.assert_allclose(carried, pair.strong.keypoints_px, atol=1e-6)
    assert pair.mirrored == (np.linalg.det(pair.strong_from_weak[:, :2]) < 0)


def test_views_are_independent_of_each_other_and_need_a_weak_augmentation(dots: tuple[People, Images]) -> None:
    weak = replace(PLAIN, shift=0.05)
    pairs = [CropSamples(*dots, SPEC, s, weak=weak).views([0], [(4,)])[0] for s in (STRONG, GEOMETRIC)]
    np.testing.assert_array_equal(pairs[0].weak.crop_rgb, pairs[1].weak.crop_rgb)
    with pytest.raises(InputError, match="weak"):
        CropSamples(*dots, SPEC, STRONG).views([0], [(4,)])


def test_a_joint_that_is_blotted_out_is_occluded_and_keeps_its_weight(dots: tuple[People, Images]) -> None:
    samples = CropSamples(*dots, SPEC, replace(PLAIN, joint_cutout_share=1.0))
    plain = CropSamples(*dots, SPEC, PLAIN).sample(0, (0,))
    hidden = 0
    for sample in samples.draw([0] * 20, [(i,) for i in range(20)]):
        np.testing.assert_array_equal(sample.joint_weight, plain.joint_weight)
        assert set(sample.visibility[sample.joint_weight > 0]) <= {1, 2}
        for joint in np.flatnonzero(sample.visibility == 1):
            x, y = np.floor(sample.keypoints_px[joint] + 0.5).astype(int)
            assert (sample.crop_rgb[y, x] != plain.crop_rgb[y, x]).any()
            hidden += 1
    assert hidden >= 20
