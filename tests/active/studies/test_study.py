"""A study from end to end with networks of a second, killed and gone on with; what rules may and may not see."""

import json
import pickle
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from dataengine.active.studies.choosing import choose
from dataengine.active.studies.plan import RULES
from dataengine.active.studies.runner import SelectionStudy
from dataengine.active.studies.sets import LabelledImages, read_sets
from dataengine.active.study import parse_study_plan
from dataengine.cli import app, main
from dataengine.coco_json import write_people
from dataengine.errors import InputError
from dataengine.evaluation.ap.protocol import COCO
from dataengine.studies import logged_call

from ...helpers.drawn_people import draw_people_at
from ...helpers.fitting_project import TINY, one_torch_thread
from .test_plan import SELECT

STUDY = ["study", "--labelled", "train.json", "--val", "val.json", "--test", "test.json", "--report", "report"]
SIZES = ["--start", "8", "--step", "4", "--candidates", "10", "--val-images", "6", "--people", "16", "--seed", "0"]
TWO_RULES = [*STUDY, *SIZES, "--rounds", "1", "--rule", "random", "--rule", "herding"]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Three sets of drawn people, and the params of a small network, in the working folder."""
    monkeypatch.chdir(tmp_path)
    for seed, (name, count) in enumerate((("train", 24), ("val", 8), ("test", 8))):
        people, images = draw_people_at(Path(name), count, seed)
        write_people(Path(f"{name}.json"), people, images)
    fit = {**asdict(TINY), "start_from": None}
    sections = {"fit": {}, "fit-teacher": json.loads(json.dumps(fit)), "select": asdict(SELECT), "oks": {"sigmas": ""}}
    Path("params.yaml").write_text(yaml.safe_dump(sections))
    with one_torch_thread():
        yield tmp_path


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Folders of the fits that ran, each by the real command, but in this process: starting one takes seconds."""
    ran: list[str] = []

    def here(command: Sequence[str], *_: object) -> tuple[int, list[str]]:
        ran.append(Path(command[command.index("--out") + 1]).name)
        with pytest.raises(SystemExit) as ended:
            main(list(command[3:]))
        return int(ended.value.code or 0), []

    monkeypatch.setattr(logged_call, "run_logged", here)
    return ran


def answer(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def records() -> dict[str, dict[str, Any]]:
    found = (json.loads(path.read_text()) for path in Path("report/runs").iterdir())
    return {f"{one['rule']}{one['number']}": one for one in found}


def test_a_study_from_end_to_end_that_is_killed_goes_on_where_it_was(
    fits: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = logged_call.run_logged

    def killed_at_the_third(command: Sequence[str], log: Path, title: str) -> tuple[int, list[str]]:
        if len(fits) == 2:
            raise KeyboardInterrupt
        return whole(command, log, title)

    with monkeypatch.context() as patch:
        patch.setattr(logged_call, "run_logged", killed_at_the_third)
        CliRunner().invoke(app, TWO_RULES)
    assert len(fits) == 2 and len(records()) == 2
    page = Path("report/study.md").read_text()
    assert "**Unfinished: 2 of 3 rounds are known.**" in page and "| random | 0.0" in page
    next(Path("report/runs").glob("random-*")).unlink()  # as if it had been killed between the fit and the measurement
    next(Path("report/fits").glob("random-*/seconds.json")).write_text('{"seconds": 100.0}')
    answer(*TWO_RULES)
    assert len(fits) == len(set(fits)) == 3, "nothing is fitted twice"

    found = records()
    assert found["random1"]["outcome"]["fit_s"] >= 100, "the seconds of the call that was killed"
    assert {name: len(set(one["images"])) for name, one in found.items()} == {
        "start0": 8,
        "random1": 12,
        "herding1": 12,
    }
    assert found["start0"]["images"] == found["random1"]["images"][:8] == found["herding1"]["images"][:8]
    page = Path("report/study.md").read_text()
    assert "Unfinished" not in page and "missing" not in page and "nan" not in page
    assert "| AP with labels: | 8 | 12 | seeds |" in page
    assert re.search(r"^\| herding \| 0\.\d{3} \| [+-]0\.\d{3} \|", page, re.MULTILINE)
    plot = cv2.imread("report/study.png")
    assert plot is not None and plot.std() > 5
    learnt = json.loads(Path(f"report/networks/{fits[-1]}/model.json").read_text())["lineage"]["labels"]
    assert learnt == {"images": 12, "people": 12}


def test_a_fit_is_a_process_and_its_fault_is_one_line() -> None:
    done = CliRunner().invoke(app, [*TWO_RULES, "--set", "fit-teacher.networks=hrnet-w18"])
    assert isinstance(done.exception, InputError)
    assert re.search(
        r"a fit of start-seed0-round0-\w+ failed: got .*unknown key.*; see report/study.log", str(done.exception)
    )
    assert "fit-teacher --mix report/fits/start" in Path("report/study.log").read_text()
    assert not Path("report/networks").exists() and not Path("report/runs").exists()


def test_a_set_that_shares_pictures_with_the_test_is_refused() -> None:
    with pytest.raises(InputError, match=r"train.json and train.json share pictures: expected none, got 24"):
        read_sets(Path("train.json"), Path("train.json"), Path("test.json"), 0, None)
    with pytest.raises(InputError, match=r"val.json and val.json share pictures"):
        read_sets(Path("train.json"), Path("val.json"), Path("val.json"), 0, None)
    done = CliRunner().invoke(app, [*TWO_RULES, "--stop-gain", "nan"])
    assert "--stop-gain: expected 0 or more, got 6 and nan" in str(done.exception)
    done = CliRunner().invoke(app, [*TWO_RULES, "--start", "21"])
    assert "the pool is too small: expected 25 or more, got 24 images" in str(done.exception)


def test_no_rule_sees_the_labels_that_it_asks_for(fits: list[str]) -> None:
    answer(*STUDY, *SIZES, "--rounds", "1", "--rule", "random")
    network = next(Path("report/networks").glob("start-*"))
    sets = read_sets(Path("train.json"), Path("val.json"), Path("test.json"), 0, None)
    order = sets.order(0)
    learnt, hidden = sets.pool.of(order[:8]), sets.pool.of(order[8:])
    people = hidden.people
    moved = people.replace(keypoints_px=people.keypoints_px[::-1] * np.float32(0.5))
    other = LabelledImages(moved, hidden.images, hidden.keys)
    params = replace(SELECT, min_gap_frames=1)
    with_labels = {"labelled": learnt, "val": sets.val, "n": 5, "seed": 3, "params": params, "protocol": COCO}
    picks = {rule: choose(rule, network, candidates=hidden, **with_labels) for rule in RULES}  # type: ignore[arg-type]
    for rule, picked in picks.items():
        assert len(set(picked)) == 5 and set(picked) <= set(hidden.keys.tolist())
        assert choose(rule, network, candidates=other, **with_labels) == picked  # type: ignore[arg-type]
    assert len({tuple(sorted(picked)) for picked in picks.values()}) > 3, "rules differ"


def test_rounds_of_one_number_run_side_by_side_on_nodes_that_name_them_alike() -> None:
    sizes = {"start": 8, "step": 4, "rounds": 2, "candidates": 10, "people": 16, "epochs": 1}
    plan = parse_study_plan(rules=["random", "herding"], seeds=[0, 1], warm=True, settings=[], **sizes)
    study = SelectionStudy(
        plan=plan,
        sets=read_sets(Path("train.json"), Path("val.json"), Path("test.json"), 6, None),
        select=SELECT,
        params=Path("params.yaml"),
        line="",
        stop_gain=0.0,
        report=Path("report"),
    )
    trials = study.trials()
    parts = study.side_by_side(trials)
    assert [{trial.number for trial in part} for part in parts] == [{0}, {1}, {2}]
    assert sorted(trial for part in parts for trial in part) == sorted(trials) and len(parts[1]) == 4
    elsewhere = pickle.loads(pickle.dumps(study.outcome)).__self__
    assert [elsewhere.name(trial) for trial in trials] == [study.name(trial) for trial in trials]
