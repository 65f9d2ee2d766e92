"""The FiftyOne dataset in a real database, written by one process and read by another."""

import json
import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dataengine.active.curation.curating import curated
from dataengine.active.manifest.files import read_selection
from dataengine.active.selection import run
from dataengine.coco_json import read_people, write_people
from dataengine.columns import object_column
from dataengine.evaluation.ap.oks import person_oks
from dataengine.inference.exported import ONNX_FP16, file_record, load_exported, write_sidecar
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.mistakes.suspects import Suspect, joints_judged, write_suspects
from dataengine.nets.checkpoint import ModelMeta, save_checkpoint
from dataengine.registry.records import Entry, Event, Registry
from dataengine.registry.registry_file import write_registry
from dataengine.registry.store import keep
from dataengine.train.deploy.onnx_files import write_fp32

from ..conftest import Project
from ..selecting import OUT, PARAMS, REPORT

Probe = Callable[..., list[dict[str, Any]]]
pytestmark = pytest.mark.usefixtures("fiftyone_turn")
PROBE = Path(__file__).with_name("fiftyone_probe.py")


@pytest.fixture
def database(project: Project) -> Iterator[str]:
    """The address of a database of the test's own.

    FiftyOne would share one that it finds running for another process, wherever that keeps its data.
    """
    package = find_spec("fiftyone")
    assert package is not None and package.submodule_search_locations
    folder = project.root / "mongo"
    folder.mkdir()
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = str(chosen.getsockname()[1])
    mongod = str(Path(package.submodule_search_locations[0]) / "db/bin/mongod")
    command = [mongod, "--dbpath", str(folder), "--port", port, "--bind_ip", "127.0.0.1", "--nounixsocket"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        yield f"mongodb://127.0.0.1:{port}"
        process.terminate()
        process.wait(timeout=60)


@pytest.fixture
def probe(database: str) -> Probe:
    """Runs steps of `fiftyone_probe.py` in a process of its own."""
    environment = {**os.environ, "FIFTYONE_DATABASE_URI": database}

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
def test_an_update_keeps_what_people_did_and_sets_aside_what_it_would_overwrite(project: Project, probe: Probe) -> None:
    for budget in (4, 2):
        select(project, budget, Path(f"out/{budget}"))
    torch.manual_seed(1)
    meta = ModelMeta("residual-simcc", {}, input_width_px=64, input_height_px=64)
    save_checkpoint(project.student, meta.build(), meta)
    select(project, 2, Path("out/other"))
    _, _, first, _, again, touched, _, second, _, third, edited, _, fourth, old = probe(
        ["leave_partial", "people"],
        ["build", "out/4", "people"],
        ["read", "people"],
        ["build", "out/4", "people"],
        ["read", "people"],
        ["touch", "people"],
        ["build", "out/2", "people"],
        ["read", "people"],
        ["build", "out/4", "people"],
        ["read", "people"],
        ["edit", "people"],
        ["build", "out/other", "people"],
        ["read", "people"],
        ["read_kept", "people"],
    )
    assert first["datasets"] == ["people"]
    assert again["ids"] == first["ids"] == second["ids"] == fourth["ids"]
    assert second["datasets"] == ["people"] and second["order"] == [0, 1], "a tag alone sets nothing aside"
    assert second["tags"]["looked at"] == third["tags"]["looked at"] == fourth["tags"]["looked at"] == 1
    assert touched["sha256"] in second["uncertainty"] and third["order"] == [0, 1, 2, 3]
    (kept,) = [name for name in fourth["datasets"] if name != "people"]
    assert kept.startswith("people-") and old["name"] == kept
    moved, now = ([each["unlabelled"]["student"][0][0]] for each in (old, fourth))
    assert edited["sha256"] == old["unlabelled"]["sha256"] and moved == [[0.25, 0.5]] != now


@pytest.mark.slow
def test_a_whole_run_is_shown_with_exact_figures_and_comes_back_equal(project: Project, probe: Probe) -> None:
    select(project, 4)
    write_params()
    keep_champion(project)
    write_pseudo_labels(project)
    _, before, seen, _, _, after, refused = probe(
        ["curate", "people"],
        ["content", "people"],
        ["see", "people"],  # FiftyOne centres the embeddings that it holds at the first query
        ["drop", "people"],
        ["curate", "people"],
        ["content", "people"],
        ["foreign", "other"],
    )
    assert (
        json.dumps(before) == json.dumps(after)
        and len(before["samples"]) == 18
        and set(before["runs"]) == {"pose_likeness", "pose_map"}
    )
    assert set(before["views"]) == {"to_label", "models_differ", "pseudo_accepted", "pseudo_rejected"}
    assert [len(before["views"][name]) for name in ("pseudo_accepted", "pseudo_rejected")] == [12, 12]
    tables = curated(OUT, Path("params.yaml"))
    truth = tables.labelled.people
    expected = person_oks(truth, np.array(truth.extras["student_px"].tolist()))
    train = truth.extras["split"] == "train"
    assert sorted(v for row in seen["oks"][0] for v in row) == pytest.approx(sorted(expected[train].tolist()))
    assert sorted(seen["oks"][1]) == pytest.approx(sorted(expected[train].tolist()))
    assert len(seen["champion"]) == 18
    for _, of_people, of_picture in seen["champion"]:
        assert of_picture == min(of_people)
    differing = [key for key, _, value in seen["champion"] if value < 0.75]
    assert sorted(before["views"]["models_differ"]) == sorted(differing)
    assert seen["alike"]["app"] == seen["alike"]["own"], "sorting by likeness goes by the distances of select"
    assert seen["mapped"] == 18 and seen["rounds"] == [3] and seen["reasons"] == ["kept"] * 17
    assert seen["sources"] == {"real": 6, "pseudo": 12}
    assert refused["samples"] == 1 and "set select.dataset in params.yaml" in refused["said"]


def write_params() -> None:
    Path("params.yaml").write_text(
        "curate: {differ_below: 0.75}\noks: {sigmas: ''}\ncompare: {round: 3}\n"
        "registry: {file: models/registry.json, store: models/registry}\n"
    )


def keep_champion(project: Project) -> None:
    """Another network than the student is the registry's champion."""
    torch.manual_seed(2)
    meta = ModelMeta("residual-simcc", {}, input_width_px=64, input_height_px=64)
    net = meta.build().eval()
    folder = Path("export")
    folder.mkdir()
    write_fp32(net, meta, folder / ONNX_FP16)
    files = {ONNX_FP16: file_record(folder / ONNX_FP16)}
    write_sidecar(folder, meta, files, {"lineage": {}})
    model, records = keep(load_exported(folder), {}, Path("models/registry"))
    entry = Entry(
        id=model.id, state="champion", promoted_at="2026-01-01T00:00:00+00:00", ap=0.1, ap_low=0.0, ap_high=0.2,
        test_sha256="0" * 64, oks_sigmas="COCO", files=model.sha256, lineage={}, records=records,
    )  # fmt: skip
    event = Event(
        at=entry.promoted_at, id=model.id, outcome="promoted", against="", ap=0.1, oks_sigmas="COCO", reason="first",
        comparison_sha256="0" * 64,
    )  # fmt: skip
    write_registry(Path("models/registry.json"), Registry().with_champion(entry).with_event(event))


def write_pseudo_labels(project: Project) -> None:
    """The first of two people in every picture was kept."""
    people, images = read_people(project.candidates, root=project.root)
    kept = np.arange(len(people)) % 2 == 0
    reasons = [["kept"] * 17 if one else ["unsteady"] * 17 for one in kept]
    dropped_for = np.where(kept, "", "few joints")
    extras = {"kept": kept, "reasons": object_column(reasons), "dropped_for": dropped_for}
    write_people(Path("data/pseudo-label/candidates.json"), people.replace(extras=extras), images)


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
        "dataset: people}\napp: {selection: out/select, port: 5151}\ncurate: {}\noks: {sigmas: ''}\n"
        "compare: {round: 1}\nregistry: {file: models/registry.json, store: models/registry}\n"
    )
    (project.root / "blocked").write_text("a file where the database wants a folder")
    environment = {**os.environ, "FIFTYONE_DATABASE_DIR": str(project.root / "blocked")}
    environment.pop("FIFTYONE_DATABASE_URI", None)
    command = [sys.executable, "-m", "dataengine", "app", "--no-browser"]
    # next to another FiftyOne of this user it would take that one's database and serve the App
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    line = done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert "FiftyOne's database does not start" in line and "make setup" in line
