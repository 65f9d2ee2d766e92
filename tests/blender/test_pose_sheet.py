"""The page of the pose library: one tile a pose, and clear words for what cannot be drawn."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from dataengine.blender.pose_sheet import command, run
from dataengine.blender.poses.library import read_pose_library
from dataengine.cli import app
from dataengine.errors import InputError


@pytest.mark.bpy
def test_every_pose_has_its_own_tile_with_a_person_in_it(tmp_path: Path, body_cache: Path) -> None:
    poses = [pose for pose in read_pose_library() if pose.name in ("stand", "star_jump")]
    run(poses, out=tmp_path / "poses.png", cache=body_cache, workers=1)
    page = cv2.imread(str(tmp_path / "poses.png"))
    assert page is not None
    assert page.shape == (192, 384, 3)
    standing, jumping = np.hsplit(page.astype(int), 2)
    for tile in (standing, jumping):
        blue_shirt = (tile[..., 0] - tile[..., 2]) > 60
        assert blue_shirt.any(axis=0).sum() > 10
    assert np.abs(standing - jumping).mean() > 3


def test_an_unknown_family_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such family.*standing") as caught:
        command(tmp_path / "p.png", tmp_path, family="flying")
    assert "\n" not in str(caught.value)


def test_what_cannot_be_drawn_is_refused_before_drawing(tmp_path: Path) -> None:
    for name in ("poses", "poses.pdf"):
        with pytest.raises(InputError, match=r"--out is not an image file.*\.png"):
            command(tmp_path / name, tmp_path)
    library = tmp_path / "poses.yaml"
    library.write_text("- {name: p, family: yoga, arms: [[1, 0, 0]], legs: [[0, 0, -1]]}\n")
    with pytest.raises(InputError, match="no pose of the family: got climbing"):
        command(tmp_path / "p.png", tmp_path, poses=library, family="climbing")


def test_the_help_teaches() -> None:
    shown = CliRunner().invoke(app, ["pose-sheet", "--help"]).output
    assert "Example: dataengine pose-sheet" in shown
