"""Geometry against OpenCV, albumentations' keypoint transforms and dots found again in the pixels."""

from dataclasses import replace
from pathlib import Path

import albumentations as A
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataengine.crops.augment import (
    GEOMETRY_DRAWS,
    NO_AUGMENTATION,
    AugmentParams,
    mirror_matrix,
    random_affines,
    reach,
    swap_sides,
)
from dataengine.crops.occlusion import blot, hidden, joint_holes, occluded, random_holes
from dataengine.crops.photometric import NOISE_STD, Photometric, _Noise, _steps
from dataengine.crops.samples import CropSamples
from dataengine.crops.spec import CropSpec, apply_affine, invert_affine
from dataengine.errors import ParamsError
from dataengine.keypoints import FLIP_INDEX
from dataengine.people import Images, People

from ..helpers.scenes import STRONG, photo

SPEC = CropSpec(64, 48, 1.25)
GEOMETRIC = replace(STRONG, photometric_share=0, dropout_share=0, joint_cutout_share=0, weather_share=0)


def dots(folder: Path) -> tuple[People, Images]:
    """A person whose every joint is a soft dot, told apart by a colour of its own."""
    rng = np.random.default_rng(5)
    points = np.stack(np.meshgrid(np.linspace(130, 270, 5), np.linspace(110, 260, 4)), axis=2).reshape(-1, 2)[:17]
    points = points + rng.uniform(-3, 3, points.shape)
    image = np.zeros((400, 400, 3), np.float64)
    for joint, (x, y) in enumerate(points):
        layer = np.exp(-((np.arange(400)[None] - x) ** 2 + (np.arange(400)[:, None] - y) ** 2) / (2 * 5.0**2))
        image += layer[..., None] * _color(joint)
    path = folder / "dots.png"
    cv2.imwrite(str(path), np.clip(np.rint(image), 0, 255).astype(np.uint8))
    people = People.build(
        image_id=[1], bbox_xywh_px=[[110, 90, 180, 190]], keypoints_px=points[None], visibility=np.full((1, 17), 2)
    )
    return people, Images.build(id=[1], path=[str(path)], width=400, height=400)


def _color(joint: int) -> np.ndarray:
    """BGR; joints in odd places of the list are blue, the others red, so that a swap of sides shows."""
    return np.array([250.0, 60, 0]) if joint % 2 else np.array([0.0, 60, 250])


@pytest.mark.parametrize("seed", range(20))
def test_every_joint_is_where_its_dot_is_and_bears_the_right_name(tmp_path: Path, seed: int) -> None:
    sample = CropSamples(*dots(tmp_path), CropSpec(128, 96), GEOMETRIC).sample(0, (seed,))
    original = FLIP_INDEX if sample.mirrored else np.arange(17)
    grey = sample.crop_rgb.astype(np.float64).sum(axis=2)
    checked = 0
    for joint in range(17):
        x, y = sample.keypoints_px[joint]
        if not (7 < x < 120 and 7 < y < 88):
            continue
        left, top = round(x) - 4, round(y) - 4
        window = grey[top : top + 9, left : left + 9]
        found = (window.sum(axis=0) @ np.arange(9), window.sum(axis=1) @ np.arange(9)) / window.sum()
        np.testing.assert_allclose(np.add(found, (left, top)), [x, y], atol=0.8)
        red, _, blue = sample.crop_rgb[round(y), round(x)].astype(int)
        assert (blue > red) == bool(original[joint] % 2)
        checked += 1
    assert checked > 3


def test_mirroring_is_albumentations_horizontal_flip(tmp_path: Path) -> None:
    image, points = photo(1, 64, 48), np.random.default_rng(0).uniform(0, 40, (17, 2))
    flip = A.Compose([A.HorizontalFlip(p=1)], keypoint_params=A.KeypointParams("xy", remove_invisible=False))
    expected = flip(image=image, keypoints=points)
    np.testing.assert_array_equal(cv2.warpAffine(image, mirror_matrix(SPEC), (64, 48)), expected["image"])
    np.testing.assert_allclose(apply_affine(mirror_matrix(SPEC), points), expected["keypoints"], atol=1e-4)


def test_affines_are_opencvs_about_the_middle() -> None:
    params = replace(NO_AUGMENTATION, rotation_deg=50, rotation_share=1, scale=0.4)
    draws = np.random.default_rng(0).random((20, GEOMETRY_DRAWS))
    matrices, mirrored = random_affines(draws, params, SPEC)
    assert not mirrored.any()
    for matrix, row in zip(matrices, draws, strict=True):
        angle, scale = 50 * (2 * row[1] - 1), 1.4 ** (2 * row[2] - 1)
        np.testing.assert_allclose(matrix, cv2.getRotationMatrix2D((31.5, 23.5), -angle, scale), atol=1e-5)


shares = st.floats(0, 1)
strengths = st.builds(
    AugmentParams, st.floats(0, 180), shares, st.floats(0, 1), st.floats(0, 0.3), shares, st.just(0.0), st.just(0.0)
)


@given(strengths, st.integers(0, 1000), st.sampled_from([CropSpec(64, 48), CropSpec(48, 96), CropSpec(64, 64)]))
def test_no_crop_shows_more_than_the_reach(params: AugmentParams, seed: int, spec: CropSpec) -> None:
    matrices, _ = random_affines(np.random.default_rng(seed).random((16, GEOMETRY_DRAWS)), params, spec)
    size = np.array([spec.width_px, spec.height_px])
    corners = np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) * size - 0.5
    seen = apply_affine(invert_affine(matrices), corners) - (size - 1) / 2
    assert (np.abs(seen) <= reach(params, spec) * size.max() / 2 + 1e-6).all()
    assert (np.abs(seen) <= reach(params, spec) * size / 2 + 1e-6).all()


def test_params_out_of_range_are_refused() -> None:
    for bad in ({"flip_share": 1.5}, {"scale": -0.1}, {"joint_cutout_share": float("nan")}):
        with pytest.raises(ParamsError, match=next(iter(bad))):
            replace(NO_AUGMENTATION, **bad)


@given(st.integers(0, 10_000))
def test_a_blotted_joint_is_occluded_and_stays_labelled(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points, visibility = rng.uniform(-0.49, 63.49, (17, 2)), rng.integers(0, 3, 17).astype(np.uint8)
    crop = np.full((64, 64, 3), 200, np.uint8)
    holes = np.concatenate([random_holes(rng, 64, 64), joint_holes(rng, points, visibility > 0, 64, 64)])
    assert (holes[:, :2] >= 0).all() and (holes[:, 2:] <= 64).all() and (holes[:, 2:] > holes[:, :2]).all()
    blot(crop, holes, rng)
    inside = np.zeros((64, 64), bool)
    for x0, y0, x1, y1 in holes:
        inside[y0:y1, x0:x1] = True
    assert (crop[~inside] == 200).all()
    assert (crop[inside] != 200).any()
    covered = hidden(points, holes)
    pixel = np.floor(points + 0.5).astype(int)
    np.testing.assert_array_equal(covered, inside[pixel[:, 1], pixel[:, 0]])
    after = occluded(visibility, covered)
    np.testing.assert_array_equal(after > 0, visibility > 0)
    assert (after[covered & (visibility > 0)] == 1).all()
    np.testing.assert_array_equal(after[~covered], visibility[~covered])


@given(st.integers(0, 10_000))
def test_a_joint_cutout_hides_a_labelled_joint(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points, labelled = rng.uniform(0, 63, (17, 2)), np.arange(17) == rng.integers(17)
    holes = joint_holes(rng, points, labelled, 64, 64)
    assert len(holes) == 1
    assert hidden(points, holes)[labelled].all()
    assert not len(joint_holes(rng, points, np.zeros(17, bool), 64, 64))


def test_no_change_of_looks_moves_a_dot() -> None:
    ys, xs = np.mgrid[0:65, 0:65]
    dot = 60 + 150 * np.exp(-((xs - 32) ** 2 + (ys - 32) ** 2) / (2 * 3.0**2))
    image = np.repeat(np.rint(dot)[..., None], 3, axis=2).astype(np.uint8)
    changes = [
        c for step in _steps(replace(NO_AUGMENTATION, photometric_share=1, weather_share=1)) for c in step.changes
    ]
    assert len(changes) >= 11
    for change in changes:
        moves = []
        for seed in range(30):
            changed = change(image.copy(), np.random.default_rng(seed))
            assert changed.shape == image.shape and changed.dtype == np.uint8
            grey = changed[24:41, 24:41].astype(float).mean(axis=2)
            bright = np.clip(grey - (grey.min() + grey.max()) / 2, 0, None)
            middle = np.array([bright.sum(axis=0) @ np.arange(17), bright.sum(axis=1) @ np.arange(17)]) / bright.sum()
            moves.append(middle - 8)
        assert np.abs(np.median(moves, axis=0)).max() < 0.3, change
        painted_over = type(getattr(change, "_transform", None)).__name__ in ("RandomRain", "RandomShadow")
        assert painted_over or np.quantile(np.abs(moves), 0.9) < 0.7, change


def test_looks_depend_on_the_generator_alone() -> None:
    image, params = photo(3, 96, 64), replace(NO_AUGMENTATION, photometric_share=0.6, weather_share=0.6)
    first, second = Photometric(params), Photometric(params)
    for seed in range(5):
        second.apply(image.copy(), np.random.default_rng(100 + seed))  # what came before must not matter
    for seed in range(25):
        one = first.apply(image.copy(), np.random.default_rng(seed))
        np.testing.assert_array_equal(one, second.apply(image.copy(), np.random.default_rng(seed)))
    assert len({first.apply(image.copy(), np.random.default_rng(s)).tobytes() for s in range(25)}) > 15


def test_noise_has_the_strength_and_independence_of_gauss_noise() -> None:
    flat, noise = np.full((128, 128, 3), 128, np.uint8), _Noise()
    spreads = []
    for seed in range(40):
        change = noise(flat, np.random.default_rng(seed)).astype(float) - 128
        spreads.append(change.std() / 255)
        assert abs(change.mean()) < 1
        assert abs(np.corrcoef(change[:-1].ravel(), change[1:].ravel())[0, 1]) < 0.03
        assert abs(np.corrcoef(change[..., 0].ravel(), change[..., 1].ravel())[0, 1]) < 0.03
    assert NOISE_STD[0] * 0.95 < min(spreads) < 0.03
    assert 0.07 < max(spreads) < NOISE_STD[1] * 1.05


def test_nothing_is_changed_without_augmentation() -> None:
    image = photo(2, 64, 64)
    np.testing.assert_array_equal(Photometric(NO_AUGMENTATION).apply(image, np.random.default_rng(0)), image)


def test_swapping_twice_changes_nothing() -> None:
    joints = np.random.default_rng(0).random((3, 17, 2))
    np.testing.assert_array_equal(swap_sides(swap_sides(joints)), joints)
