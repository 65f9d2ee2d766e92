"""Rarity by distance: against scipy, by its definition, in the order of distance, and what survives the disk."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import spearmanr

from dataengine.errors import InputError
from dataengine.people import People
from dataengine.poses.embedding import BONES, embed_poses, pose_bones, vectors_of_bones
from dataengine.poses.known_poses import (
    NOVEL,
    RANKS,
    KnownPoses,
    nearest_distance,
    read_frozen_poses,
    read_known_poses,
    rounded_bones,
    write_known_poses,
)

from ..helpers.pose_samples import crowd


def known_of(people: People, spacing: np.ndarray | None = None) -> KnownPoses:
    bones, usable = pose_bones(people.keypoints_px, people.visibility)
    assert usable.all()
    return KnownPoses(bones=rounded_bones(bones), spacing=RANKS * 0.4 if spacing is None else spacing)


def test_distance_is_that_to_the_nearest_pose() -> None:
    train, others = crowd((30, 5)), crowd((4, 4, 4), seed=1)
    known = known_of(train)
    vectors, _ = embed_poses(others.keypoints_px, others.visibility)
    expected = cdist(vectors, embed_poses(train.keypoints_px, train.visibility)[0]).min(axis=1)
    assert known.distance(others.keypoints_px, others.visibility) == pytest.approx(expected, abs=5e-3), "kept rounded"
    hidden = known.distance(others.keypoints_px, np.zeros_like(others.visibility))
    assert np.isnan(hidden).all() and not known.rarity(hidden).any() and not known.is_novel(hidden).any()


def test_rarity_rises_with_distance_everywhere() -> None:
    """Bound to the distance one to one: Spearman's correlation is 1, within the radius and far beyond it."""
    spacing = np.sort(np.random.default_rng(0).gamma(2.0, 0.1, len(RANKS)))
    known = known_of(crowd((3,)), spacing)
    distance = np.append(np.random.default_rng(1).uniform(0, 5.0, 500), np.linspace(0, spacing[3], 50))
    assert spearmanr(distance, known.rarity(distance)).statistic == pytest.approx(1, abs=1e-12)
    near = np.linspace(known.radius - 1e-6, known.radius + 1e-6, 5)
    assert known.rarity(near) == pytest.approx(NOVEL, abs=1e-4), "no step at the radius"
    assert known.rarity(np.array([0.0, 1e9])) == pytest.approx([0, 1], abs=1e-6)
    assert np.array_equal(known.is_novel(distance), known.rarity(distance) > NOVEL)


def test_rarity_within_the_radius_is_a_share_of_training_people() -> None:
    spacing = np.quantile(np.random.default_rng(2).gamma(2.0, 0.1, 10_000), RANKS)
    known = known_of(crowd((3,)), spacing)
    assert known.rarity(spacing[1:99]) == pytest.approx(RANKS[1:99])
    assert known.radius == pytest.approx(spacing[99])


def test_a_single_known_pose_makes_all_others_novel() -> None:
    known = known_of(crowd((1,)), np.zeros(len(RANKS)))
    assert known.rarity(np.array([0.0, 0.01])).tolist() == [NOVEL, 1.0]
    assert known.is_novel(np.array([0.0, 0.01])).tolist() == [False, True]


def test_nearest_distance_in_parts_and_with_exclusions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dataengine.poses.known_poses._CELLS", 40)
    rng = np.random.default_rng(0)
    vectors, known = rng.normal(size=(33, 5)), rng.normal(size=(9, 5))
    expected = cdist(vectors, known)
    assert nearest_distance(vectors, known) == pytest.approx(expected.min(axis=1))
    left_out = rng.random((33, 9)) < 0.5
    left_out[7] = True
    expected[left_out] = np.inf

    def strike_out(rows: np.ndarray, table: np.ndarray) -> None:
        table[left_out[rows]] = np.inf

    found = nearest_distance(vectors, known, strike_out)
    assert found == pytest.approx(expected.min(axis=1)) and np.isinf(found[7])
    assert nearest_distance(np.empty((0, 5)), known).shape == (0,)


def test_vectors_are_those_of_the_bones() -> None:
    people = crowd((5, 5, 5))
    bones, usable = pose_bones(people.keypoints_px, people.visibility)
    assert bones.shape == (15, len(BONES), 2) and usable.all()
    assert vectors_of_bones(bones) == pytest.approx(embed_poses(people.keypoints_px, people.visibility)[0])


def test_poses_survive_the_disk(tmp_path: Path) -> None:
    made = known_of(crowd((20, 5)))
    write_known_poses(tmp_path / "poses.json", made)
    back = read_known_poses(tmp_path / "poses.json")
    assert back.id == made.id and np.array_equal(back.bones, made.bones)
    assert back.spacing == pytest.approx(made.spacing, abs=1e-6)
    assert made.id != known_of(crowd((20, 5), seed=1)).id and made.id != replace(made, spacing=made.spacing + 0.1).id
    (tmp_path / "poses.json").rename(tmp_path / f"poses-{made.id}.json")
    assert read_frozen_poses(tmp_path / f"poses-{made.id}.json").id == made.id


def test_files_that_were_changed_or_renamed_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "poses.json"
    write_known_poses(path, known_of(crowd((3,))))
    with pytest.raises(InputError, match="not named by its poses"):
        read_frozen_poses(path)
    document = json.loads(path.read_text())
    document["bones"][0][0] += 1
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match="changed after it was written"):
        read_known_poses(path)


@pytest.mark.parametrize(
    "change",
    [
        {"bones": np.zeros((3, 4, 2))},
        {"bones": np.zeros((0, len(BONES), 2))},
        {"bones": np.full((3, len(BONES), 2), np.nan)},
        {"spacing": np.zeros(5)},
        {"spacing": RANKS[::-1]},
        {"spacing": RANKS - 0.1},
        {"spacing": np.where(RANKS == 1, np.inf, RANKS)},
    ],
    ids=str,
)
def test_malformed_poses(change: dict[str, np.ndarray]) -> None:
    with pytest.raises(InputError, match="malformed"):
        replace(known_of(crowd((3,))), **change)
