"""The check of labels: tolerances that are found again, and two rendered images."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataengine.blender.render_params import RenderParams
from dataengine.blender.truth import Checked, agreement, best_tolerances_m, check, report


def _checked(noise: float) -> Checked:
    rng = np.random.default_rng(0)
    joint, image = np.tile(np.arange(17), 400), np.repeat(np.arange(400), 17)
    in_front = rng.uniform(-0.1, 0.5, len(joint))
    visible = in_front <= 0.05 + 0.01 * joint
    flipped = rng.random(len(joint)) < noise
    return Checked(joint, image, visible ^ flipped, in_front, np.zeros(len(joint)))


def test_the_tolerances_that_made_the_labels_are_found_again() -> None:
    checked = _checked(0.0)
    everything = np.ones(len(checked.joint), dtype=bool)
    tolerances = best_tolerances_m(checked, everything)
    np.testing.assert_allclose(tolerances, 0.05 + 0.01 * np.arange(17), atol=0.011)
    assert agreement(checked, tolerances, everything).mean() > 0.99


def test_wrong_labels_lower_the_agreement_by_their_share() -> None:
    checked = _checked(0.1)
    everything = np.ones(len(checked.joint), dtype=bool)
    found = agreement(checked, best_tolerances_m(checked, everything), everything).mean()
    assert found == pytest.approx(0.9, abs=0.02)
    assert "| left_wrist |" in report(checked, 400)


@pytest.mark.bpy
def test_rendered_keypoints_are_where_blender_sees_them(small_params: RenderParams, body_cache: Path) -> None:
    checked = check(replace(small_params, max_people=1, occluder_share=0.0), body_cache, 2)
    assert len(checked.joint) > 10
    assert checked.apart_px.max() < 0.01
    assert (checked.in_front_m < 3).all()
    loose = np.full(17, 0.25)
    assert agreement(checked, loose, checked.visible).mean() > 0.9  # what is visible is the surface there
