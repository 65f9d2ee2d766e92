"""The check of labels: wrong ones are found, and two rendered images."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataengine.blender.check_renders import CheckedLabels, agrees_with_depth, check, report
from dataengine.blender.scene.params import RenderParams


def _checked(noise: float) -> CheckedLabels:
    rng = np.random.default_rng(0)
    joint, image = np.tile(np.arange(17), 400), np.repeat(np.arange(400), 17)
    in_front, reach = rng.uniform(-0.1, 0.5, len(joint)), rng.uniform(0.03, 0.2, len(joint))
    flipped = rng.random(len(joint)) < noise
    off = rng.normal([0.1, -0.5], 0.05, (400, 2))
    return CheckedLabels(joint, image, (in_front <= reach) ^ flipped, in_front, reach, np.zeros(len(joint)), off)


def test_wrong_labels_lower_the_agreement_by_their_share() -> None:
    assert agrees_with_depth(_checked(0.0)).all()
    checked = _checked(0.1)
    found = agrees_with_depth(checked).mean()
    assert found == pytest.approx(0.9, abs=0.02)
    page = report(checked, 400)
    assert f"**{found:.4f}**" in page
    stated = re.search(r"interval over images (\S+) to (\S+)\)", page)
    assert stated
    low, high = stated.groups()
    assert (float(high) - float(low)) / 2 == pytest.approx(1.96 * np.sqrt(0.09 / len(checked.joint)), rel=0.15)
    assert "| left_wrist |" in page


def test_the_page_states_where_silhouettes_lie() -> None:
    checked = _checked(0.0)
    stated = re.search(r"over 400 people.*\n\*\*\((\S+), (\S+)\) px\*\*", report(checked, 400))
    assert stated and [float(each) for each in stated.groups()] == pytest.approx([0.1, -0.5], abs=0.01)
    assert "Too few" in report(replace(checked, silhouette_off_px=np.zeros((1, 2))), 400)


@pytest.mark.bpy
def test_rendered_keypoints_are_where_blender_sees_them(small_params: RenderParams, body_cache: Path) -> None:
    checked = check(replace(small_params, max_people=1, occluder_share=0.0), body_cache, 2)
    assert len(checked.joint) > 10
    assert checked.apart_px.max() < 0.01
    assert len(checked.silhouette_off_px) and np.abs(checked.silhouette_off_px).max() < 0.35
    assert (checked.in_front_m < 3).all()
    assert agrees_with_depth(checked).mean() > 0.9
