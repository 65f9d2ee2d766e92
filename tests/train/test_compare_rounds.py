"""The study of fine-tuning rounds: its plan, its page, and a whole study with real fits and experiments of DVC."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dataengine.coco_json import read_people, write_people
from dataengine.errors import InputError
from dataengine.files import read_json
from dataengine.mixing import MixRecipe, write_recipe
from dataengine.nets.checkpoint import load_checkpoint
from dataengine.people import People
from dataengine.studies.seed_spread import half_widths
from dataengine.train import fit_teacher
from dataengine.train.compare_rounds import parse_plan, run
from dataengine.train.fit.forgetting import average_precision
from dataengine.train.studies.rounds.plan import FULL, OWNED, ROUND, Plan, Variant
from dataengine.train.studies.rounds.report import Base, Outcome, command_of, page, rows, write_plot
from dataengine.train.studies.rounds.runner import Runner

from ..helpers.fitting_project import TINY, draw_people_at, one_torch_thread

REPOSITORY = Path(__file__).resolve().parents[2]
PLAN = Plan(
    stage="fit-teacher",
    base=Path("models/base"),
    old=Path("data/round-1"),
    shares=(0.0, 0.5),
    layer_decays=(0.8,),
    learning_rate=0.0005,
    full_share=0.5,
    seeds=(0, 1, 2),
    people=5_000,
    full_people=40_000,
    epochs=2,
    settings={"fit-teacher.batch": "16"},
)
BASE = Base(new_ap=0.2, old_ap=0.5, new_people=44, old_people=500)
SHARES = st.sampled_from([0.0, 0.1, 0.3, 1 / 3, 0.5, 0.75])


def test_fits_go_seed_by_seed_and_the_full_one_comes_first() -> None:
    fits = PLAN.fits()
    assert len(fits) == len(set(fits)) == 9
    assert [seed for _, seed in fits] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert {variant.kind for variant, _ in fits[::3]} == {FULL}


@given(SHARES, st.integers(2, 50_000), st.integers(1, 5))
def test_fits_of_a_kind_see_as_many_people(share: float, people: int, epochs: int) -> None:
    plan = replace(PLAN, people=people, epochs=epochs, shares=(share,))
    seen = plan.seen(Variant(ROUND, share, 0.8))
    assert abs(seen - people) <= epochs * (1 + 1 / (1 - share)), "rounding, once for new and once for old people"


def test_fits_as_params() -> None:
    full = PLAN.params_of(Variant(FULL, 0.5, 1.0), 1)
    plain, replayed = (PLAN.params_of(Variant(ROUND, share, 0.8), 1) for share in (0.0, 0.5))
    assert full["fit-teacher.start_from"] == "null" and "fit-teacher.learning_rate" not in full
    assert full["fit-teacher.people_per_epoch"] == "10000" and full["fit-teacher.replay.share"] == "0.5"
    assert plain["fit-teacher.pretrained"] == "null" and "fit-teacher.pretrained" not in full
    assert plain["fit-teacher.start_from"] == "models/base" and plain["fit-teacher.learning_rate"] == "0.0005"
    assert plain["fit-teacher.replay.mix"] == "null" and plain["fit-teacher.people_per_epoch"] == "2500"
    assert replayed["fit-teacher.replay.mix"] == "data/round-1/mix"
    assert replayed["fit-teacher.people_per_epoch"] == "1250"
    for told in (full, plain, replayed):
        assert told["fit-teacher.old_test"] == "data/round-1/ingest/test.json" and told["fit-teacher.batch"] == "16"
    known = yaml.safe_load((REPOSITORY / "params.yaml").read_text())["fit-teacher"]
    for name in {key.removeprefix("fit-teacher.") for told in (full, plain) for key in told} | OWNED:
        value: Any = known
        for part in name.split("."):
            value = value[part]  # a KeyError: no such param


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder with a base network's and an old round's folder."""
    (tmp_path / "checkout/models/base").mkdir(parents=True)
    (tmp_path / "checkout/data/round-1").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "checkout")


GIVEN: dict[str, Any] = {
    "base": Path("models/base"), "old": Path("data/round-1"), "shares": [0.5, 0.0], "layer_decays": [0.8],
    "learning_rate": 0.0005, "full_share": 0.5, "people": 5_000, "full_people": 40_000, "epochs": 2,
    "seeds": [0, 1, 2], "stage": "fit-teacher", "settings": ["fit-teacher.batch=16"],
}  # fmt: skip


@pytest.mark.usefixtures("folders")
@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"stage": "export"}, "--stage"),
        ({"shares": [1.0]}, "--share"),
        ({"full_share": -0.1}, "--full-share"),
        ({"layer_decays": [0.0]}, "--layer-decay"),
        ({"learning_rate": 0.0}, "--learning-rate"),
        ({"people": 1}, "--people"),
        ({"epochs": 0}, "--epochs"),
        ({"seeds": [-1]}, "--seed"),
        ({"settings": ["batch"]}, "--set"),
        ({"settings": ["fit-teacher.replay.share=0.1"]}, "--set"),
        ({"settings": ["++fit-teacher.replay={share: 0.1}"]}, "--set"),
        ({"settings": ["mix.seed=1"]}, "another stage"),
        ({"base": Path("models/none")}, "--base is no folder"),
        ({"old": Path("../elsewhere")}, "--old lies outside the project"),
    ],
)
def test_what_makes_no_study(changes: dict[str, Any], match: str) -> None:
    assert parse_plan(**GIVEN) == PLAN
    assert parse_plan(**{**GIVEN, "base": Path("models/base").resolve()}) == PLAN
    with pytest.raises(InputError, match=match):
        parse_plan(**{**GIVEN, **changes})


def outcomes(plan: Plan) -> dict[tuple[Variant, int], Outcome]:
    """Rounds without replay forget; seeds lie 0.01 apart."""
    return {
        (variant, seed): Outcome(
            new_ap=0.4 + 0.01 * seed,
            old_ap=0.3 + 0.4 * variant.share + 0.01 * seed,
            seconds=100.0 if variant.kind == FULL else 10.0,
        )
        for variant, seed in plan.fits()
    }


def test_the_page_tells_cost_gain_and_forgetting(tmp_path: Path) -> None:
    found = rows(PLAN, outcomes(PLAN))
    half = half_widths([[0.4, 0.41, 0.42]] * 3)[0]
    assert [row.new_half for row in found] == pytest.approx([half] * 3)
    text = page(PLAN, BASE, found, 9)
    assert "Unfinished" not in text and "missing" not in text and "nan" not in text
    assert "| the earlier network | 0.200 | 0.500 | - | - |" in text
    assert f"| round, 0% old, decay 0.8 | 0.410 ± {half:.3f} | 0.310 ± {half:.3f} | 10 | 3 |" in text
    assert f"- round, 0% old, decay 0.8: 0.10 of the full fit's time, +0.210 ± {half:.3f} on new people, -0.190" in text
    assert f"+0.010 ± {half:.3f} (not told apart from none) on old ones." in text
    words = command_of(PLAN).split()
    assert words[:2] == ["dataengine", "compare-rounds"] and words.count("--seed") == 3
    write_plot(tmp_path / "rounds.png", BASE, found)
    assert cv2.imread(str(tmp_path / "rounds.png")) is not None


def test_the_page_of_an_unfinished_study(tmp_path: Path) -> None:
    some = dict(list(outcomes(PLAN).items())[:2])
    text = page(PLAN, BASE, rows(PLAN, some), len(some))
    assert "**Unfinished: 2 of 9 fits are known.**" in text and "nan" not in text
    assert "| round, 50% old, decay 0.8 | missing | missing | missing | 0 of 3 |" in text and "(one seed)" in text
    assert all(math.isnan(row.new_half) for row in rows(PLAN, some))
    assert "0 of 9 fits" in page(PLAN, BASE, rows(PLAN, {}), 0)
    write_plot(tmp_path / "rounds.png", BASE, [])


COPY = "import shutil, sys\nshutil.copytree(sys.argv[1], sys.argv[2])\n"
TINY_FIT = {
    **{name: getattr(TINY, name) for name in ("input_width_px", "input_height_px", "crop_padding", "batch", "device")},
    "network_kwargs": dict(TINY.network_kwargs),
}


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout


def write_round(folder: Path, n: int, seed: int) -> People:
    """ingest/{train,val,test}.json and mix/ of people of its own, in `folder`."""
    for place, split in enumerate(("train", "val", "test")):
        people, images = draw_people_at(folder / "ingest/images" / split, n, seed=seed + place)
        write_people(folder / f"ingest/{split}.json", people, images)
    people, images = read_people(folder / "ingest/train.json")
    write_people(folder / "mix/train.json", people.with_extra("repeat_factor", np.ones(n)), images)
    write_recipe(folder / "mix/recipe.json", MixRecipe(0.0, 0.0, 1))
    return people


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose stage fit-teacher is the real one, with an earlier round and its network; returns new data."""
    checkout, made = tmp_path / "checkout", tmp_path / "made"
    checkout.mkdir()
    monkeypatch.chdir(checkout)
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "somebody@example.com")
    monkeypatch.setenv("DVC_NO_ANALYTICS", "true")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    write_round(made, 8, seed=10)
    write_round(Path("data/round-1"), 8, seed=20)
    with one_torch_thread():
        fit_teacher.run(
            replace(TINY, epochs=2),
            mix=Path("data/round-1/mix"),
            val=Path("data/round-1/ingest/val.json"),
            out=Path("models/base"),
            report=Path("reports/base"),
        )
    git("init", "-q")
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], check=True)
    stages = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"]
    fit = stages["fit-teacher"] | {"deps": ["code.py", "data/mix", "data/ingest"]}
    Path("code.py").write_text(COPY)
    kept = {
        name: {
            "cmd": f"{sys.executable} code.py {made / name} data/{name}",
            "deps": ["code.py"],
            "outs": [f"data/{name}"],
        }
        for name in ("ingest", "mix")
    }
    params = yaml.safe_load((REPOSITORY / "params.yaml").read_text())["fit-teacher"] | TINY_FIT
    Path("params.yaml").write_text(yaml.safe_dump({"fit-teacher": params}))
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": {**kept, "fit-teacher": fit}}))
    Path(".gitignore").write_text("/data/\n/reports/\n/models/\n")
    git("add", "-A")
    git("commit", "-q", "-m", "project")
    return made


@pytest.mark.slow
def test_a_whole_study_goes_on_where_it_was_and_sees_changed_data(project: Path) -> None:
    report = Path("reports/rounds")
    given_here = {**GIVEN, "people": 16, "full_people": 32, "epochs": 1, "seeds": [0], "settings": []}
    plan = parse_plan(**given_here)
    run(replace(plan, shares=(0.5,)), report)
    first = {path.name: read_json(path) for path in (report / "runs").iterdir()}
    assert len(first) == 2
    run(plan, report)
    found = {path.name: read_json(path) for path in (report / "runs").iterdir()}
    assert len(found) == 3 and {name: found[name] for name in first} == first
    assert (report / "study.log").read_text().count("exp run") == 3
    assert git("status", "--porcelain", "--", ":!dvc.lock") == ""
    text = (report / "rounds.md").read_text()
    assert "missing" not in text and "AP on 8 new validation people and on 8 test people of the earlier round" in text

    runner = Runner(plan, report.resolve())
    fit = (Variant(ROUND, 0.5, 0.8), 0)
    revision = runner.project.experiments()[runner.name(fit)]
    runner.project.fetch(revision, "models/fit-teacher", Path("reports/network"))
    net, meta = load_checkpoint(Path("reports/network"))
    told = meta.lineage["params"]
    assert (told["start_from"], told["replay"]) == ("models/base", {"mix": "data/round-1/mix", "share": 0.5})
    for attribute, file in (("new_ap", "data/ingest/val.json"), ("old_ap", "data/round-1/ingest/test.json")):
        people, images = read_people(Path(file))
        reference = average_precision(net, meta, people, images)
        known = runner.known(fit)
        assert known is not None and getattr(known, attribute) == pytest.approx(reference, abs=0.01)

    before = runner.name(fit)
    document = json.loads(Path("data/round-1/mix/train.json").read_text())
    document["annotations"][0]["keypoints"][0] += 30
    Path("data/round-1/mix/train.json").write_text(json.dumps(document))
    changed = Runner(plan, report.resolve())
    assert changed.name(fit) != before and changed.known(fit) is None, "other old people, another fit"
    changed.outcome(fit)
    revision = changed.project.experiments()[changed.name(fit)]
    changed.project.fetch(revision, "models/fit-teacher", Path("reports/changed"))
    other, _ = load_checkpoint(Path("reports/changed"))
    pairs = zip(net.state_dict().values(), other.state_dict().values(), strict=True)
    assert any((a != b).any() for a, b in pairs), "fitted anew, though DVC knows nothing of the old people"

    before = changed.name(fit)
    write_round(project, 8, seed=30)
    subprocess.run([sys.executable, "-m", "dvc", "repro", "-q", "-f", "-s", "ingest"], check=True)
    renewed = Runner(plan, report.resolve())
    renewed.prepare()
    assert renewed.name(fit) != before and renewed.known(fit) is None, "other new people under the same path"
    Path("data/round-1/ingest/test.json").unlink()
    with pytest.raises(InputError, match=r"test\.json is missing"):
        Runner(plan, report.resolve()).prepare()
