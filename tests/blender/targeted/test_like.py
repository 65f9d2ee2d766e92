"""`render --like`: what becomes of given people, and pictures of those who can be fitted."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from dataengine.blender.batch.workforce import Outcome, Terms, Workforce
from dataengine.blender.measure_like import command, measure
from dataengine.blender.poses.library import read_pose_library
from dataengine.blender.render import command as render
from dataengine.blender.scene.params import RenderParams
from dataengine.blender.scene.spec import draw_scene
from dataengine.blender.targeted.entry import pose_from_entry
from dataengine.blender.targeted.fits import fits_of, kept
from dataengine.blender.targeted.maker import like_scene
from dataengine.blender.targeted.params import LikeParams
from dataengine.blender.targeted.run import MAKER
from dataengine.blender.workers.job import Job
from dataengine.coco_json import read_people, write_people
from dataengine.errors import InputError, ParamsError
from dataengine.people import Images, People

# Somebody who stands with the left arm raised, in a picture of 200 x 200 pixels.
_STANDING = [
    *[(100, 40), (103, 37), (97, 37), (107, 39), (93, 39)],
    *[(115, 60), (85, 60), (135, 45), (80, 85), (150, 28), (78, 108)],
    *[(109, 110), (91, 110), (111, 145), (89, 145), (112, 180), (88, 180)],
]


@pytest.fixture(scope="module")
def people_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three people: one who stands, one with four labelled joints, one whose joints are anywhere."""
    folder = tmp_path_factory.mktemp("people")
    anywhere = np.random.default_rng(3).uniform(10, 190, (17, 2))
    flags = np.full((3, 17), 2)
    flags[1, 4:] = 0
    people = People.build(
        image_id=[0, 1, 2],
        bbox_xywh_px=[[70, 25, 90, 165], [70, 25, 90, 165], [5, 5, 190, 190]],
        keypoints_px=np.array([_STANDING, _STANDING, anywhere]),
        visibility=flags,
    )
    images = Images.build(
        id=[0, 1, 2], path=[str(folder / f"{n}.jpg") for n in "abc"], width=[200] * 3, height=[200] * 3
    )
    write_people(folder / "people.json", people, images)
    return folder / "people.json"


@pytest.fixture(scope="module")
def fits_file(people_file: Path, body_cache: Path) -> Path:
    """The fits to these people, made once."""
    path = people_file.with_name("fits.json")
    fits_of(people_file, body_cache, path, LikeParams().max_error_share)
    return path


@pytest.fixture
def entry(fits_file: Path) -> dict[str, Any]:
    return dict(json.loads(fits_file.read_text())["people"][0])


def test_every_person_has_an_entry_that_says_why(people_file: Path, fits_file: Path, body_cache: Path) -> None:
    entries = fits_of(people_file, body_cache, fits_file, LikeParams().max_error_share)
    assert [entry["person"] for entry in entries] == [0, 1, 2]
    assert [entry["kept"] for entry in entries] == [True, False, False]
    assert entries[0]["error_share"] < 0.03
    assert "4 labelled joints" in entries[1]["why"]
    assert "reprojection error" in entries[2]["why"] or "passes through" in entries[2]["why"]
    assert pose_from_entry(entries[0]).name == "like a #0"
    assert json.loads(fits_file.read_text())["people"] == entries


def test_fits_are_read_again_and_made_again_for_others(
    people_file: Path, fits_file: Path, body_cache: Path, tmp_path: Path
) -> None:
    kept_in = tmp_path / "fits.json"
    document = json.loads(fits_file.read_text())
    document["people"][0]["why"] = "read, not made"
    kept_in.write_text(json.dumps(document))
    assert fits_of(people_file, body_cache, kept_in, 0.05)[0]["why"] == "read, not made"
    kept_in.write_text("{")
    assert fits_of(people_file, body_cache, kept_in, 0.05) == json.loads(fits_file.read_text())["people"]
    with pytest.raises(InputError, match="none of the 3"):
        fits_of(people_file, body_cache, kept_in, 0.0)


def test_bad_files_are_one_line(tmp_path: Path, body_cache: Path) -> None:
    bad = tmp_path / "people.json"
    for text in ("", "[]", '{"images": [], "annotations": []}', '{"images": [], "annotations": [{}]}'):
        bad.write_text(text)
        with pytest.raises(InputError):
            fits_of(bad, body_cache, tmp_path / "fits.json", 0.05)
    assert not (tmp_path / "fits.json").exists()


@pytest.mark.parametrize("name", ["max_error_share", "variations", "view_jitter_deg", "pose_jitter_deg"])
def test_options_have_ranges(name: str) -> None:
    with pytest.raises(ParamsError, match=name):
        LikeParams(**{name: -1})  # type: ignore[arg-type]
    with pytest.raises(ParamsError, match="most_off_share of --like: expected above 0"):
        LikeParams(most_off_share=0.0)


def test_options_of_like_alone_are_refused(repository: Path, tmp_path: Path) -> None:
    params = repository / "params.yaml"
    with pytest.raises(InputError, match="--max-off and --view-jitter are about the poses of others; add --like FILE"):
        render(out=tmp_path / "out", cache=tmp_path / "cache", max_off=0.2, params=params)
    assert not list(tmp_path.iterdir())


def test_scene_keeps_the_pose_and_varies_the_rest(entry: dict[str, Any], small_params: RenderParams) -> None:
    like = LikeParams(view_jitter_deg=10.0, pose_jitter_deg=0.0)
    drawn = [draw_scene(small_params, read_pose_library(), index) for index in range(8)]
    scenes = [like_scene(scene, entry, like, small_params.seed) for scene in drawn]
    assert scenes[3] == like_scene(drawn[3], entry, like, small_params.seed)
    assert {len(scene.people) for scene in scenes} == {1}
    assert {scene.people[0].pose.name for scene in scenes} == {"like a #0"}
    for limb in ("left_arm", "right_leg"):
        upper = np.array([getattr(scene.people[0].pose, limb).upper for scene in scenes])
        np.testing.assert_allclose(upper, upper[:1].repeat(8, 0), atol=1e-6)
    assert len({scene.people[0].phenotype for scene in scenes}) == 8
    turns = [scene.people[0].turn_rad for scene in scenes]
    assert 0 < np.std(turns) < np.deg2rad(25)


def test_no_body_takes_another_pose_than_the_one_given(
    entry: dict[str, Any], small_params: RenderParams, body_cache: Path
) -> None:
    """A body that runs into itself takes the fit less jittered, never the library's pose that was drawn."""
    from dataengine.blender.body.model import BodyModel
    from dataengine.blender.scene.layout import build_geometry, make_tailor

    params = replace(small_params, max_people=1, occluder_share=0.0)
    model = BodyModel.load(body_cache)
    tailor = make_tailor(model.template)
    folded = {**entry, "pose": {**entry["pose"], "spine": [80.0, 0.0, 0.0]}}  # the chest in the thighs
    for given in (entry, folded):
        assert not pose_from_entry(given).supports
        for index in range(10):
            drawn = draw_scene(params, read_pose_library(), index)
            scene = like_scene(drawn, given, LikeParams(pose_jitter_deg=8.0), params.seed)
            (person,) = build_geometry(scene, model, tailor, 96, 96).people
            assert person.spec.pose.name == "like a #0"


@pytest.mark.realdata
def test_given_poses_go_with_params_that_name_recordings(
    entry: dict[str, Any],
    small_params: RenderParams,
    body_cache: Path,
    tmp_path: Path,
    shared_data: Path,
    blenders_python: Path,
) -> None:
    params = replace(small_params, motions=[str(shared_data / "motion" / "zombie.bvh")], motion_share=1.0)
    for folder in ("images", "sidecars"):
        (tmp_path / folder).mkdir()
    given = {"params": params, "like": LikeParams(variations=2), "entries": [entry]}
    job = Job(MAKER, {**given, "out": tmp_path, "cache": body_cache, "fingerprint": "fingerprint"})
    outcome = Outcome()
    assert list(Workforce(blenders_python, job, Terms(1, 120, 10)).run([1], outcome)) == [1] and not outcome.skipped
    assert json.loads((tmp_path / "sidecars/000001.json").read_text())["like"]["variation"] == 1


def test_measure_counts_everybody() -> None:
    """One of four people is fitted well, one badly, one collides, and one was never fitted."""
    well: dict[str, Any] = {"kept": True, "why": "", "error_share": 0.01, "collides": False}
    badly = {"kept": False, "why": "reprojection error", "error_share": 0.2, "collides": False}
    collides = {"kept": False, "why": "the body passes through itself", "error_share": 0.03, "collides": True}
    never = {"kept": False, "why": "2 labelled joints"}
    figures = measure([well, badly, collides, never], 6.0, 0.05)
    assert figures["share_within"] == 0.5
    assert figures["share_kept"] == figures["share_colliding"] == figures["share_too_few_joints"] == 0.25
    assert figures["error_median"] == 0.03
    assert figures["seconds_per_pose"] == 1.5
    assert figures["share_within_low"] < 0.5 < figures["share_within_high"]


def test_command_writes_figures_and_pictures(people_file: Path, body_cache: Path, tmp_path: Path) -> None:
    report = tmp_path / "report"
    command(people=people_file, report=report, cache=body_cache, photographs=None, count=2, seed=1, max_error=0.05)
    assert json.loads((report / "measure.json").read_text())["count"] == len(
        json.loads((report / "fits.json").read_text())
    )
    for name in ("pairs.jpg", "skeletons.jpg"):
        assert np.asarray(cv2.imread(str(report / name))).ndim == 3  # None, of a broken file, has no dimension
    with pytest.raises(InputError, match="count"):
        command(people=people_file, report=report, cache=body_cache, photographs=None, count=9, seed=1, max_error=0.05)


@pytest.mark.slow
def test_pictures_are_the_same_for_two_workers_and_after_resume(
    people_file: Path, fits_file: Path, body_cache: Path, small_params: RenderParams, tmp_path: Path
) -> None:
    from dataengine.blender.targeted import run as targeted

    params, like = replace(small_params, workers=1), LikeParams(variations=2)
    first, second = tmp_path / "one", tmp_path / "two"
    for out in (first, second):
        out.mkdir()
        shutil.copy(fits_file, out)
    targeted.run(params, like, people_file=people_file, out=first, cache=body_cache)
    targeted.run(replace(params, workers=2), like, people_file=people_file, out=second, cache=body_cache)
    for name in ("000000.json", "000001.json"):
        assert (first / "sidecars" / name).read_text() == (second / "sidecars" / name).read_text()
    people, images = read_people(first / "people.json")
    assert len(images) == 2
    assert set(people.extras["pose_name"]) == {"like a #0"}
    before = (second / "people.json").read_bytes()
    (second / "images" / "000001.png").unlink()
    targeted.run(params, like, people_file=people_file, out=second, cache=body_cache)
    assert (second / "people.json").read_bytes() == before
    assert len(kept(json.loads((second / "fits.json").read_text())["people"])) == 1
