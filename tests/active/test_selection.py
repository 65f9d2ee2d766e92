"""`select`: who is picked, what the manifest says of it, and what the run leaves."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from dataengine.active.choice.strategies import STRATEGIES
from dataengine.active.curation import fiftyone_view
from dataengine.active.manifest.files import read_manifest, read_selection
from dataengine.active.selection import run
from dataengine.cli import app
from dataengine.coco_json import read_people, write_people
from dataengine.errors import EnvironmentFault, InputError
from dataengine.evaluation.analysis.slice_builders import slices_by_size
from dataengine.files import sha256_file
from dataengine.requests.folder import add_requests
from dataengine.requests.pinned import RequestsParams

from ..helpers.held_out import encoded_again, held_out_file
from ..requests.test_requests import ASKED, request
from .conftest import Project
from .selecting import FILES, OUT, PARAMS, REPORT, inputs, ranks, select


def test_manifest_names_images_by_their_hash(project: Project) -> None:
    select(project)
    manifest = read_manifest(OUT / "to_label.json")
    entries = manifest["images"]
    assert len(entries) == 4
    assert list(entries) == sorted(entries)
    assert sorted(entry["rank"] for entry in entries.values()) == [0, 1, 2, 3]
    for sha256, entry in entries.items():
        assert sha256_file(OUT / entry["image"]) == sha256
        assert len(entry["people"]) == 2
        assert entry["uncertainty"] == max(person["uncertainty"] for person in entry["people"])
    frames = sorted(entry["frame"] for entry in entries.values())
    assert np.diff(frames).min() >= 10


def test_all_candidates_are_scored_and_kept_for_the_view(project: Project) -> None:
    select(project)
    selection = read_selection(OUT)
    candidates, _ = read_people(project.candidates, root=project.root)
    assert len(selection.scored) == len(candidates) == 24
    assert selection.scored.bbox_xywh_px == pytest.approx(candidates.bbox_xywh_px, abs=1e-3)
    teacher = np.array(selection.scored.extras["teacher_px"].tolist())
    seen = candidates.visibility > 0
    assert teacher[seen] == pytest.approx(candidates.keypoints_px[seen], abs=2e-3)
    uncertainty = selection.scored.extras["uncertainty"]
    assert uncertainty.min() >= 0 and uncertainty.max() <= 1 and uncertainty.std() > 0
    assert selection.labelled.extras["split"].tolist() == ["train"] * 4 + ["val"] * 2
    sheet = cv2.imread(str(OUT / "picks.jpg"))
    assert sheet is not None and sheet.shape == (240, 4 * 240, 3)
    metrics = json.loads((REPORT / "metrics.json").read_text())
    assert metrics["picked"] == 4 and metrics["distance_after"] < metrics["distance_before"]


def test_same_inputs_give_the_same_bytes(project: Project) -> None:
    select(project, out=Path("a/select"))
    select(project, out=Path("b/select"))
    assert [sha256_file(Path("a/select") / f) for f in FILES] == [sha256_file(Path("b/select") / f) for f in FILES]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_picks_do_not_depend_on_the_order_of_the_candidates(project: Project, strategy: str) -> None:
    params = replace(PARAMS, strategy=strategy)
    select(project, params)
    before = ranks()
    people, images = read_people(project.candidates, root=project.root)
    backwards = np.arange(len(people))[::-1], np.arange(len(images))[::-1]
    write_people(project.candidates, people.take(backwards[0]), images.take(backwards[1]))
    select(project, params)
    assert ranks() == before


@pytest.mark.parametrize("table", ["candidates", "labelled"])
def test_pictures_of_the_test_set_are_neither_proposed_nor_shown(project: Project, table: str) -> None:
    _, images = read_people(getattr(project, table), root=project.root)
    copy = encoded_again(Path(images.path[2]), Path("test/again.jpg"), quality=90)
    held_out = held_out_file(project.root, images.take([2]).replace(path=[str(copy)], video="", frame=-1))
    with pytest.raises(InputError, match=rf"{getattr(project, table)} has pictures.*1 of test.*near duplicate"):
        run(PARAMS, **inputs(project), out=OUT, report=REPORT, held_out=held_out)
    assert not OUT.exists()
    _, validation = read_people(project.val, root=project.root)
    held_out = held_out_file(project.root, validation.replace(video="", frame=-1))
    run(PARAMS, **inputs(project), out=OUT, report=REPORT, held_out=held_out)


def test_a_frame_that_got_its_label_is_no_candidate(project: Project) -> None:
    select(project)
    pick = next(iter(read_manifest(OUT / "to_label.json")["images"].values()))
    _, images = read_people(project.labelled, root=project.root)
    shutil.copy(OUT / pick["image"], images.path[0])
    select(project)
    again = read_manifest(OUT / "to_label.json")["images"].values()
    assert pick["frame"] not in [entry["frame"] for entry in again]
    assert json.loads((REPORT / "metrics.json").read_text())["candidate_images"] == 11


def test_a_budget_above_the_pool_takes_what_is_left(project: Project) -> None:
    select(project, replace(PARAMS, budget=99))
    frames = [entry["frame"] for entry in read_manifest(OUT / "to_label.json")["images"].values()]
    assert all(any(abs(frame - picked) < PARAMS.min_gap_frames for picked in frames) for frame in range(0, 60, 5))


def test_a_budget_in_minutes_buys_whole_pictures(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Two people of 16 joints in each picture, 3 seconds a joint: 1.6 minutes."""
    select(project, replace(PARAMS, budget=5, budget_unit="minutes"))
    entries = read_manifest(OUT / "to_label.json")["images"].values()
    assert [entry["cost"] for entry in entries] == [1.6] * 3
    assert json.loads((REPORT / "metrics.json").read_text())["spent"] == pytest.approx(4.8)
    select(project, replace(PARAMS, budget=1, budget_unit="minutes"))
    assert "costs 1.6 minutes: raise select.budget" in capsys.readouterr().err
    assert not read_selection(OUT).picks


def test_every_pick_says_what_it_stands_for(project: Project) -> None:
    select(project, replace(PARAMS, strategy="herding", min_gap_frames=0, budget=3))
    entries = read_manifest(OUT / "to_label.json")["images"].values()
    assert 3 <= sum(entry["stands_for"] for entry in entries) <= 12
    for entry in entries:
        more = entry["stands_for"] - 1
        assert (f"nearest pick to {more} other image" in entry["why"]) == (more > 0)


@pytest.mark.parametrize("why", ["all labelled", "nobody found", "no frames"])
@pytest.mark.parametrize("strategy", ["random", "uncertainty+diversity"])
def test_where_nobody_is_left_nothing_is_picked_and_the_run_goes_on(
    project: Project, why: str, strategy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    people, images = read_people(project.candidates, root=project.root)
    if why == "all labelled":
        write_people(project.labelled, people.replace(source=np.full(len(people), "real", people.source.dtype)), images)
    else:
        frames = images.take([] if why == "no frames" else np.arange(len(images)))
        write_people(project.candidates, people.take([]), frames)
    select(project, replace(PARAMS, strategy=strategy))
    assert "nobody in an image without labels; add video" in capsys.readouterr().err
    selection = read_selection(OUT)
    assert not selection.picks and not len(selection.scored) and selection.scored_sha256 == []
    assert len(selection.labelled) == (26 if why == "all labelled" else 6)
    metrics = json.loads((REPORT / "metrics.json").read_text())
    assert metrics == {
        "candidates": 0, "candidate_images": 0, "labelled": len(selection.labelled), "picked": 0, "videos_picked": 0
    }  # fmt: skip
    assert cv2.imread(str(OUT / "picks.jpg")) is not None
    shown = CliRunner().invoke(app, ["label-export", "--selection", str(OUT), "--out", "to_label.json"])
    assert shown.exit_code == 0, shown.output
    assert len(read_people(Path("to_label.json"))[1]) == 0


@pytest.mark.parametrize(
    "fault",
    [EnvironmentFault("FiftyOne's database does not start", fix="run `make setup`"), RuntimeError("dataset\n is gone")],
    ids=["database", "library"],
)
def test_a_view_that_fails_costs_no_selection(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fault: Exception
) -> None:
    def broken() -> None:
        raise fault

    monkeypatch.setattr(fiftyone_view, "open_fiftyone", broken)
    select(project, replace(PARAMS, fiftyone=True))
    line = capsys.readouterr().err.splitlines()[-1]
    assert " ".join(str(fault).split()) in line and "dataengine app" in line
    assert len(read_selection(OUT).picks) == 4


def test_a_temporary_copy_of_dvc_gets_no_view(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would take the place of the workspace's, and its pictures are removed with the copy."""
    copy = project.root / ".dvc/tmp/exps/tmpabc"
    copy.mkdir(parents=True)
    for name in ("student", "pool", "real"):
        (project.root / name).rename(copy / name)
    monkeypatch.chdir(copy)
    monkeypatch.setattr(fiftyone_view, "open_fiftyone", lambda: pytest.fail("opened"))
    select(project, replace(PARAMS, fiftyone=True))
    assert "temporary copy" in capsys.readouterr().err
    assert len(read_selection(OUT).picks) == 4


def test_open_requests_get_their_share_and_none_change_nothing(project: Project) -> None:
    run(PARAMS, **inputs(project), out=Path("a/select"), report=REPORT)
    empty = RequestsParams(folder="data/requests")
    run(PARAMS, **inputs(project), out=Path("b/select"), report=REPORT, requests=empty)
    assert [sha256_file(Path("a/select") / f) for f in FILES] == [sha256_file(Path("b/select") / f) for f in FILES]
    scored = read_selection(Path("a/select"))
    sizes = [part.name for part in slices_by_size(scored.scored, scored.scored_images)]
    asked = replace(ASKED, part=sizes[0], labels=3)
    (path,) = add_requests(Path("data/requests"), [replace(request(), asked=asked)])
    pinned = replace(empty, open=[str(path)], label_share=0.5)
    run(PARAMS, **inputs(project), out=OUT, report=REPORT, requests=pinned)
    entries = sorted(read_manifest(OUT / "to_label.json")["images"].values(), key=lambda entry: entry["rank"])
    assert [entry.get("request") is not None for entry in entries] == [True, True, False, False]
    assert entries[0]["why"].startswith(f"asked for by request {path.stem.removeprefix('request-')} ({sizes[0]}, gate")
