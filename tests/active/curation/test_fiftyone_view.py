"""The FiftyOne dataset in a real database, written by one process and read by another."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataengine.active.manifest.files import read_selection
from dataengine.active.selection import run
from dataengine.coco_json import read_people, write_people
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.mistakes.suspects import Suspect, joints_judged, write_suspects

from ..conftest import Project
from ..test_selection import OUT, PARAMS, REPORT

Probe = Callable[..., list[dict[str, Any]]]
PROBE = Path(__file__).with_name("fiftyone_probe.py")


@pytest.fixture
def probe(project: Project) -> Probe:
    """Runs steps of `fiftyone_probe.py` in a process of its own, on a database in the project's folder."""
    environment = {**os.environ, "FIFTYONE_DATABASE_DIR": str(project.root / "mongo")}
    environment.pop("FIFTYONE_DATABASE_URI", None)

    def call(*steps: list[str]) -> list[dict[str, Any]]:
        done = subprocess.run(
            [sys.executable, str(PROBE), json.dumps(steps)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        line = next(line for line in done.stdout.splitlines() if line.startswith("ANSWER "))
        return list(json.loads(line.removeprefix("ANSWER ")))

    return call


def select(project: Project, budget: int, out: Path = OUT, mistakes: Path | None = None) -> None:
    params = replace(PARAMS, budget=budget)
    run(
        params,
        student=project.student,
        candidates=project.candidates,
        labelled=project.labelled,
        val=project.val,
        out=out,
        report=REPORT,
        mistakes=mistakes,
    )


@pytest.mark.slow
def test_dataset_says_what_the_files_say(project: Project, probe: Probe) -> None:
    select(project, 4)
    selection = read_selection(OUT)
    people, images = read_people(project.candidates, root=project.root)
    write_people(project.candidates, people.take([]), images)
    select(project, 4, Path("out/nobody"))
    built, empty = probe(["build", str(OUT), "people"], ["build", "out/nobody", "nobody"])
    assert built == {"name": "people", "samples": 18}
    assert empty == {"name": "nobody", "samples": 6}, "an empty selection has a view, too"
    (seen,) = probe(["read", "people"])
    assert seen["datasets"] == ["nobody", "people"] and seen["persistent"]
    assert seen["skeleton"][0] == list(COCO_KEYPOINTS)
    assert seen["tags"] == {"train": 4, "val": 2, "unlabelled": 12, "to_label": 4}
    assert seen["picked"] == {key: pick["rank"] for key, pick in selection.picks.items()}
    assert seen["order"] == [0, 1, 2, 3]
    assert all(Path(path).is_file() for path in seen["paths"])
    assert seen["errors"] == Counter(selection.labelled.extras["error"].tolist())
    check_unlabelled(seen["unlabelled"], selection)
    check_truth(seen["train"], selection)


def check_unlabelled(seen: dict[str, Any], selection: Any) -> None:
    people = selection.scored.take(selection.scored.extras["sha256"] == seen["sha256"])
    size = np.array([220, 200])
    student = np.array(seen["student"]) * size
    assert np.isnan(student[:, 3]).all()  # nobody ever labelled the left ear
    assert student[:, 4:] == pytest.approx(people.keypoints_px[:, 4:], abs=1e-3)
    assert np.array(seen["confidence"]) == pytest.approx(np.array(people.extras["student_confidence"].tolist()))
    teacher = np.array(seen["teacher"]) * size
    assert np.isnan(teacher[:, 3]).all()  # the joint that the teacher did not label
    assert teacher[:, 4:] == pytest.approx(np.array(people.extras["teacher_px"].tolist())[:, 4:], abs=1e-3)
    assert np.array(seen["boxes"]) * [220, 200, 220, 200] == pytest.approx(people.bbox_xywh_px, abs=1e-3)
    worst = int(np.argmax(people.extras["uncertainty"]))
    assert seen["scores"] == [people.extras[name][worst] for name in ("spread", "entropy", "flip", "teacher")]


def check_truth(seen: dict[str, Any], selection: Any) -> None:
    people = selection.labelled.take(selection.labelled.extras["sha256"] == seen["sha256"])
    truth = np.array(seen["truth"]) * [220, 200]
    assert seen["visibility"] == people.visibility.tolist()
    assert np.isnan(truth[:, 3]).all()
    assert truth[:, 4:] == pytest.approx(people.keypoints_px[:, 4:], abs=1e-3)
    assert seen["students"] == 1
    assert seen["errors"] == people.extras["error"].tolist()


@pytest.mark.slow
def test_same_selection_is_left_alone_another_replaces_it_and_hand_work_is_kept(project: Project, probe: Probe) -> None:
    for budget in (4, 2, 3):
        select(project, budget, Path(f"out/{budget}"))
    _, _, first, _, again, _, second, touched, _, third, old = probe(
        ["leave_partial", "people"],
        ["build", "out/4", "people"],
        ["read", "people"],
        ["build", "out/4", "people"],
        ["read", "people"],
        ["build", "out/2", "people"],
        ["read", "people"],
        ["touch", "people"],
        ["build", "out/3", "people"],
        ["read", "people"],
        ["read_kept", "people"],
    )
    assert first["datasets"] == ["people"]
    assert again["ids"] == first["ids"]
    assert second["datasets"] == ["people"] and second["order"] == [0, 1] and second["ids"] != first["ids"]
    assert third["order"] == [0, 1, 2] and "looked at" not in third["tags"]
    (kept,) = [name for name in third["datasets"] if name != "people"]
    assert kept.startswith("people-")
    assert old["name"] == kept
    assert old["tags"]["looked at"] == 1 and touched["sha256"] in old["uncertainty"]


@pytest.mark.slow
def test_likely_mistakes_are_a_view_of_their_own(project: Project, probe: Probe) -> None:
    people, images = read_people(project.labelled, root=project.root)
    suspects = [
        Suspect("arms", chance, Path(images.path[row]).name, "", [], {}, [], {}, joints_judged(people, row))
        for row, chance in ((1, 0.25), (3, 0.75))
    ]
    write_suspects(Path("mistakes.json"), suspects, {})
    select(project, 2, Path("out/with"), Path("mistakes.json"))
    select(project, 2, Path("out/without"))
    _, seen, _, none = probe(
        ["build", "out/with", "a"], ["mistakes", "a"], ["build", "out/without", "b"], ["mistakes", "b"]
    )
    assert seen["chance"] == [0.75, 0.25] and seen["of"] == [[0.75], [0.25]]
    assert seen["says"][0][0].startswith("left and right arm are exchanged, probability 0.75")
    assert none["views"] == ["to_label"]


def test_two_selections_at_once_both_end_well(project: Project) -> None:
    """They meet at one database that neither finds running, and at one name of a dataset."""
    Path("params.yaml").write_text(
        "select: {budget: 2, strategy: random, min_gap_frames: 1, appearance_weight: 0.3, seed: 0, fiftyone: true, "
        "dataset: people}\noks: {sigmas: ''}\n"
    )
    environment = {**os.environ, "FIFTYONE_DATABASE_DIR": str(project.root / "mongo")}
    environment.pop("FIFTYONE_DATABASE_URI", None)
    inputs = [f"--{name}={getattr(project, name)}" for name in ("student", "candidates", "labelled", "val")]
    # into files: the database, which one of the two starts, holds its standard error open until both were waited for
    with Path("said0").open("w") as first, Path("said1").open("w") as second:
        running = [
            subprocess.Popen(
                [sys.executable, "-m", "dataengine", "select", *inputs, f"--out=out/{i}", f"--report=reports/{i}"],
                env=environment,
                stderr=stderr,
            )
            for i, stderr in enumerate((first, second))
        ]
        codes = [process.wait(timeout=300) for process in running]
    said = [Path(f"said{i}").read_text() for i in range(2)]
    assert codes == [0, 0], said
    assert [len(read_selection(Path(f"out/{i}")).picks) for i in range(2)] == [2, 2]
    assert all("18 samples in FiftyOne dataset 'people'" in words for words in said), said


@pytest.mark.slow
def test_a_database_that_cannot_start_is_one_line(project: Project) -> None:
    select(project, 2)
    (project.root / "params.yaml").write_text(
        "select: {budget: 2, strategy: random, min_gap_frames: 1, appearance_weight: 0.3, seed: 0, fiftyone: true, "
        "dataset: people}\napp: {selection: out/select, port: 5151}\n"
    )
    (project.root / "blocked").write_text("a file where the database wants a folder")
    environment = {**os.environ, "FIFTYONE_DATABASE_DIR": str(project.root / "blocked")}
    environment.pop("FIFTYONE_DATABASE_URI", None)
    done = subprocess.run(
        [sys.executable, "-m", "dataengine", "app", "--no-browser"], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert "FiftyOne's database does not start" in line and "make setup" in line
