"""Rendered people pasted in front: what is covered becomes occluded, nothing moves, and shares are kept to."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataengine.crops.spec import CropSpec
from dataengine.crops.training.augment import NO_AUGMENTATION
from dataengine.crops.training.pasting import MOST_COVERED, SCALE, covered_joints, pasted_map
from dataengine.crops.training.photometric import _steps
from dataengine.crops.training.samples import CropSamples
from dataengine.errors import InputError, ParamsError

from ...helpers.scenes import synthetic_before_real

SPEC = CropSpec(64, 64, 1.25)
PASTED = replace(NO_AUGMENTATION, pasted_share=1.0)


def test_joints_under_the_mask_are_covered_and_no_more_than_half() -> None:
    cut_out = np.zeros((64, 64, 4), np.uint8)
    cut_out[:, :32, 3] = 255
    points = np.stack([np.linspace(-5, 63, 17), np.full(17, 30.0)], axis=1)
    visibility = np.full(17, 2, np.uint8)
    visibility[:5] = 0  # unlabelled joints do not count
    covered = covered_joints(cut_out, points, visibility)
    assert covered is not None
    np.testing.assert_array_equal(covered, (points[:, 0] >= -0.5) & (points[:, 0] < 31.5))
    cut_out[:, :48, 3] = 255
    assert covered_joints(cut_out, points, visibility) is None


def test_a_cut_out_is_put_aside_at_about_its_size() -> None:
    maps = np.stack([pasted_map(np.random.default_rng(seed), SPEC) for seed in range(200)])
    scales, middles = maps[:, 0, 0], maps @ np.array([31.5, 31.5, 1.0])
    assert SCALE[0] <= scales.min() < 0.6 and 1.0 < scales.max() <= SCALE[1]
    aside = np.abs(middles - 31.5) / 64
    assert aside[:, 0].min() >= 0.15 - 1e-9 and aside.max() <= 0.55 + 1e-9
    assert {tuple(signs) for signs in np.sign(middles - 31.5).tolist()} == {(a, b) for a in (-1, 1) for b in (-1, 1)}


def test_a_photographed_person_stands_behind_a_rendered_one(tmp_path: Path) -> None:
    people, images = synthetic_before_real(tmp_path)
    plain = CropSamples(people, images, SPEC, NO_AUGMENTATION)
    samples = CropSamples(people, images, SPEC, PASTED)
    before = plain.sample(1, (0,))
    drawn = samples.draw([1] * 60, [(seed,) for seed in range(60)])
    for sample in drawn:
        changed = (sample.crop_rgb != before.crop_rgb).any(axis=2)
        np.testing.assert_array_equal(sample.keypoints_px, before.keypoints_px)
        np.testing.assert_array_equal(sample.visibility == 0, before.visibility == 0)
        hidden = (before.visibility == 2) & (sample.visibility == 1)
        assert hidden.sum() <= MOST_COVERED * (before.visibility > 0).sum()
        column, line = np.rint(sample.keypoints_px[hidden]).astype(int).T
        assert changed[line, column].all(), "what hides a joint is seen"
    assert sum((s.crop_rgb != before.crop_rgb).any() for s in drawn) > 20
    again = CropSamples(people, images, SPEC, PASTED, cache_bytes=0).sample(1, (7,))
    np.testing.assert_array_equal(again.crop_rgb, drawn[7].crop_rgb)


def test_pasting_needs_masks(tmp_path: Path) -> None:
    people, images = synthetic_before_real(tmp_path)
    with pytest.raises(InputError, match=r"augment\.pasted_share"):
        CropSamples(people.replace(extras={}), images, SPEC, PASTED)


def test_blur_and_jpeg_follow_the_light_unless_they_are_set() -> None:
    def shares(**changes: float) -> list[float]:
        return [step.share for step in _steps(replace(NO_AUGMENTATION, **changes))]  # type: ignore[arg-type]

    assert shares() == []
    usual = shares(photometric_share=0.3)
    assert shares(photometric_share=0.3, blur_share=0.1, jpeg_share=0.1) == pytest.approx(usual)
    set_apart = shares(photometric_share=0.3, blur_share=0.5, jpeg_share=0.7)
    assert [new for new, old in zip(set_apart, usual, strict=True) if new != old] == [0.5, 0.7]
    assert shares(jpeg_share=0.7) == [0, 0, 0, 0, 0, 0.7, 0]
    with pytest.raises(ParamsError, match="jpeg_share"):
        replace(NO_AUGMENTATION, jpeg_share=1.5)
