"""The study of the renderer's levers: the file of levers, the sets, the fits' params, the page; no Blender, no fit."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from dataengine.blender.compare_renders import parse_lengths, run
from dataengine.blender.poses.library import read_pose_library
from dataengine.blender.scene.camera import Camera, look_at
from dataengine.blender.scene.params import RenderParams
from dataengine.blender.studies.levers.chosen import ShownChoice
from dataengine.blender.studies.levers.fit_runs import (
    CURVES,
    FitLengths,
    LeverFigures,
    LeverOutcome,
    read_outcome,
    section,
    write_mix,
)
from dataengine.blender.studies.levers.lever import BASE, SHIPPED, Lever, read_levers
from dataengine.blender.studies.levers.page import LeverFacts, write_lever_page
from dataengine.blender.studies.levers.render_sets import RenderSets
from dataengine.blender.studies.levers.study import LeverRun, LeverStudy
from dataengine.coco_json import read_people, read_project_people, write_people
from dataengine.columns import object_column
from dataengine.errors import InputError, ParamsError
from dataengine.files import write_json
from dataengine.mixing import draw_epoch, read_recipe
from dataengine.params import load_section
from dataengine.people import Images, People
from dataengine.train.fit.learnt_from.reading import read_training_set
from dataengine.train.fit.params import BASE as FIT
from dataengine.train.fit.params import FitParams

from ....helpers.drawn_people import draw_people_at
from ....helpers.dvc_checkout import repository_file

LENGTHS = FitLengths(epochs=3, label_epochs=1, people_per_epoch=8)


def no_rendering(*_: Any, **__: Any) -> None:
    raise AssertionError("there is nothing to render")


PARAMS = Path(__file__).parents[4] / "params.yaml"


@pytest.fixture
def renders(tmp_path: Path) -> Path:
    """A folder of six rendered pictures."""
    people, images = draw_people_at(tmp_path / "render", 6, seed=1, source="synthetic")
    write_people(tmp_path / "render" / "people.json", people, images)
    return tmp_path / "render"


def test_the_shipped_levers_fit_the_params(tmp_path: Path) -> None:
    """Each is read by the stages that use it: render and fit-teacher."""
    levers, shared = read_levers(SHIPPED), repository_file("params.yaml")["fit"]
    assert levers[BASE] == Lever(images=200)
    sets = RenderSets(PARAMS, tmp_path, tmp_path, no_rendering, None)
    for lever in levers.values():
        assert sets.params(lever).images == lever.images
        (tmp_path / "params.yaml").write_text(
            yaml.safe_dump({"fit": shared, "fit-teacher": section(PARAMS, LENGTHS, 0, lever.fit)})
        )
        load_section(tmp_path / "params.yaml", "fit-teacher", FitParams, base=FIT)
    level = sets.params(Lever(render={"camera": {"roll_deg": [0, 0]}}))
    assert (level.camera.roll_deg, level.camera.distance_m) == ((0, 0), (0.8, 60.0)), "nested keys one by one"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("images: 3\nlevers: {}", "an empty one called base"),
        ("images: 0\nlevers: {base: {}}", "images"),
        ("images: 3\nlevers: {base: {}, a: {images: 0}}", "a.images"),
        ("images: 3\nlevers: {base: {}, a: {render: {images: 9}}}", "the study sets them"),
        ("images: 3\nlevers: {base: {}, a: {fit: {seed: 9}}}", "the study sets them"),
        ("images: 3\nlevers: {base: {}, a: {camera: {}}}", "unknown key"),
        ("levers: [", "not YAML"),
    ],
)
def test_files_that_cannot_be_read(text: str, match: str, tmp_path: Path) -> None:
    (tmp_path / "levers.yaml").write_text(text)
    with pytest.raises(ParamsError, match=match):
        read_levers(tmp_path / "levers.yaml")


@pytest.mark.parametrize("lengths", [(0, 3, 1), (10, 3, 1), (12, 0, 1), (12, 3, -1)])
def test_lengths_that_do_not_fit(lengths: tuple[int, int, int]) -> None:
    assert parse_lengths(12, 3, 1) == FitLengths(3, 1, 4)
    with pytest.raises(InputError, match="--epochs"):
        parse_lengths(*lengths)


def test_a_missing_set_is_named_before_anything_is_rendered(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with pytest.raises(InputError, match=r"real.json does not exist"):
        run(
            real=tmp_path / "real.json", val=tmp_path / "val.json", report=tmp_path / "report", cache=cache,
            levers=None, chosen=[], base=None, seeds=(0,), lengths=LENGTHS, labels=0, params=tmp_path / "params.yaml",
        )  # fmt: skip
    assert not cache.exists()


def test_sets_are_the_first_of_the_base_or_named_by_what_renders_them(renders: Path, tmp_path: Path) -> None:
    sets = RenderSets(PARAMS, tmp_path, tmp_path / "sets", no_rendering, renders)
    _, images = sets.read(Lever(images=4))
    assert images.id.tolist() == read_people(renders / "people.json")[1].id.tolist()[:4]
    with pytest.raises(InputError, match="too few pictures"):
        sets.read(Lever(images=7))
    plain, all_poses = Lever(images=4, render={"fabrics": ["plain"]}), Lever(images=9, render={"extreme_share": 1.0})
    files = {sets.people_file(lever) for lever in (Lever(images=4), plain, all_poses)}
    assert len(files) == 3
    more = Lever(images=9, render={"fabrics": ["plain"]})
    assert sets.people_file(more) == sets.people_file(plain), "more pictures keep those that are there"


def test_what_is_missing_is_rendered_once_by_the_stage(renders: Path, tmp_path: Path) -> None:
    made: list[tuple[int, list[str]]] = []

    def render(params: RenderParams, out: Path, cache: Path) -> None:
        made.append((params.images, params.fabrics))

    levers = [Lever(images=3), *(Lever(images=count, render={"fabrics": ["plain"]}) for count in (4, 9))]
    RenderSets(PARAMS, tmp_path, tmp_path / "sets", render, renders).make(levers)
    assert made == [(9, ["plain"])]


def test_a_fit_draws_renders_first_and_then_the_photographs(
    renders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = draw_people_at(tmp_path / "real", 3, seed=2)
    rendered = read_people(renders / "people.json")
    write_mix(tmp_path / "mix", rendered, real, seed=4)
    own = section(PARAMS, LENGTHS, 4, {"augment": {"background_share": 0.25}})
    assert own["augment"] == {"background_share": 0.25}, "the rest is in section fit"
    assert (
        own["start_from"] is None
        and own["learning_rate"] == repository_file("params.yaml")["fit-teacher"]["learning_rate"]
    )
    (tmp_path / "params.yaml").write_text(
        yaml.safe_dump({"fit": repository_file("params.yaml")["fit"], "fit-teacher": own})
    )
    params = load_section(tmp_path / "params.yaml", "fit-teacher", FitParams, base=FIT)
    monkeypatch.chdir(tmp_path)
    training = read_training_set(tmp_path / "mix", None, 0.0, params.replay, params.only, params.curriculum)
    for epoch, source in enumerate(["synthetic"] * 3 + ["real"]):
        rows = training.order(epoch, 1, params.people_per_epoch)
        assert set(training.people.source[rows]) == {source} and len(rows) == 8
    write_mix(tmp_path / "alone", rendered, None, seed=4)
    people, _ = read_project_people(tmp_path / "alone" / "train.json")
    drawn = draw_epoch(people.source, np.ones(len(people)), read_recipe(tmp_path / "alone" / "recipe.json"), 0)
    assert len(drawn) == len(people), "without labels there is nothing else"


def test_figures_are_those_of_the_last_epoch_of_each_phase(tmp_path: Path) -> None:
    folder = tmp_path / "report" / "plots" / "metrics"
    folder.mkdir(parents=True)
    for name, curve in CURVES.items():
        rows = [f"{step}\t{step / 10 + (name == 'ap')}" for step in range(4)]
        (folder / f"{curve}.tsv").write_text("\n".join([f"step\t{curve}", *rows]) + "\n")
    write_json(tmp_path / "report" / "metrics.json", {"images_per_s": 16.0})
    assert read_outcome(tmp_path, LENGTHS, 5) == LeverOutcome(LeverFigures(0.2, 1.2), LeverFigures(0.3, 1.3), 5, 2.0)
    with pytest.raises(InputError, match="too short"):
        read_outcome(tmp_path, FitLengths(5, 0, 8), 5)


def outcome(ap: float) -> LeverOutcome:
    return LeverOutcome(LeverFigures(ap, ap), LeverFigures(ap / 2, ap / 2), 9, 60.0)


def test_the_page_says_what_differs_clearly(tmp_path: Path) -> None:
    by_lever = {
        BASE: {0: outcome(0.40), 1: outcome(0.60)},
        "better": {0: outcome(0.499), 1: outcome(0.701)},
        "alike": {0: outcome(0.401), 1: outcome(0.599)},
        "once": dict[int, LeverOutcome](),
    }
    facts = LeverFacts(words="dataengine compare-renders", people=24, label_people=8, labels=2, validation_people=7)
    write_lever_page(tmp_path, facts, {name: Lever(images=3) for name in by_lever}, by_lever, planned=2)
    page = (tmp_path / "render_levers.md").read_text()
    assert "renders: AP: clearly better than the base: better; clearly worse: none." in page
    assert "| better | 3 | 9 | 0.600 (**+0.100 ± 0.0" in page, "seed by seed"
    assert "| alike | 3 | 9 | 0.500 (+0.000 ± 0.0" in page and "| once | 3 | missing |" in page
    assert "Unfinished: 6 of 8 fits" in page and (tmp_path / "render_levers.png").stat().st_size > 1000
    alone = {"better": by_lever["better"]}
    write_lever_page(tmp_path, facts, {"better": Lever(images=3)}, alone, planned=2)
    lines = (tmp_path / "render_levers.md").read_text().splitlines()
    assert any(line.startswith("| better | 3 | 9 | 0.600 ±") for line in lines), "gains are over a base"


def test_a_study_goes_on_where_it_was(renders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fits are replaced by one that writes figures; a record is kept for as long as nothing that decides it changes."""
    people, images = draw_people_at(tmp_path / "real", 5, seed=2)
    write_people(tmp_path / "real.json", people, images)
    fitted: list[str] = []
    monkeypatch.chdir(tmp_path)

    def fake(params_file: Path, mix: Path, val: Path, own: dict[str, Any], folder: Path) -> None:
        drawn, _ = read_project_people(mix / "train.json")
        fitted.append(f"{(drawn.source == 'real').sum()} {own.get('augment', {}).get('background_share', 0)}")
        for curve in CURVES.values():
            path = folder / "report" / "plots" / "metrics" / f"{curve}.tsv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"step\t{curve}\n" + "".join(f"{step}\t0.{own['seed']}{step}\n" for step in range(4)))
        write_json(folder / "report" / "metrics.json", {"images_per_s": 1.0})

    monkeypatch.setattr("dataengine.blender.studies.levers.study.fit", fake)

    def study(share: float) -> LeverStudy:
        levers = {BASE: Lever(3), "before photographs": Lever(3, fit={"augment": {"background_share": share}})}
        return LeverStudy(
            report=tmp_path / "report", levers=levers, seeds=(0, 1), lengths=LENGTHS, labels=2, words="w",
            sets=RenderSets(PARAMS, tmp_path, tmp_path / "sets", no_rendering, renders), real=tmp_path / "real.json",
            val=tmp_path / "real.json",
        )  # fmt: skip

    study(0.5).run()
    assert fitted == ["2 0", "2 0.5"] * 2
    study(0.5).run()
    assert len(fitted) == 4 and not list((tmp_path / "report" / "fits").iterdir())
    study(0.25).run()
    assert fitted[4:] == ["2 0.25"] * 2, "the base is known"
    few = replace(study(0.25), labels=6, sets=RenderSets(PARAMS, tmp_path, tmp_path / "new", no_rendering, None))
    with pytest.raises(InputError, match="too few labels: expected 6, got 5"):
        few.prepare()  # before anything is rendered
    found = study(0.25).known(LeverRun(BASE, 1))
    assert found is not None and found.renders.ap == 0.12 and found.labels is not None and found.labels.ap == 0.13


def rendered_by(cameras: list[Camera], poses: list[str], at: list[int]) -> tuple[People, Images]:
    """People of these poses in pictures `at`, each taken by the camera of its place."""
    people = People.build(
        image_id=at, bbox_xywh_px=np.ones((len(at), 4)), keypoints_px=np.zeros((len(at), 17, 2)),
        visibility=np.full((len(at), 17), 2), source="synthetic",
        extras={
            "pose_name": np.array(poses),
            "cam_from_world": object_column([cameras[place].cam_from_world.tolist() for place in at]),
            "K": object_column([cameras[place].intrinsics.tolist() for place in at]),
        },
    )  # fmt: skip
    count = len(cameras)
    return people, Images.build(id=range(count), path=["p.png"] * count, width=64, height=64)


def test_pictures_are_chosen_by_what_they_show() -> None:
    middle = np.array([0.0, 0.0, 1.0])
    cameras = [
        Camera(64, 64, focal, look_at(np.array([2.0, -4.0, height]), middle, roll_rad=0.3))
        for focal, height in ((24.0, 1.0), (50.0, 1.0), (50.0, 3.5), (85.0, 1.0))
    ]
    extreme = next(pose.name for pose in read_pose_library() if pose.extreme)
    usual = next(pose.name for pose in read_pose_library() if not pose.extreme)
    people, images = rendered_by(cameras, [usual, usual, extreme, usual, extreme], [0, 1, 1, 2, 3])
    assert ShownChoice().rows(people, images).tolist() == [True] * 4
    assert ShownChoice(poses="everyday").rows(people, images).tolist() == [True, False, True, False]
    assert ShownChoice(poses="extreme").rows(people, images).tolist() == [False, False, False, True]
    assert ShownChoice(focal_mm=(40.0, 60.0)).rows(people, images).tolist() == [False, True, True, False]
    assert ShownChoice(height_m=(0.9, 1.1)).rows(people, images).tolist() == [True, True, False, True]
    down = float(np.degrees(np.arctan(2.5 / np.hypot(2, 4))))
    assert ShownChoice(pitch_deg=(down - 0.01, down + 0.01)).rows(people, images).tolist() == [
        False,
        False,
        True,
        False,
    ]
    nobody = people.take(people.image_id != 0)
    assert not ShownChoice().rows(nobody, images)[0], "nobody is in it"
    with pytest.raises(ParamsError, match="pitch_deg"):
        ShownChoice(pitch_deg=(3.0, 1.0))
