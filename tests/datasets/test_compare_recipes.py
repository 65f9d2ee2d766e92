"""The study of recipes: its plan, its page, and one whole study with real stages and real experiments of DVC."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import pytest
import scipy.stats
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dataengine.coco_json import read_people, write_people
from dataengine.datasets.compare_recipes import parse_plan, run
from dataengine.datasets.studies.recipes import report as recipe_report
from dataengine.datasets.studies.recipes.plan import OWNED, PRETRAIN, RECIPES, Plan, Run, run_name
from dataengine.datasets.studies.recipes.report import Cell, Facts, Outcome, Table, page, write_report
from dataengine.datasets.studies.recipes.runner import Runner
from dataengine.datasets.studies.recipes.score import Score, check_training, read_held_out
from dataengine.errors import InputError
from dataengine.files import sha256_file
from dataengine.poses.clusters import read_pose_clusters
from dataengine.studies.dvc_project import DvcProject
from dataengine.studies.seed_spread import half_widths

from ..helpers.clips import textured, write_clip
from ..helpers.fitting_project import draw_people_at

REPOSITORY = Path(__file__).resolve().parents[2]
PLAN = Plan(
    recipes=tuple(RECIPES),
    labels=(200, 800),
    once=(3200,),
    seeds=(0, 1, 2),
    rendered=(300, 1000),
    people=20_000,
    epochs=4,
    settings={"fit-teacher.batch": "16"},
    held_out={"ingest.split.test_share": "0.1"},
)
FACTS = Facts(
    command="dataengine compare-recipes",
    people=20_000,
    epochs=4,
    rendered=3000,
    training_images=4000,
    validation_images=600,
    test_images=500,
    test_people=500,
    rare_people=70,
)


def test_runs_go_seed_by_seed_and_share_what_needs_no_labels() -> None:
    runs = PLAN.runs()
    assert len(runs) == len(set(runs)) == 3 * (2 + 4 * 2 + 2) + 4
    assert [run.seed for run in runs[:-4]] == [0] * 12 + [1] * 12 + [2] * 12
    assert {run.labels for run in runs[-4:]} == {3200} and {run.seed for run in runs[-4:]} == {0}
    pretrained = {PLAN.start_of(run) for run in runs if run.recipe == "pretrain-mix"}
    assert pretrained == {Run(PRETRAIN, 0, seed) for seed in (0, 1, 2)}
    for place, one in enumerate(runs):
        start = PLAN.start_of(one)
        assert start is None or start in runs[:place]


def test_every_run_sees_as_many_people() -> None:
    for one in PLAN.runs():
        parts = [one, start] if (start := PLAN.start_of(one)) else [one]
        told = [PLAN.params_of(part) for part in parts]
        seen = sum(int(p["fit-teacher.epochs"]) * int(p["fit-teacher.people_per_epoch"]) for p in told)
        assert seen == (10_000 if one.recipe == PRETRAIN else 20_000)
        assert all(p["fit-teacher.patience"] == "0" and p["fit-teacher.batch"] == "16" for p in told)


def test_recipes_as_params() -> None:
    told = {recipe: PLAN.params_of(Run(recipe, 200, 1)) for recipe in RECIPES}
    ratio = {recipe: p.get("mix.synthetic_per_real") for recipe, p in told.items()}
    assert ratio == dict(zip(RECIPES, ["0.0", None, *["0.3333333333"] * 3], strict=True))
    assert {recipe for recipe, p in told.items() if p.get("balance.max_repeat") == "1.0"} == {
        "real", "mix", "pretrain-mix"
    }  # fmt: skip
    assert told["synthetic"]["fit-teacher.only"] == "synthetic" and told["mix"]["fit-teacher.only"] == "null"
    assert PLAN.params_of(Run("synthetic", 0, 1))["ingest.split.train_images"] == "null"
    assert PLAN.params_of(Run("synthetic", 0, 1, 300))["mix.synthetic_images"] == "300"
    assert told["real"]["ingest.split.train_images"] == "200" and told["real"]["mix.seed"] == "1"
    known = yaml.safe_load((REPOSITORY / "params.yaml").read_text())
    for key in {key for p in told.values() for key in p} | OWNED:
        section, *names = key.split(".")
        value: Any = known[section]
        for name in names:
            value = value[name]  # a KeyError: no such param


@given(st.sampled_from(PLAN.runs()), st.sampled_from(PLAN.runs()))
def test_names_tell_runs_apart(one: Run, other: Run) -> None:
    names = [run_name(each, [PLAN.params_of(each)]) for each in (one, other)]
    assert (names[0] == names[1]) == (one == other)
    assert subprocess.run(["git", "check-ref-format", f"refs/exps/ab/{names[0]}"]).returncode == 0


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
    ],
)
def test_what_makes_no_study(changes: dict[str, Any], match: str) -> None:
    given_here: dict[str, Any] = {
        "labels": [2], "once": [], "seeds": [0], "recipes": list(RECIPES), "rendered": [], "people": 20, "epochs": 2,
        "settings": [],
    }  # fmt: skip
    parse_plan(**given_here, share=0.1)
    with pytest.raises(InputError, match=match):
        parse_plan(**{**given_here, **changes}, share=0.1)


def test_shares_that_are_set_stay() -> None:
    plan = parse_plan([2], [], [0], ["real"], [], 20, 1, ["ingest.split.test_share=0.3"], share=0.1)
    params = plan.params_of(Run("real", 2, 0))
    assert (params["ingest.split.test_share"], params["ingest.split.val_share"]) == ("0.3", "0.1000")


def outcomes(runs: list[Run]) -> dict[Run, Outcome]:
    """AP and PCK that rise with labels and with the place of the recipe; seeds lie 0.01 apart."""
    places = [*RECIPES, PRETRAIN]
    return {
        one: Outcome(Score(0.4 + ap, ap, ap / 2 if one.seed else None), 100.0 + one.seed, one.labels)
        for one in runs
        for ap in [0.1 + 0.05 * places.index(one.recipe) + one.labels / 1e4 + 0.01 * one.seed]
    }


def test_the_page_tells_means_ratios_and_what_is_missing(tmp_path: Path) -> None:
    runs = PLAN.runs()
    text = page(FACTS, Table(runs, outcomes(runs)))
    assert "Unfinished" not in text and "missing" not in text and "nan" not in text
    (row,) = [line for line in text.splitlines() if line.startswith("| 200 | mix |")]
    widths = half_widths([[0.22, 0.23, 0.24]] * 4)  # pooled over four recipes
    assert f"0.630 ± {widths[0]:.3f} | 0.230 ± {widths[0]:.3f}" in row and row.endswith("| 101 | 3 |")
    assert "200 real images: highest AP 0.330, pretrain-mix, 2.54 times that of real people only (+0.200" in text
    assert "told apart)" in text and "3200 real images" in text and "a single seed" in text
    (halves,) = [line for line in text.splitlines() if line.startswith("| 800 | pretrain-mix |")]
    assert "| 202 |" in halves, "both halves"
    part = outcomes(runs[:4])
    text = page(FACTS, Table(runs, part))
    assert "**Unfinished: 4 of 40 fits are known.**" in text and "nan" not in text
    assert "| 800 | real | missing | missing | missing | missing | 0 of 3 |" in text
    assert "800 real images: real people only is missing." in text
    for known in ({}, part, outcomes(runs)):
        write_report(tmp_path, FACTS, runs, known)
        assert cv2.imread(str(tmp_path / "recipes.png")) is not None


def test_the_best_is_not_told_apart_within_the_spread() -> None:
    runs = [Run(recipe, 10, seed) for recipe in ("real", "mix") for seed in (0, 1, 2)]
    ap = {"real": (0.1, 0.3, 0.2), "mix": (0.15, 0.33, 0.21)}
    known = {one: Outcome(Score(0.5, ap[one.recipe][one.seed], None), None, 10) for one in runs}
    table = Table(runs, known)
    assert scipy.stats.ttest_ind(ap["real"], ap["mix"]).pvalue > 0.05
    text = page(FACTS, table)
    assert "not told apart" in text and "| none |" in text
    assert table.figures("AP")[Cell(10, "mix")].mean == pytest.approx(0.23)
    assert table.seconds(Cell(10, "mix")) == recipe_report.MISSING


RENDER = """
import shutil, sys
shutil.copytree(sys.argv[1], "data/render")
with open(sys.argv[2], "a") as runs:
    runs.write("render\\n")
"""
TINY_FIT = {
    "network_kwargs": {"channels": [16, 32], "blocks": [1, 1], "maps_per_joint": 2},
    "input_width_px": 32,
    "input_height_px": 32,
    "batch": 8,
    "device": "cpu",
}


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the real stages ingest to fit-teacher; returns the file in which rendering leaves a line."""
    checkout, runs = tmp_path / "checkout", tmp_path / "runs.txt"
    checkout.mkdir()
    monkeypatch.chdir(checkout)
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "somebody@example.com")
    monkeypatch.setenv("DVC_NO_ANALYTICS", "true")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    git("init", "-q")
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], check=True)
    people, images = draw_people_at(tmp_path / "rendered", 6, seed=1, source="synthetic")
    write_people(tmp_path / "rendered/people.json", people, images)
    people, images = draw_people_at(tmp_path / "meine Größen/images", 40, seed=2)
    write_people(tmp_path / "meine Größen/images/people.json", people, images)
    clip = write_clip(tmp_path / "clip.mp4", [textured(number) for number in range(2)])

    stages = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"]
    kept = {name: stages[name] for name in ("ingest", "render", "balance", "mix", "fit-teacher")}
    for name, stage in kept.items():
        made = [dep for dep in stage["deps"] if dep.startswith("data/") and dep != "data/fetch"]
        stage["deps"] = ["code.py", *made]
        Path("code.py").write_text(RENDER)
        if name == "render":
            stage["cmd"] = f"{sys.executable} code.py {tmp_path / 'rendered'} {runs}"
    params = yaml.safe_load((REPOSITORY / "params.yaml").read_text())
    params["render"]["images"] = 6
    params["balance"] |= {"clusters": 2, "threshold": 0.9}
    params["ingest"]["pool_videos"] = [str(clip)]
    params["fit-teacher"] |= TINY_FIT
    Path("params.yaml").write_text(yaml.safe_dump({name: params[name] for name in kept}))
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": kept}))
    Path(".gitignore").write_text("/data/\n/reports/\n/models/\n")
    git("add", "-A")
    git("commit", "-q", "-m", "project")
    return runs


def records(report: Path) -> dict[str, Mapping[str, Any]]:
    return {path.name: json.loads(path.read_text()) for path in sorted((report / "runs").glob("*.json"))}


@pytest.mark.slow
def test_a_whole_study_goes_on_where_it_was_and_leaves_the_checkout_alone(project: Path) -> None:
    mine, report = Path("../meine Größen/images"), Path("reports/recipes")
    plan = parse_plan(
        [4], [], [0], ["real", "pretrain-mix"], [], 16, 2, ["ingest.checks.near_duplicate_bits=0"], share=0.25
    )
    real = replace(plan, recipes=("real",))
    run(real, mine / "people.json", mine, 3, report)
    (first,) = records(report)
    assert first.startswith("real-4-seed0-")
    Path("notes.md").write_text("a text\n")
    git("add", "notes.md")
    git("commit", "-q", "-m", "a text")
    run(plan, mine / "people.json", mine, 3, report)
    assert project.read_text() == "render\n", "rendered once, for all"
    found = records(report)
    assert first in found and len(found) == 3
    shown = (report / "recipes.md").read_text()
    assert "missing" not in shown and "on 3 test images with 3 people" in shown
    assert git("status", "--porcelain", "--", ":!dvc.lock") == ""

    runner = Runner(plan, mine / "people.json", mine, 3, report.resolve())
    (after,) = (name for name in found if name.startswith("pretrain-mix"))
    (before,) = (name for name in found if name.startswith("pretrain-all"))
    assert Path(before).stem in found[after]["params"]["fit-teacher.start_from"]
    assert found[first]["training_images"] == found[after]["training_images"] == 4
    revision = DvcProject(Path.cwd(), report / "study.log").experiments()[Path(after).stem]
    runner.project.fetch(revision, "models/fit-teacher/model.json", Path("reports/model.json"))
    told = json.loads(Path("reports/model.json").read_text())["lineage"]["params"]
    assert (told["epochs"], told["people_per_epoch"]) == (1, 8)
    (data,) = (report / "data").iterdir()
    kept = {s: read_people(data / f"ingest/{s}.json")[1].path.tolist() for s in ("train", "val", "test")}
    content = {s: {sha256_file(Path(path)) for path in paths} for s, paths in kept.items()}
    assert sum(map(len, content.values())) == len(set.union(*content.values()))
    tested = {sha256_file(Path(path)) for path in runner.held_out.images.path.tolist()}
    assert tested == set(sorted(content["test"])[:3])

    again = json.dumps(records(report))
    Path(report / "runs" / first).unlink()
    log = (report / "study.log").read_text().count("exp run")
    run(plan, mine / "people.json", mine, 3, report)
    assert json.dumps(records(report)) == again, "scored anew, from the experiment's network"
    assert (report / "study.log").read_text().count("exp run") == log

    clusters = read_pose_clusters(data / "balance/clusters.json")
    with pytest.raises(InputError, match="test split is too small"):
        read_held_out(data / "ingest", clusters, 30)
    with pytest.raises(InputError, match="too few training images"):
        check_training(data / "ingest/train.json", 35, runner.held_out)
    with pytest.raises(InputError, match="not of the training split"):
        check_training(data / "ingest/val.json", 0, runner.held_out)
    document = json.loads((mine / "people.json").read_text())
    before_edit = runner.name(Run("real", 4, 0))
    document["annotations"][0]["keypoints"][0] += 1
    (mine / "people.json").write_text(json.dumps(document))
    edited = Runner(plan, mine / "people.json", mine, 3, report.resolve())
    assert edited.name(Run("real", 4, 0)) != before_edit, "other labels, other runs"
