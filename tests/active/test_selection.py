"""The stage on a small project, without FiftyOne: what it writes, that it repeats itself, how it fails."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from dataengine.active.choice.strategies import STRATEGIES
from dataengine.active.curation import fiftyone_view
from dataengine.active.manifest.files import read_manifest, read_selection
from dataengine.active.query import expected_loss
from dataengine.active.query.select_params import ScoreWeights, SelectParams
from dataengine.active.selection import run
from dataengine.cli import app
from dataengine.coco_json import read_people, write_people
from dataengine.errors import EnvironmentFault, InputError, ParamsError
from dataengine.evaluation.analysis.slice_builders import slices_by_size
from dataengine.evaluation.ap.oks_formula import joint_similarities
from dataengine.files import sha256_file
from dataengine.person_scale import person_area
from dataengine.poses.clusters import PoseClusters, write_pose_clusters
from dataengine.poses.embedding import pose_bones, vectors_of_bones
from dataengine.poses.known_poses import RANKS, KnownPoses, write_known_poses
from dataengine.requests.folder import add_requests
from dataengine.requests.pinned import RequestsParams

from ..helpers.held_out import encoded_again, held_out_file
from ..requests.test_requests import ASKED, request
from .conftest import Project

PARAMS = SelectParams(
    budget=4,
    strategy="uncertainty+diversity",
    min_gap_frames=10,
    appearance_weight=0.3,
    seed=0,
    fiftyone=False,
    dataset="unused",
)
OUT, REPORT = Path("out/select"), Path("reports/select")
FILES = ("to_label.json", "scored.json", "labelled.json", "picks.jpg")


def select(project: Project, params: SelectParams = PARAMS, out: Path = OUT) -> None:
    run(params, **inputs(project), out=out, report=REPORT)


def inputs(project: Project) -> dict[str, Any]:
    return {name: getattr(project, name) for name in ("student", "candidates", "labelled", "val")}


def ranks() -> dict[str, int]:
    return {key: entry["rank"] for key, entry in read_manifest(OUT / "to_label.json")["images"].items()}


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


def test_weights_reach_the_score(project: Project) -> None:
    select(project, replace(PARAMS, weights=ScoreWeights(spread=0, entropy=0, flip=1, teacher=0)))
    scored = read_selection(OUT).scored
    order = np.argsort(scored.extras["flip"])
    assert np.diff(scored.extras["uncertainty"][order]).min() >= 0
    assert all("mirrored" in entry["why"] for entry in read_manifest(OUT / "to_label.json")["images"].values())


def test_uncertainty_is_the_loss_of_oks_that_validation_shows(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    select(project)
    assert "mean of ranks" in capsys.readouterr().err
    assert read_manifest(OUT / "to_label.json")["uncertainty_unit"] == "mean of ranks"
    monkeypatch.setattr(expected_loss, "LEAST_JOINTS", 20)
    select(project, replace(PARAMS, weights=ScoreWeights(teacher=0)))
    assert read_manifest(OUT / "to_label.json")["uncertainty_unit"] == "expected loss of OKS"
    selection = read_selection(OUT)
    by_joint = np.array(selection.scored.extras["joint_uncertainty"].tolist())
    taught = np.arange(17) != 3
    assert not by_joint[:, ~taught].any(), "nobody was taught the left ear"
    uncertainty = selection.scored.extras["uncertainty"].astype(float)
    assert uncertainty == pytest.approx(by_joint[:, taught].mean(axis=1), abs=1e-3)
    val = selection.labelled.extras["split"] == "val"
    student = np.array(selection.labelled.extras["student_px"].tolist())[val]
    truth = selection.labelled.take(np.flatnonzero(val))
    lost = 1 - joint_similarities(student, truth.keypoints_px, person_area(truth))
    assert uncertainty.min() >= lost[:, taught].min() - 1e-3 and uncertainty.max() <= lost[:, taught].max() + 1e-3
    for entry in read_manifest(OUT / "to_label.json")["images"].values():
        assert f"{entry['uncertainty']:.2f} of OKS likely lost, most at" in entry["why"]


def test_scores_that_nobody_asks_for_are_not_computed(project: Project) -> None:
    select(project)
    assert not {"peaks", "jitter", "second", "jump", "implausible"} & set(read_selection(OUT).scored.extras)
    more = ScoreWeights(peaks=1, jitter=1, second=1, jump=1, implausible=1)
    with pytest.raises(ParamsError, match="give --second"):
        select(project, replace(PARAMS, weights=more))
    run(replace(PARAMS, weights=more), **inputs(project), out=OUT, report=REPORT, second=project.student)
    scored = read_selection(OUT).scored
    assert (scored.extras["jitter"].astype(float) > 0).all() and (scored.extras["peaks"].astype(float) > 0).any()
    assert not scored.extras["second"].astype(float).any(), "the student agrees with itself"
    assert (scored.extras["implausible"].astype(float) >= 0).all()
    assert "jump" not in scored.extras, "nobody is tracked"


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


def test_rarity_asks_for_poses_that_training_lacks(project: Project) -> None:
    """Training shows the pose of one candidate; the farther another is, the rarer, and beyond 0.2 it is novel."""
    select(project)
    scored = read_selection(OUT).scored
    assert "rarity" not in scored.extras and "novel" not in scored.extras, "not known without balance"
    (near, *_), usable = pose_bones(scored.keypoints_px, scored.visibility)
    assert usable.all()
    known = KnownPoses(bones=near[None], spacing=RANKS * 0.2)
    centres = vectors_of_bones(near[None]).round(6)
    clusters = PoseClusters(centres=centres, counts=np.array([9]), repeat_factor=np.ones(1))
    write_pose_clusters(Path("balance/clusters.json"), clusters)
    write_known_poses(Path("balance/poses.json"), known)
    by_rarity = ScoreWeights(spread=0, entropy=0, flip=0, teacher=0, rarity=1)
    params = replace(PARAMS, weights=by_rarity, strategy="uncertainty", min_gap_frames=0, budget=1)
    paths = {**inputs(project), "out": OUT, "report": REPORT}
    run(params, **paths, balance=Path("balance"))
    scored = read_selection(OUT).scored
    distance = known.distance(scored.keypoints_px, scored.visibility)
    expected = pytest.approx(known.rarity(distance), abs=0.02)
    assert scored.extras["rarity"].astype(float) == expected, "bones are kept rounded"
    assert scored.extras["novel"].tolist() == known.is_novel(distance).tolist()
    (pick,) = read_manifest(OUT / "to_label.json")["images"].values()
    assert max(person["rarity"] for person in pick["people"]) == scored.extras["rarity"].max()
    assert any(person["novel"] for person in pick["people"]) and "beyond all that the training set shows" in pick["why"]
    without = replace(params, weights=ScoreWeights())
    run(without, **paths)
    before = read_selection(OUT).scored.extras["uncertainty"].tolist()
    run(without, **paths, balance=Path("balance"))
    assert read_selection(OUT).scored.extras["uncertainty"].tolist() == before, "no weight, no say"
    with pytest.raises(ParamsError, match="give --balance"):
        run(params, **paths)


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


@pytest.mark.parametrize("damage", ["candidates", "image", "weights", "nobody labelled"])
def test_damaged_inputs_are_input_errors(project: Project, damage: str) -> None:
    if damage == "candidates":
        project.candidates.write_text("{")
    elif damage == "image":
        next(Path("pool/c_images").iterdir()).unlink()
    elif damage == "weights":
        (project.student / "model.safetensors").write_bytes(b"no weights")
    else:
        for path in (project.labelled, project.val):
            people, images = read_people(path, root=project.root)
            write_people(path, people.take([]), images)
    with pytest.raises(InputError):
        select(project)
    assert not OUT.exists()


def test_a_changed_manifest_is_found_out(project: Project) -> None:
    select(project)
    text = (OUT / "to_label.json").read_text()
    (OUT / "to_label.json").write_text(text.replace('"rank": 0', '"rank": 7'))
    with pytest.raises(InputError, match="changed after it was written"):
        read_selection(OUT)
    (OUT / "to_label.json").write_text("[]")
    with pytest.raises(InputError, match="not a manifest"):
        read_selection(OUT)


@pytest.mark.parametrize(
    "wrong",
    [
        {"strategy": "guess"},
        {"budget": 0},
        {"budget": 0.5},
        {"budget": 0, "budget_unit": "minutes"},
        {"budget_unit": "hours"},
        {"seconds_per_joint": 0},
        {"film_excess": 0.5},
        {"appearance_weight": 1.5},
    ],
    ids=str,
)
def test_parameters_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParamsError):
        replace(PARAMS, **wrong)  # type: ignore[arg-type]


def test_weights_out_of_range_are_refused() -> None:
    with pytest.raises(ParamsError):
        ScoreWeights(spread=0, entropy=0, flip=0, teacher=0)
    with pytest.raises(ParamsError):
        ScoreWeights(spread=-1)


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


def test_help_teaches() -> None:
    shown = CliRunner().invoke(app, ["select", "--help"])
    assert shown.exit_code == 0
    assert "dataengine select --student" in " ".join(shown.output.split())


def test_joints_that_the_student_was_not_taught_do_not_count(project: Project) -> None:
    """Nobody had the left ear labelled in training: what the student says of it is neither scored nor shown."""
    select(project)
    scored = read_selection(OUT).scored
    assert (scored.visibility[:, 3] == 0).all() and (np.delete(scored.visibility, 3, axis=1) == 2).all()
    confidence = np.array(scored.extras["student_confidence"].tolist())
    assert scored.score == pytest.approx(np.delete(confidence, 3, axis=1).mean(axis=1), abs=1e-4)


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
