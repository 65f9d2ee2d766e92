"""Slices by pose cluster in what `compare` writes: verdict.json and the report."""

import json
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from dataengine.coco_json import read_people
from dataengine.errors import InputError
from dataengine.inference.exported import load_exported
from dataengine.poses.clusters import PoseClusters, write_pose_clusters
from dataengine.poses.embedding import embed_poses
from dataengine.train.gate.comparison import Comparison

from .gate_round import PARAMS, Gate

BY_POSE = replace(PARAMS.guarded, slices=["rare=yes", "cluster=*"], margin=0.05, min_people=12)


@pytest.fixture
def clusters(gate: Gate, tmp_path: Path) -> tuple[Path, PoseClusters, list[int]]:
    """A file of four clusters: one common, two rare, one that nobody of the test set is in; and who is in each."""
    people, _ = read_people(gate.test, root=Path.cwd())
    vectors, usable = embed_poses(people.keypoints_px, people.visibility)
    assert usable.all()
    centres = np.concatenate([vectors[[0, 1, 2]], np.full((1, vectors.shape[1]), 50.0)]).round(6)
    made = PoseClusters(centres=centres, counts=np.array([80, 3, 2, 9]), repeat_factor=np.array([1.0, 1.4, 2.0, 1.0]))
    path = tmp_path / "clusters.json"
    write_pose_clusters(path, made)
    counts = np.bincount(cdist(vectors, centres).argmin(axis=1), minlength=4).tolist()
    assert counts[3] == 0 and min(counts[:3]) > 0
    return path, made, counts


def test_both_files_show_the_slices_by_pose(
    gate: Gate, exported: dict[str, Path], clusters: tuple[Path, PoseClusters, list[int]]
) -> None:
    path, made, counts = clusters
    verdict = gate.compare(exported["good"], clusters=path)
    expected = {f"cluster={k}": n for k, n in enumerate(counts[:3])}
    expected |= {"rare=no": counts[0], "rare=yes": counts[1] + counts[2]}
    rows = {row["name"]: row["people"] for row in verdict["slices"]}
    assert {name: rows.get(name) for name in expected} == expected
    assert "cluster=3" not in rows
    assert verdict["poses"] == {
        "clusters_id": made.id,
        "clusters": 4,
        "rare_clusters": 2,
        "seen_clusters": 3,
        "people": 40,
        "rare_people": expected["rare=yes"],
        "without_pose": 0,
    }
    page = unescape((gate.root / "compare" / "report.html").read_text())
    assert all(f"<span>{name}" in page for name in expected)
    assert made.id in page
    assert f"{expected['rare=yes']} of 40 test people with a pose are in rare ones" in page
    assert "shows 3 of the 4 clusters and says nothing about the others" in page


def test_rare_poses_are_guarded_and_small_clusters_named(
    gate: Gate, exported: dict[str, Path], clusters: tuple[Path, PoseClusters, list[int]]
) -> None:
    path, _, counts = clusters
    gate.compare(exported["good"])
    gate.promote(exported["good"])
    params = replace(PARAMS, champion=load_exported(exported["good"]).id, guarded=BY_POSE)
    verdict = gate.compare(exported["bad"], params, path)
    guards = {check["name"]: check for check in verdict["checks"] if check["kind"] == "guard"}
    large = {f"cluster={k}" for k, n in enumerate(counts) if n >= 12}
    assert set(guards) == {"rare=yes"} | large
    assert guards["rare=yes"]["passed"] is False
    assert "worse than the champion where rare=yes" in verdict["reason"]
    small = ", ".join(f"cluster={k} ({n})" for k, n in enumerate(counts) if 0 < n < 12)
    warning = f"Not guarded, since they hold fewer than 12 people: {small}."
    assert small and warning in verdict["warnings"]
    page = (gate.root / "compare" / "report.html").read_text()
    assert warning in page
    assert {row["name"] for row in verdict["slices"] if row["guarded"]} == set(guards)


def test_a_guard_on_rare_poses_without_clusters_is_no_pass(gate: Gate, exported: dict[str, Path]) -> None:
    gate.compare(exported["bad"], replace(PARAMS, floor_ap=0.0))
    gate.promote(exported["bad"])
    only_rare = replace(BY_POSE, slices=["rare=yes"])
    params = replace(PARAMS, champion=load_exported(exported["bad"]).id, guarded=only_rare)
    verdict = gate.compare(exported["good"], params)
    assert verdict["verdict"] == "not-enough-evidence"
    assert "rare=yes cannot be measured" in verdict["reason"]
    assert verdict["poses"] is None


def test_a_verdict_from_before_there_were_pose_slices_is_read(gate: Gate, exported: dict[str, Path]) -> None:
    record = gate.compare(exported["good"])
    del record["poses"]
    assert Comparison.from_json(record).poses is None


def test_clusters_that_were_changed_are_refused(
    gate: Gate, exported: dict[str, Path], clusters: tuple[Path, PoseClusters, list[int]]
) -> None:
    path, _, _ = clusters
    document = json.loads(path.read_text())
    document["clusters"][0]["centre"][0] += 0.5
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match="changed after it was written"):
        gate.compare(exported["good"], clusters=path)


def test_a_column_that_takes_a_clusters_name_is_refused(
    gate: Gate, exported: dict[str, Path], clusters: tuple[Path, PoseClusters, list[int]]
) -> None:
    path, _, _ = clusters
    labels = json.loads(gate.test.read_text())
    for annotation in labels["annotations"]:
        annotation["cluster"] = 0
    test = gate.test.with_name("with_column.json")
    test.write_text(json.dumps(labels))
    with pytest.raises(InputError, match="two slices have one name"):
        Gate(gate.root, test).compare(exported["good"], replace(PARAMS, columns=["cluster"]), path)
