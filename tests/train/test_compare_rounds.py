"""The study of fine-tuning rounds: its command line, and a whole study with real fits and experiments of DVC."""

import json
import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataengine.coco_json import read_people, write_people
from dataengine.errors import InputError
from dataengine.files import read_json
from dataengine.mixing import MixRecipe, write_recipe
from dataengine.nets.checkpoint import load_checkpoint
from dataengine.train import fit_teacher
from dataengine.train.compare_rounds import parse_round_plan, run
from dataengine.train.fit.forgetting import average_precision
from dataengine.train.studies.rounds.plan import ROUND, RoundPlan, Variant
from dataengine.train.studies.rounds.runner import RoundStudy

from ..helpers.drawn_people import draw_people_at
from ..helpers.dvc_checkout import commit_project, dvc, enter_new_checkout, git, repository_file
from ..helpers.fitting_project import TINY, TINY_NETWORK, one_torch_thread
from ..helpers.held_out import held_out_file
from .studies.rounds.example_plan import PLAN


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
        ({"base": Path("models/none")}, "--base is not a folder"),
        ({"old": Path("../elsewhere")}, "--old lies outside the project"),
    ],
)
def test_options_that_make_no_study_are_refused(changes: dict[str, Any], match: str) -> None:
    assert parse_round_plan(**GIVEN) == PLAN
    assert parse_round_plan(**{**GIVEN, "base": Path("models/base").resolve()}) == PLAN
    with pytest.raises(InputError, match=match):
        parse_round_plan(**{**GIVEN, **changes})


COPY = "import shutil, sys\nshutil.copytree(sys.argv[1], sys.argv[2])\n"
REPORT, FIT = Path("reports/rounds"), (Variant(ROUND, 0.5, 0.8), 0)


def write_round(folder: Path, n: int, seed: int) -> None:
    """ingest/{train,val,test}.json and mix/ of people of its own, in `folder`."""
    for place, split in enumerate(("train", "val", "test")):
        people, images = draw_people_at(folder / "ingest/images" / split, n, seed=seed + place)
        write_people(folder / f"ingest/{split}.json", people, images)
    held_out_file(folder / "ingest", read_people(folder / "ingest/test.json")[1])
    people, images = read_people(folder / "ingest/train.json")
    write_people(folder / "mix/train.json", people.with_extra("repeat_factor", np.ones(n)), images)
    write_recipe(folder / "mix/recipe.json", MixRecipe(0.0, 0.0, 1))


def write_project() -> None:
    """In the working folder: the real stage fit-teacher on the people in data/new, an earlier round and its network."""
    write_round(Path("data/new"), 8, seed=10)
    write_round(Path("data/round-1"), 8, seed=20)
    copied = {
        name: {
            "cmd": f"{sys.executable} code.py data/new/{name} data/{name}",
            "deps": ["code.py"],
            "outs": [f"data/{name}"],
        }
        for name in ("ingest", "mix")
    }
    fit = repository_file("dvc.yaml")["stages"]["fit-teacher"] | {"deps": ["code.py", "data/mix", "data/ingest"]}
    params = repository_file("params.yaml")
    kept = {"fit": params["fit"] | TINY_NETWORK, "fit-teacher": params["fit-teacher"], "oks": params["oks"]}
    commit_project({**copied, "fit-teacher": fit}, kept, {"code.py": COPY})
    with one_torch_thread():
        fit_teacher.run(
            replace(TINY, epochs=2),
            mix=Path("data/round-1/mix"),
            val=Path("data/round-1/ingest/val.json"),
            out=Path("models/base"),
            report=Path("reports/base"),
        )


@dataclass(frozen=True)
class Finished:
    """A study that was run in two calls, the first without one of its rounds."""

    checkout: Path
    plan: RoundPlan
    first: dict[str, Any]
    """Records by file name after the first call."""
    records: dict[str, Any]

    def study(self) -> RoundStudy:
        """In the working folder."""
        return RoundStudy(plan=self.plan, report=REPORT)


@pytest.fixture(scope="module")
def finished_once(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    with pytest.MonkeyPatch.context() as patch:
        checkout = enter_new_checkout(tmp_path_factory.mktemp("rounds") / "checkout", patch)
        write_project()
        small = {"people": 16, "full_people": 32, "epochs": 1, "seeds": [0], "settings": []}
        plan = parse_round_plan(**{**GIVEN, **small})
        run(replace(plan, shares=(0.5,)), report=REPORT)
        first = records()
        run(plan, report=REPORT)
        return Finished(checkout, plan, first, records())


@pytest.fixture
def finished(finished_once: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Finished:
    """A copy of the finished study's checkout is the working folder, to be changed as a test likes."""
    copy = tmp_path / "checkout"
    shutil.copytree(finished_once.checkout, copy, symlinks=True)
    monkeypatch.chdir(copy)
    monkeypatch.setenv("DVC_NO_ANALYTICS", "true")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return replace(finished_once, checkout=copy)


def records() -> dict[str, Any]:
    return {path.name: read_json(path) for path in (REPORT / "runs").iterdir()}


@pytest.mark.slow
def test_a_study_goes_on_where_it_was_and_leaves_the_checkout_alone(finished: Finished) -> None:
    assert len(finished.first) == 2 and len(finished.records) == 3
    assert {name: finished.records[name] for name in finished.first} == finished.first
    assert (REPORT / "study.log").read_text().count("exp run") == 3
    assert git("status", "--porcelain", "--", ":!dvc.lock") == ""
    text = (REPORT / "rounds.md").read_text()
    assert "missing" not in text and "AP on 8 new validation people and on 8 test people of the earlier round" in text


@pytest.mark.slow
def test_a_round_starts_from_the_base_and_its_figures_are_its_networks(finished: Finished) -> None:
    study = finished.study()
    study.project.fetch(study.project.experiments()[study.name(FIT)], "models/fit-teacher", Path("reports/network"))
    net, meta = load_checkpoint(Path("reports/network"))
    params = meta.lineage["params"]
    assert (params["start_from"], params["replay"]) == ("models/base", {"mix": "data/round-1/mix", "share": 0.5})
    for attribute, file in (("new_ap", "data/ingest/val.json"), ("old_ap", "data/round-1/ingest/test.json")):
        people, images = read_people(Path(file))
        reference = average_precision(net, meta, people, images)
        known = study.known(FIT)
        assert known is not None and getattr(known, attribute) == pytest.approx(reference, abs=0.01)


@pytest.mark.slow
def test_other_old_people_are_another_fit(finished: Finished) -> None:
    study = finished.study()
    study.project.fetch(study.project.experiments()[study.name(FIT)], "models/fit-teacher", Path("reports/network"))
    document = json.loads(Path("data/round-1/mix/train.json").read_text())
    document["annotations"][0]["keypoints"][0] += 30
    Path("data/round-1/mix/train.json").write_text(json.dumps(document))
    changed = finished.study()
    assert changed.name(FIT) != study.name(FIT) and changed.known(FIT) is None
    changed.outcome(FIT)
    revision = changed.project.experiments()[changed.name(FIT)]
    changed.project.fetch(revision, "models/fit-teacher", Path("reports/changed"))
    (net, _), (other, _) = load_checkpoint(Path("reports/network")), load_checkpoint(Path("reports/changed"))
    pairs = zip(net.state_dict().values(), other.state_dict().values(), strict=True)
    assert any((a != b).any() for a, b in pairs), "fitted again, though DVC knows nothing of the old people"


@pytest.mark.slow
def test_other_new_people_under_the_same_path_are_another_fit(finished: Finished) -> None:
    before = finished.study().name(FIT)
    write_round(Path("data/new"), 8, seed=30)
    dvc("repro", "-q", "-f", "-s", "ingest")
    renewed = finished.study()
    renewed.prepare()
    assert renewed.name(FIT) != before and renewed.known(FIT) is None


@pytest.mark.slow
def test_a_missing_file_of_the_earlier_round_is_named(finished: Finished) -> None:
    Path("data/round-1/ingest/test.json").unlink()
    with pytest.raises(InputError, match=r"test\.json is missing"):
        finished.study().prepare()
