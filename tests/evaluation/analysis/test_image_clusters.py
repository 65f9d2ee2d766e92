"""Units partition the pictures; those of one kind cross or divide those of another as scenes, cameras and times do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataengine.errors import ParamsError
from dataengine.evaluation.analysis.image_clusters import KINDS, ClusterKind, crossed, scene_count, units_of
from dataengine.people import Images

SHOTS = st.tuples(st.sampled_from(["", "park", "gym"]), st.sampled_from(["", "left", "right"]), st.integers(0, 9))


def table(shots: list[tuple[str, str, int]]) -> Images:
    return Images.build(
        id=np.arange(1, len(shots) + 1),
        path=[f"im{row}.jpg" for row in range(len(shots))],
        width=1,
        height=1,
        group=[group for group, _, _ in shots],
        video=[video for _, video, _ in shots],
        frame=[frame if video else -1 for _, video, frame in shots],
    )


def clusters(images: Images, kind: ClusterKind, block_frames: int = 1) -> list[list[int]]:
    return [units.clusters.tolist() for units in units_of(images, kind, block_frames)]


@given(st.lists(SHOTS, min_size=1, max_size=30), st.sampled_from(KINDS), st.integers(1, 5), st.integers(1, 4))
def test_units_partition_the_pictures_and_merging_only_joins(
    shots: list[tuple[str, str, int]], kind: ClusterKind, block_frames: int, block: int
) -> None:
    images = table(shots)
    belongs = [group or video or str(row) for row, (group, video, _) in enumerate(shots)]
    found = units_of(images, kind, block_frames)
    assert found[0].kind == kind
    for units in found:
        numbers = units.clusters
        assert set(numbers.tolist()) == set(range(numbers.max() + 1)), "each picture in one cluster, none empty"
        together = {(a, b) for a, b in zip(numbers.tolist(), belongs, strict=True)}
        if units.kind == "group":
            assert len(together) == len(set(belongs)) == numbers.max() + 1
        else:
            assert len(together) == numbers.max() + 1, "no camera and no block of time is of two groups"
        merged = units.merged(units.block * block).clusters
        joined = {(a, b) for a, b in zip(numbers.tolist(), merged.tolist(), strict=True)}
        assert len(joined) == numbers.max() + 1, "what was one cluster is in one cluster"
    ways = crossed(found)
    assert ways.shape[1] == len(shots)
    assert len(ways) == 1 or (ways.max(axis=1) > 0).all()


def test_a_group_is_the_named_one_else_the_video_else_the_picture() -> None:
    images = table([("park", "left", 0), ("park", "right", 0), ("", "left", 1), ("", "left", 7), ("", "", 0)])
    assert clusters(images, "group") == [[0, 0, 1, 1, 2]]
    assert units_of(images, "group")[0].place.tolist() == [0, 0, 1, 1, 2]
    assert scene_count(images) == 3 and scene_count(images.take([0, 1])) == 1 and scene_count(images.take([])) == 0


def test_groups_follow_each_other_in_the_order_of_their_names_numbers() -> None:
    images = Images.build(id=[1, 2, 3], path=["im10.jpg", "im9.jpg", "im2.jpg"], width=1, height=1)
    assert units_of(images, "group")[0].place.tolist() == [2, 1, 0]


def test_within_one_recording_cameras_and_moments_cross() -> None:
    shots = [("hall", camera, frame) for camera in ("left", "right") for frame in (80, 81, 82, 83)]
    images = table(shots)
    whole, cameras, moments = clusters(images, "group", 2)
    assert set(whole) == {0}
    assert cameras == [0, 0, 0, 0, 1, 1, 1, 1]
    assert moments == [0, 0, 1, 1, 0, 0, 1, 1], "blocks begin with the first frame that is there"
    assert clusters(images, "camera", 2) == [cameras, moments]
    assert clusters(images, "time", 2) == [moments]
    assert crossed(units_of(images, "group", 2)).tolist() == [cameras, moments]
    assert crossed(units_of(images, "group", 60)).tolist() == [cameras]


def test_several_groups_are_resampled_whole_and_what_only_divides_them_is_left_out() -> None:
    images = table([(group, camera, frame) for group in ("a", "b") for camera in ("l", "r") for frame in (0, 9)])
    assert [units.kind for units in units_of(images, "group")] == ["group"]
    assert [units.kind for units in units_of(images, "camera")] == ["camera", "time"]
    photos = table([("", "", 0)] * 4)
    assert [units.kind for units in units_of(photos, "camera")] == ["camera"]


def test_an_empty_block_is_refused() -> None:
    with pytest.raises(ParamsError, match="1 or more"):
        units_of(table([("", "", 0)]), "time", 0)
