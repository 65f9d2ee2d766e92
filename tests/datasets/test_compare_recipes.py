"""The study of recipes: its command line, and one whole study with real stages and real experiments of DVC."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from dataengine.coco_json import read_people, write_people
from dataengine.datasets.compare_recipes import check_plan, parse_curricula, parse_recipe_plan, run
from dataengine.datasets.studies.recipes.plan import RECIPES, RecipePlan, RecipeRun
from dataengine.datasets.studies.recipes.runner import RecipeStudy
from dataengine.datasets.studies.recipes.score import check_training, read_held_out
from dataengine.errors import InputError, ParamsError
from dataengine.files import sha256_file
from dataengine.poses.training_poses import read_training_poses

from ..helpers.clips import textured, write_clip
from ..helpers.drawn_people import draw_people_at
from ..helpers.dvc_checkout import commit_project, enter_new_checkout, git, repository_file
from ..helpers.fitting_project import TINY_NETWORK

GIVEN: dict[str, Any] = {
    "labels": [2], "once": [], "seeds": [0], "recipes": list(RECIPES), "rendered": [], "people": 20, "epochs": 2,
    "patience": 0,
    "settings": [], "held_out_share": 0.1,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"recipes": ["best"]}, "--recipe is unknown"),
        ({"labels": [0]}, "--labels"),
        ({"rendered": [-1]}, "--rendered"),
        ({"people": 0}, "--people"),
        ({"seeds": [-1]}, "--seed"),
        ({"epochs": 3}, "--epochs"),
        ({"epochs": 5, "people": 25}, "even for pretrain-mix"),
        ({"settings": ["epochs"]}, "--set"),
        ({"settings": ["fit-teacher.seed=3"]}, "--set"),
        ({"settings": ["++mix.only=real"]}, "--set"),
        ({"settings": ["render.images=3"]}, "dvc repro render"),
        ({"settings": ["fit-teacher.curriculum=[]"]}, "--set"),
        ({"seconds": -1.0}, "--seconds"),
        ({"seconds": 60.0, "patience": 2}, "not with --patience"),
        ({"curricula": ["[{epochs: 2}]"]}, "has no name"),
        ({"curricula": ["real=[{epochs: 2}]"]}, "has no name"),
        ({"curricula": ["a=[{epochs: 2}]", "a=[{epochs: 2}]"]}, "has no name"),
        ({"curricula": ["a=[{epochs: 1}]"]}, "another length"),
        ({"curricula": ["a=[]"]}, "has no phases"),
        ({"curricula": ["a=[{only: real}]"]}, "has no phases"),
        ({"curricula": ["a={epochs: 2}"]}, "has no phases"),
    ],
)
def test_what_makes_no_study(changes: dict[str, Any], match: str) -> None:
    parse_recipe_plan(**GIVEN)
    with pytest.raises(InputError, match=match):
        parse_recipe_plan(**{**GIVEN, **changes})


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        (
            {"curricula": ["a=[{epochs: 1}, {epochs: 1, onlly: real}]"]},
            r"curriculum\[1\] has an unknown key.* got onlly",
        ),
        ({"curricula": ["a=[{epochs: 2, augment: {shift: 500}}]"]}, "shift"),
        ({"curricula": ["a=[{epochs: 2, synthetic_per_real: .nan}]"]}, "synthetic_per_real"),
        ({"settings": ["fit-teacher.ema_decay=2"]}, "params fit-teacher.ema_decay: expected 0 or more and below 1"),
        ({"settings": ["balance.clusters=0"]}, "params balance.clusters: expected 1 or more, got 0"),
    ],
)
def test_what_no_fit_takes_is_refused_before_the_first_run(changes: dict[str, Any], match: str) -> None:
    check_plan(repository_file("params.yaml"), parse_recipe_plan(**GIVEN), [])
    with pytest.raises(ParamsError, match=match):
        plan = parse_recipe_plan(**{**GIVEN, **changes})
        check_plan(repository_file("params.yaml"), plan, changes.get("curricula", []))


def test_a_folder_of_pictures_that_is_missing_is_refused_first(tmp_path: Path) -> None:
    plan = parse_recipe_plan(**GIVEN)
    with pytest.raises(InputError, match="--images is not a folder"):
        run(plan, annotations=tmp_path / "a.json", images=tmp_path / "b", test_images=1, report=tmp_path / "report")
    assert not list(tmp_path.iterdir())


def test_phases_are_written_as_experiments_read_them() -> None:
    """By Hydra's parser, which is that of `dvc exp run -S`."""
    phases = [
        {"epochs": 1, "rare_draws": [0, 2.5], "only": "real"},
        {"epochs": 3, "goes_on": True, "augment": {"shift": 0, "blur_share": 0.5}, "learning_rate": None},
    ]
    (text,) = parse_curricula([f"a={json.dumps(phases)}"], 4).values()
    assert OverridesParser.create().parse_override(f"fit-teacher.curriculum={text}").value() == phases


def test_shares_that_are_set_stay() -> None:
    plan = parse_recipe_plan(**{**GIVEN, "settings": ["ingest.split.test_share=0.3"]})
    params = plan.params_of(RecipeRun("real", 2, 0))
    assert (params["ingest.split.test_share"], params["ingest.split.val_share"]) == ("0.3", "0.1000")


RENDER = """
import shutil, sys
shutil.copytree(sys.argv[1], "data/render")
with open(sys.argv[2], "a") as runs:
    runs.write("render\\n")
"""
FEW: dict[str, Any] = {
    "labels": [4],
    "recipes": ["real", "pretrain-mix"],
    "people": 16,
    "settings": ["ingest.checks.near_duplicate_bits=0"],
    "held_out_share": 0.25,
}
MINE, REPORT = Path("../meine Größen/images"), Path("reports/recipes")


@dataclass(frozen=True)
class Finished:
    """A study that was run in two calls, with a commit of text in between."""

    plan: RecipePlan
    renderings: str
    """A line for each."""
    first: str
    """Name of the record that the first call wrote."""
    records: dict[str, Any]

    def record(self, start: str) -> tuple[str, dict[str, Any]]:
        """Name of the experiment, and record, of the one whose name begins so."""
        ((name, record),) = (item for item in self.records.items() if item[0].startswith(start))
        return Path(name).stem, record


def study(plan: RecipePlan, annotations: Path = MINE / "people.json") -> RecipeStudy:
    return RecipeStudy(given=plan, annotations=annotations, images=MINE, test_images=3, report=REPORT)


def records() -> dict[str, Any]:
    return {path.name: json.loads(path.read_text()) for path in sorted((REPORT / "runs").glob("*.json"))}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    """In a project with the real stages ingest to fit-teacher, which is the working folder."""
    folder = tmp_path_factory.mktemp("recipes")
    with pytest.MonkeyPatch.context() as patch:
        enter_new_checkout(folder / "checkout", patch)
        write_project(folder)
        plan = parse_recipe_plan(**{**GIVEN, **FEW})
        study(replace(plan, recipes=("real",))).run()
        (first,) = records()
        Path("notes.md").write_text("a text\n")
        git("add", "notes.md")
        git("commit", "-q", "-m", "a text")
        run(plan, annotations=MINE / "people.json", images=MINE, test_images=3, report=REPORT)
        yield Finished(plan, (folder / "runs.txt").read_text(), first, records())


def write_project(folder: Path) -> None:
    """Labelled people and renderings in `folder`, and the project in the working folder."""
    people, images = draw_people_at(folder / "rendered", 6, seed=1, source="synthetic")
    write_people(folder / "rendered/people.json", people, images)
    people, images = draw_people_at(folder / "meine Größen/images", 40, seed=2)
    write_people(folder / "meine Größen/images/people.json", people, images)
    clip = write_clip(folder / "clip.mp4", [textured(number) for number in range(2)])
    stages, params = repository_file("dvc.yaml")["stages"], repository_file("params.yaml")
    kept = {name: stages[name] for name in ("ingest", "render", "balance", "mix", "fit-teacher")}
    for stage in kept.values():
        made = [dep for dep in stage["deps"] if dep.startswith("data/") and dep != "data/fetch"]
        stage["deps"] = ["code.py", *made]
    kept["render"]["cmd"] = f"{sys.executable} code.py {folder / 'rendered'} {folder / 'runs.txt'}"
    params["render"]["images"] = 6
    params["balance"] |= {"clusters": 2, "threshold": 1.8}
    params["ingest"]["pool_videos"] = [str(clip)]
    params["fit"] |= TINY_NETWORK
    commit_project(kept, {name: params[name] for name in (*kept, "fit", "oks", "requests")}, {"code.py": RENDER})


@pytest.mark.slow
def test_a_study_goes_on_where_it_was_and_leaves_the_checkout_alone(finished: Finished) -> None:
    assert finished.first.startswith("real-4-seed0-")
    assert finished.renderings == "render\n", "rendered once, for all"
    assert finished.first in finished.records and len(finished.records) == 3
    shown = (REPORT / "recipes.md").read_text()
    assert "missing" not in shown and "on 3 test images with 3 people" in shown
    assert git("status", "--porcelain", "--", ":!dvc.lock") == ""


@pytest.mark.slow
def test_the_second_half_of_pretrain_mix_starts_from_the_first(finished: Finished) -> None:
    before, _ = finished.record("pretrain-all")
    after, record = finished.record("pretrain-mix")
    assert before in record["params"]["fit-teacher.start_from"]
    assert finished.records[finished.first]["training_images"] == record["training_images"] == 4
    project = study(finished.plan).project
    project.fetch(project.experiments()[after], "models/fit-teacher/model.json", Path("reports/model.json"))
    lineage_params = json.loads(Path("reports/model.json").read_text())["lineage"]["params"]
    assert (lineage_params["epochs"], lineage_params["people_per_epoch"]) == (1, 8)


@pytest.mark.slow
def test_test_images_are_those_of_lowest_hash_and_no_split_shares_one(finished: Finished) -> None:
    (data,) = (REPORT / "data").iterdir()
    kept = {s: read_people(data / f"ingest/{s}.json")[1].path.tolist() for s in ("train", "val", "test")}
    content = {s: {sha256_file(Path(path)) for path in paths} for s, paths in kept.items()}
    assert sum(map(len, content.values())) == len(set.union(*content.values()))
    held_out = study(finished.plan).held_out
    people, images = read_people(REPORT / "test.json", root=Path.cwd())
    assert (len(people), len(images)) == (len(held_out.people), 3)
    assert {sha256_file(Path(path)) for path in held_out.images.path.tolist()} == set(sorted(content["test"])[:3])


@pytest.mark.slow
def test_a_lost_record_is_scored_again_from_the_experiments_network(finished: Finished) -> None:
    (REPORT / "runs" / finished.first).unlink()
    log = (REPORT / "study.log").read_text().count("exp run")
    study(finished.plan).run()
    assert json.dumps(records()) == json.dumps(finished.records)
    assert (REPORT / "study.log").read_text().count("exp run") == log


@pytest.mark.slow
def test_too_small_splits_and_strange_training_images_are_faults(finished: Finished) -> None:
    (data,) = (REPORT / "data").iterdir()
    held_out = study(finished.plan).held_out
    with pytest.raises(InputError, match="test split is too small"):
        read_held_out(data / "ingest", read_training_poses(data / "balance"), 30)
    with pytest.raises(InputError, match="too few training images"):
        check_training(data / "ingest/train.json", 35, held_out)
    with pytest.raises(InputError, match="outside the training split"):
        check_training(data / "ingest/val.json", 0, held_out)


@pytest.mark.slow
def test_other_labels_are_other_runs(finished: Finished) -> None:
    document = json.loads((MINE / "people.json").read_text())
    document["annotations"][0]["keypoints"][0] += 1
    (MINE / "edited.json").write_text(json.dumps(document))
    one, plan = RecipeRun("real", 4, 0), finished.plan
    assert study(plan, MINE / "edited.json").name(one) != study(plan).name(one)
    assert f"{study(plan).name(one)}.json" == finished.first
