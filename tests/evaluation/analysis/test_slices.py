import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from dataengine.errors import InputError
from dataengine.evaluation.analysis.slice_builders import (
    slices_by_crowding,
    slices_by_image,
    slices_by_occlusion,
    slices_by_pose,
    slices_by_size,
    slices_by_tags,
    slices_by_truncation,
    standard_slices,
)
from dataengine.evaluation.analysis.slices import Slice, slice_matches, slice_of_people
from dataengine.evaluation.ap.matching import average_precision, paired
from dataengine.evaluation.ap.poses import detections_of, truths_of
from dataengine.evaluation.ap.protocol import COCO
from dataengine.people import Images, People
from dataengine.poses.clusters import PoseClusters
from dataengine.poses.embedding import embed_poses, pose_bones
from dataengine.poses.known_poses import RANKS, KnownPoses
from dataengine.poses.training_poses import TrainingPoses

from .. import reference, samples


def labelled_set(seed: int, count: int = 20) -> tuple[People, Images, People]:
    rng = np.random.default_rng(seed)
    images = samples.images(count)
    gt = samples.truth(images, 3, rng)
    return gt, images, samples.detections_of(gt, 0.04, rng)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.1, 0.5, 0.9]))
def test_a_slice_is_pycocotools_with_the_others_ignored(seed: int, share: float) -> None:
    gt, images, found = labelled_set(seed, 8)
    inside = np.random.default_rng(seed).uniform(size=len(gt)) < share
    part = slice_of_people("s", inside, images.rows_of(gt.image_id), len(images))
    truths, image_id = truths_of(gt, images)
    computed = reference.evaluator(
        reference.truth_records(truths, image_id),
        reference.result_records(detections_of(found, images, image_id), image_id),
        image_id,
        COCO,
        outside=frozenset((np.flatnonzero(~inside) + 1).tolist()),
        excused_images=frozenset(images.id[~part.images].tolist()),
    )
    expected = reference.figures(computed).get("AP", 0.0)
    got = average_precision(slice_matches(paired(gt, images, found), images, part))
    assert got == pytest.approx(expected, abs=1e-9)


def test_a_slice_of_images_is_those_images_alone() -> None:
    gt, images, found = labelled_set(1)
    even = np.arange(len(images)) % 2 == 0
    part = slices_by_image("half", np.where(even, "a", "b"), gt, images)[0]
    alone = images.take(even)
    expected = average_precision(
        paired(gt.take(np.isin(gt.image_id, alone.id)), alone, found.take(np.isin(found.image_id, alone.id))).match()
    )
    assert average_precision(slice_matches(paired(gt, images, found), images, part)) == pytest.approx(expected)


def test_a_slice_of_another_set_is_refused() -> None:
    gt, images, found = labelled_set(4)
    part = Slice("s", np.ones(2, dtype=bool), np.ones(len(images), dtype=bool))
    with pytest.raises(InputError, match="another set"):
        slice_matches(paired(gt, images, found), images, part)


def person(box: tuple[float, float, float, float], visibility: list[int]) -> People:
    return People.build(
        image_id=[1], bbox_xywh_px=[box], keypoints_px=np.zeros((1, 17, 2)), visibility=[visibility + [0] * (17 - 4)]
    )


def names_of(slices: list[Slice], row: int) -> list[str]:
    return [part.name for part in slices if part.people[row]]


def test_builders_read_the_labels() -> None:
    images = Images.build(id=[1], path=["a"], width=[1000], height=[1000])
    gt = People.concat(
        [
            person((0, 100, 20, 20), [2, 2, 2, 2]),  # touches the left border
            person((300, 300, 50, 60), [2, 2, 2, 1]),
            person((310, 300, 50, 60), [1, 1, 1, 2]),
            person((700, 800, 150, 200), [0, 0, 0, 0]),  # touches the bottom
        ]
    )
    assert [names_of(slices_by_size(gt, images), row) for row in range(4)] == [
        ["size=small"],
        ["size=medium"],
        ["size=medium"],
        ["size=large"],
    ]
    assert [names_of(slices_by_occlusion(gt, images), row) for row in range(4)] == [
        ["occlusion=none"],
        ["occlusion=some"],
        ["occlusion=most"],
        [],
    ]
    assert [names_of(slices_by_crowding(gt, images), row)[0] for row in range(4)] == [
        "overlaps=alone",
        "overlaps=1-2",
        "overlaps=1-2",
        "overlaps=alone",
    ]
    assert [names_of(slices_by_truncation(gt, images), row)[0] for row in range(4)] == [
        "truncated=yes",
        "truncated=no",
        "truncated=no",
        "truncated=yes",
    ]
    assert "source=real" not in {part.name for part in standard_slices(gt, images)}  # it holds everybody


def test_tags_are_of_people_or_of_images() -> None:
    images = samples.images(2)
    gt = samples.truth(images, 2, np.random.default_rng(0))
    of_people = slices_by_tags("tag", [["night"], [], ["night", "rain"], []], gt, images)
    assert [(part.name, part.people.tolist()) for part in of_people] == [
        ("tag=night", [True, False, True, False]),
        ("tag=rain", [False, False, True, False]),
    ]
    assert of_people[1].images.tolist() == [False, True]
    (of_images,) = slices_by_tags("tag", [{"night"}, set()], gt, images)
    assert of_images.people.tolist() == [True, True, False, False]
    with pytest.raises(InputError, match="neither people nor images"):
        slices_by_tags("tag", [[]] * 3, gt, images)


def test_people_are_cut_by_the_nearest_pose_cluster_and_by_its_rarity() -> None:
    images = samples.images(6)
    gt = samples.truth(images, 3, np.random.default_rng(5))
    visibility = gt.visibility.copy()
    visibility[0] = 0  # shows no pose
    gt = gt.replace(visibility=visibility)
    vectors, usable = embed_poses(gt.keypoints_px, gt.visibility)
    centres = np.concatenate([vectors[[3, 7, 11]], np.full((1, vectors.shape[1]), 50.0)])  # nobody is near the last
    clusters = PoseClusters(
        centres=centres, counts=np.array([9, 1, 2, 0]), repeat_factor=np.array([1.0, 2.0, 1.5, 3.0])
    )
    nearest = np.where(usable, cdist(vectors, centres).argmin(axis=1), -1)
    known = KnownPoses(bones=pose_bones(gt.keypoints_px, gt.visibility)[0][2:], spacing=RANKS * 1e-3)
    poses = TrainingPoses(clusters=clusters, known=known)
    novel = np.arange(len(gt)) == 1  # all others are known
    parts = {part.name: part for part in slices_by_pose(poses, gt, images)}
    assert list(parts) == ["cluster=0", "cluster=1", "cluster=2", "rare=no", "rare=yes", "novel=no", "novel=yes"]
    assert np.array_equal(parts["novel=yes"].people, novel)
    assert np.array_equal(parts["novel=no"].people, usable & ~novel)
    for number in range(3):
        assert np.array_equal(parts[f"cluster={number}"].people, nearest == number)
    assert np.array_equal(parts["rare=no"].people, (nearest == 0) & ~novel)
    assert np.array_equal(parts["rare=yes"].people, (nearest == 1) | (nearest == 2) | novel)
    held = set(gt.image_id[parts["rare=yes"].people].tolist())
    assert set(images.id[parts["rare=yes"].images].tolist()) == held
    assert not any(part.people[0] for part in parts.values())
