"""Slices by pose cluster in what `compare` writes: verdict.json and the report."""

import json
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from dataengine.coco_json import read_people
from dataengine.errors import InputError
from dataengine.inference.exported import load_exported
from dataengine.poses.clusters import PoseClusters, write_pose_clusters
from dataengine.poses.embedding import embed_poses, pose_bones
from dataengine.poses.known_poses import NOVEL, RANKS, KnownPoses, write_known_poses
from dataengine.train.gate.comparison import Comparison

from .gate_round import PARAMS, Gate

BY_POSE = replace(PARAMS.guarded, slices=["rare=yes", "cluster=*"], margin=0.05, min_people=12)


@dataclass(frozen=True)
class Balanced:
    """A folder as balance writes it, about four clusters: one common, two rare, one that no test person is in."""

    folder: Path
    id: str
    counts: list[int]  # test people in each cluster
    rare: int  # test people in the rare ones, or novel
    novel: int


@pytest.fixture
def balanced(gate: Gate, tmp_path: Path) -> Balanced:
    """Training knows the poses of every second test person; five are farther from them than the radius."""
    people, _ = read_people(gate.test, root=Path.cwd())
    vectors, usable = embed_poses(people.keypoints_px, people.visibility)
    assert usable.all()
    centres = np.concatenate([vectors[[0, 1, 2]], np.full((1, vectors.shape[1]), 50.0)]).round(6)
    clusters = PoseClusters(
        centres=centres, counts=np.array([80, 3, 2, 9]), repeat_factor=np.array([1.0, 1.4, 2.0, 1.0])
    )
    nearest = cdist(vectors, vectors[::2]).min(axis=1)
    radius = np.sort(nearest)[-6:-4].mean()
    bones, _ = pose_bones(people.keypoints_px[::2], people.visibility[::2])
    folder = tmp_path / "balance"
    write_pose_clusters(folder / "clusters.json", clusters)
    write_known_poses(folder / "poses.json", KnownPoses(bones=bones, spacing=RANKS * radius / NOVEL))
    cluster = cdist(vectors, centres).argmin(axis=1)
    counts = np.bincount(cluster, minlength=4).tolist()
    assert counts[3] == 0 and min(counts[:3]) > 0
    rare = np.isin(cluster, [1, 2]) | (nearest > radius)
    return Balanced(folder, clusters.id, counts, rare=int(rare.sum()), novel=5)


def test_both_files_show_the_slices_by_pose(gate: Gate, exported: dict[str, Path], balanced: Balanced) -> None:
    verdict = gate.compare(exported["good"], balance=balanced.folder)
    expected = {f"cluster={k}": n for k, n in enumerate(balanced.counts[:3])}
    expected |= {"rare=no": 40 - balanced.rare, "rare=yes": balanced.rare, "novel=no": 35, "novel=yes": 5}
    rows = {row["name"]: row["people"] for row in verdict["slices"]}
    assert {name: rows.get(name) for name in expected} == expected
    assert "cluster=3" not in rows
    radius = verdict["poses"].pop("novel_beyond")
    assert radius > 0
    assert verdict["poses"] == {
        "clusters_id": balanced.id,
        "clusters": 4,
        "rare_clusters": 2,
        "seen_clusters": 3,
        "people": 40,
        "rare_people": balanced.rare,
        "novel_people": 5,
        "without_pose": 0,
    }
    page = unescape((gate.root / "compare" / "report.html").read_text())
    assert all(f"<span>{name}" in page for name in expected)
    assert balanced.id in page and f"farther than {radius:.2f} from every training pose" in page
    assert f"Of 40 test people with a pose {balanced.rare} are rare, 5 of those novel" in page
    assert "shows 3 of the 4 clusters and says nothing about the others" in page


def test_rare_poses_are_guarded_and_small_clusters_named(
    gate: Gate, exported: dict[str, Path], balanced: Balanced
) -> None:
    counts = balanced.counts
    gate.compare(exported["good"])
    gate.promote(exported["good"])
    params = replace(PARAMS, champion=load_exported(exported["good"]).id, guarded=BY_POSE)
    verdict = gate.compare(exported["bad"], params, balanced.folder)
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


def test_clusters_that_were_changed_are_refused(gate: Gate, exported: dict[str, Path], balanced: Balanced) -> None:
    path = balanced.folder / "clusters.json"
    document = json.loads(path.read_text())
    document["clusters"][0]["centre"][0] += 0.5
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match="changed after it was written"):
        gate.compare(exported["good"], balance=balanced.folder)


def test_a_column_that_takes_a_clusters_name_is_refused(
    gate: Gate, exported: dict[str, Path], balanced: Balanced
) -> None:
    labels = json.loads(gate.test.read_text())
    for annotation in labels["annotations"]:
        annotation["cluster"] = 0
    test = gate.test.with_name("with_column.json")
    test.write_text(json.dumps(labels))
    with pytest.raises(InputError, match="two slices have one name"):
        Gate(gate.root, test).compare(exported["good"], replace(PARAMS, columns=["cluster"]), balanced.folder)
