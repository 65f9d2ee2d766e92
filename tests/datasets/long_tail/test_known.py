"""How far training people are from each other: by brute force, without the same moment, with few people and many."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import spearmanr

from dataengine.coco_json import read_people
from dataengine.datasets.balance import BalanceParams, balance_people
from dataengine.datasets.long_tail import known
from dataengine.datasets.long_tail.known import known_poses, spread_over_clusters
from dataengine.people import Images, People
from dataengine.poses.clusters import UNCLUSTERED
from dataengine.poses.embedding import embed_poses
from dataengine.poses.known_poses import KnownPoses

from ...helpers.pose_samples import STANDING, crowd

PARAMS = BalanceParams(clusters=3, threshold=0.5, max_repeat=2.0, seed=0)


def pictures(people: People, video: str = "", frame: np.ndarray | int = -1) -> Images:
    path = [f"{image}.png" for image in people.image_id]
    return Images.build(id=people.image_id, path=path, width=99, height=99, video=video, frame=frame)


def measured(people: People, images: Images | None = None, gap_frames: int = 30) -> tuple[KnownPoses, np.ndarray]:
    vectors, usable = embed_poses(people.keypoints_px, people.visibility)
    return known_poses(people, images or pictures(people), vectors, np.where(usable, 0, UNCLUSTERED), gap_frames)


def walk(frames: int) -> People:
    """A man who slowly raises an arm, filmed: neighbouring frames are nearly the same."""
    figures = np.repeat(STANDING[None], frames, axis=0)
    turn = np.linspace(0, 2.5, frames)
    figures[:, 9] = figures[:, 7] + 0.2 * np.stack([np.sin(turn), np.cos(turn)], axis=1)
    return People.build(
        image_id=np.arange(frames),
        bbox_xywh_px=np.tile([0.0, 0, 100, 100], (frames, 1)),
        keypoints_px=figures * 100,
        visibility=np.full((frames, 17), 2),
    )


def test_distances_by_brute_force() -> None:
    people = crowd((20, 6, 2))
    found, distance = measured(people)
    expected = cdist(*[embed_poses(people.keypoints_px, people.visibility)[0]] * 2)
    np.fill_diagonal(expected, np.inf)
    assert distance == pytest.approx(expected.min(axis=1), abs=5e-3)
    assert found.spacing[[0, -1]] == pytest.approx([distance.min(), distance.max()], abs=1e-6)
    assert found.rarity(distance).mean() == pytest.approx(0.5, abs=0.05), "ranks among themselves"


def test_the_same_moment_of_a_video_does_not_count() -> None:
    people = walk(100)
    film = pictures(people, "film", np.arange(100))
    vectors, _ = embed_poses(people.keypoints_px, people.visibility)
    expected = cdist(vectors, vectors)
    expected[np.abs(np.arange(100)[:, None] - np.arange(100)) <= 10] = np.inf
    found, distance = measured(people, film, gap_frames=10)
    assert distance == pytest.approx(expected.min(axis=1), abs=5e-3)
    assert found.radius > 5 * measured(people)[0].radius, "as pictures, each has a neighbour that is nearly the same"


def test_a_film_shorter_than_the_gap_still_has_a_measure() -> None:
    people = walk(10)
    film = pictures(people, "film", np.arange(10))
    assert measured(people, film)[1] == pytest.approx(measured(people)[1])


def test_two_films_do_not_hide_each_other() -> None:
    people = walk(20)
    images = pictures(people, "first", np.arange(20))
    images = images.replace(video=np.repeat(["first", "second"], 10), frame=np.tile(np.arange(10), 2))
    vectors, _ = embed_poses(people.keypoints_px, people.visibility)
    expected = cdist(vectors, vectors)
    expected[:10, :10] = expected[10:, 10:] = np.inf
    assert measured(people, images)[1] == pytest.approx(expected.min(axis=1), abs=5e-3)


def test_people_without_a_pose_and_a_man_alone() -> None:
    people = crowd((4,))
    visibility = people.visibility.copy()
    visibility[1:] = 0
    found, distance = measured(people.replace(visibility=visibility))
    assert np.isnan(distance).all(), "without a pose, and without others"
    assert len(found.bones) == 1 and found.radius == 0


def test_small_clusters_are_kept_whole() -> None:
    cluster = np.random.default_rng(0).permutation(np.repeat([UNCLUSTERED, 0, 1, 2], [5, 100, 50, 3]))
    rows = spread_over_clusters(cluster, 23)
    assert np.bincount(cluster[rows], minlength=3).tolist() == [10, 10, 3]
    assert np.array_equal(rows, np.sort(rows)) and len(set(rows.tolist())) == 23
    assert len(spread_over_clusters(cluster, 1000)) == 153
    assert np.array_equal(rows, spread_over_clusters(cluster, 23)), "no chance in it"


def test_few_that_stand_for_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "MOST_KNOWN", 40)
    people = crowd((300, 12, 3))
    found = balance_people(people, pictures(people), PARAMS)
    assert len(found.poses.known.bones) == 40 and np.isfinite(found.distance).all()
    stand = found.poses.look_up(people.keypoints_px, people.visibility)
    assert stand.novel.mean() < 0.02, "what training shows is not novel, though most of it is not kept"


@pytest.mark.realdata
def test_held_out_people_of_the_same_set_are_as_rare_as_training_people(shared_data: Path) -> None:
    """The calibration: 1,000 people of LSPET measured on others of it have mean rarity 0.5, and 1 % are novel."""
    people, images = read_people(shared_data / "lspet" / "annotations.json")
    order = np.random.default_rng(0).permutation(len(people))
    train, held_out = people.take(order[:2000]), people.take(order[2000:3000])
    found = balance_people(train, images, BalanceParams(clusters=1, threshold=0.5, max_repeat=1.0, seed=0))
    stand = found.poses.look_up(held_out.keypoints_px, held_out.visibility)
    has = np.isfinite(stand.distance)
    assert stand.rarity[has].mean() == pytest.approx(0.5, abs=0.03)
    assert stand.novel.mean() == pytest.approx(0.01, abs=0.007)
    vectors = [embed_poses(each.keypoints_px, each.visibility)[0] for each in (held_out, train)]
    nearest = cdist(*vectors).min(axis=1)
    assert spearmanr(stand.rarity[has], nearest[has]).statistic > 0.999
