"""Pictures in which nobody can be seen are not written: another scene is tried, and at last the image is left out."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataengine.blender.batch.missing import is_done
from dataengine.blender.batch.paths import LEFT_OUT, ImagePaths
from dataengine.blender.cycles.observe import Observation
from dataengine.blender.pictures.in_sight import NOBODY, nobody_seen
from dataengine.blender.pictures.maker import ATTEMPTS, ImageMaker, Photograph
from dataengine.blender.poses.library import read_pose_library
from dataengine.blender.scene.params import RenderParams
from dataengine.blender.scene.spec import SceneSpec, draw_scene

PERSON: dict[str, Any] = {"bbox_xywh_px": [8.0, 8.0, 16.0, 20.0], "visibility": [2] * 17}


def picture(grey: int, person: int) -> np.ndarray:
    """A person of one grey before another, 48 pixels wide."""
    image = np.full((48, 48, 3), grey, np.uint8)
    image[10:26, 12:20] = person
    return image


@pytest.mark.parametrize(
    ("image", "people", "why"),
    [
        (picture(0, 0), [PERSON], NOBODY),
        (picture(3, 9), [PERSON], NOBODY),  # in the dark
        (picture(255, 250), [PERSON], NOBODY),  # in glare
        (picture(20, 60), [PERSON], ""),
        (picture(20, 60), [], NOBODY),
        (picture(20, 60), [{**PERSON, "visibility": [1] * 16 + [0]}], NOBODY),  # behind a thing
        (picture(20, 60), [{**PERSON, "bbox_xywh_px": [30.0, 30.0, 8.0, 8.0]}, PERSON], ""),  # one of two is enough
    ],
)
def test_somebody_is_seen_by_a_visible_joint_and_contrast(image: np.ndarray, people: list[Any], why: str) -> None:
    assert nobody_seen(image, people) == why


def test_a_few_bright_pixels_in_a_black_picture_show_nobody() -> None:
    image = picture(0, 0)
    image[12, 12:15] = 255
    assert nobody_seen(image, [PERSON]) == NOBODY


def maker(
    out: Path, small_params: RenderParams, monkeypatch: pytest.MonkeyPatch, shots: list[np.ndarray]
) -> ImageMaker:
    """One without Blender, to which the observer shows `shots` one after the other."""
    made = ImageMaker.__new__(ImageMaker)
    made._params, made._out, made._fingerprint = small_params, out, "now"  # type: ignore[misc]
    made._poses, made._odds = read_pose_library(), None
    waiting = iter(shots)

    def shot(scene: SceneSpec) -> Photograph:
        seen = Observation.__new__(Observation)
        object.__setattr__(seen, "image_bgr", next(waiting))
        return Photograph(seen, [PERSON])

    monkeypatch.setattr(made, "_shot", shot)
    for folder in ("images", "sidecars"):
        (out / folder).mkdir()
    return made


def test_a_black_picture_is_taken_again(
    tmp_path: Path, small_params: RenderParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker(tmp_path, small_params, monkeypatch, [picture(0, 0), picture(20, 90)]).make(2)
    paths = ImagePaths.of(tmp_path, 2)
    record = json.loads(paths.sidecar.read_text())
    assert record["attempt"] == 1 and is_done(paths, "now") and not is_done(paths, "later")
    assert record["floor"] == draw_scene(small_params, read_pose_library(), 2, attempt=1).floor


def test_one_that_stays_black_is_left_out_and_not_tried_in_the_next_run(
    tmp_path: Path, small_params: RenderParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = ImagePaths.of(tmp_path, 2)
    made = maker(tmp_path, small_params, monkeypatch, [picture(0, 0)] * ATTEMPTS)
    paths.image.write_bytes(b"of an earlier run")
    made.make(2)
    assert json.loads(paths.sidecar.read_text())[LEFT_OUT] == NOBODY
    assert not paths.image.exists() and is_done(paths, "now") and not is_done(paths, "later")


def test_every_attempt_is_another_scene_and_the_first_is_the_usual_one(small_params: RenderParams) -> None:
    poses = read_pose_library()
    scenes = [draw_scene(small_params, poses, 3, attempt=attempt) for attempt in range(ATTEMPTS)]
    assert scenes[0] == draw_scene(small_params, poses, 3) and scenes[1:] != scenes[:-1]
    assert len({scene.texture_seed for scene in scenes}) == ATTEMPTS
    assert {scene.index for scene in scenes} == {3}
