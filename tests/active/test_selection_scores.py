"""What the scores of `select` are made of."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataengine.active.manifest.files import read_manifest, read_selection
from dataengine.active.query import expected_loss
from dataengine.active.query.select_params import ScoreWeights
from dataengine.active.selection import run
from dataengine.errors import ParamsError
from dataengine.evaluation.ap.oks_formula import joint_similarities
from dataengine.person_scale import person_area
from dataengine.poses.clusters import PoseClusters, write_pose_clusters
from dataengine.poses.embedding import pose_bones, vectors_of_bones
from dataengine.poses.known_poses import RANKS, KnownPoses, write_known_poses

from .conftest import Project
from .selecting import OUT, PARAMS, REPORT, inputs, select


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
    assert not {"peaks", "dropout", "jitter", "second", "jump", "implausible"} & set(read_selection(OUT).scored.extras)
    more = ScoreWeights(peaks=1, dropout=1, jitter=1, second=1, jump=1, implausible=1)
    with pytest.raises(ParamsError, match="give --second"):
        select(project, replace(PARAMS, weights=more))
    run(replace(PARAMS, weights=more), **inputs(project), out=OUT, report=REPORT, second=project.student)
    scored = read_selection(OUT).scored
    assert (scored.extras["jitter"].astype(float) > 0).all() and (scored.extras["peaks"].astype(float) > 0).any()
    assert (scored.extras["dropout"].astype(float) > 0).all()
    assert not scored.extras["second"].astype(float).any(), "the student agrees with itself"
    assert (scored.extras["implausible"].astype(float) >= 0).all()
    assert "jump" not in scored.extras, "nobody is tracked"


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


def test_joints_that_the_student_was_not_taught_do_not_count(project: Project) -> None:
    """Nobody had the left ear labelled in training: what the student says of it is neither scored nor shown."""
    select(project)
    scored = read_selection(OUT).scored
    assert (scored.visibility[:, 3] == 0).all() and (np.delete(scored.visibility, 3, axis=1) == 2).all()
    confidence = np.array(scored.extras["student_confidence"].tolist())
    assert scored.score == pytest.approx(np.delete(confidence, 3, axis=1).mean(axis=1), abs=1e-4)
