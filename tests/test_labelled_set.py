"""The identity of a set survives writing, reading, new ids and new order; a change of a label or a picture does not."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataengine.coco_json import read_people, write_people
from dataengine.labelled_set import joined, set_sha256
from dataengine.people import Images, People


def a_set(seed: int, count: int = 6) -> tuple[People, Images, list[str]]:
    rng = np.random.default_rng(seed)
    images = Images.build(id=np.arange(1, count + 1), path=[f"{n}.jpg" for n in range(count)], width=4000, height=4000)
    people = People.build(
        image_id=rng.integers(1, count + 1, count),
        bbox_xywh_px=rng.uniform(1, 4000, (count, 4)),
        keypoints_px=rng.uniform(0, 4000, (count, 17, 2)),
        visibility=rng.integers(0, 3, (count, 17)),
        extras={"suspect": ["x"] * count},
    )
    return people, images, [f"sha{n}" for n in range(count)]


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_ids_order_places_and_extra_columns_do_not_count(tmp_path: Path, seed: int) -> None:
    people, images, shas = a_set(seed)
    order, turn = np.random.default_rng(seed).permutation(6), np.random.default_rng(seed + 1).permutation(6)
    moved = images.take(order).replace(path=[f"other/{n}.jpg" for n in order], id=images.id[order] + 40)
    renumbered = people.take(turn).replace(image_id=people.image_id[turn] + 40, extras={})
    write_people(tmp_path / "a.json", renumbered, moved.replace(path=[str(tmp_path / p) for p in moved.path]))
    again, table = read_people(tmp_path / "a.json")
    found = set_sha256(again, table, [shas[n] for n in order])
    assert found == set_sha256(people, images, shas)


@pytest.mark.parametrize("field", ["bbox_xywh_px", "keypoints_px", "visibility", "image_id", "picture"])
def test_every_label_and_picture_counts(field: str) -> None:
    people, images, shas = a_set(0)
    before = set_sha256(people, images, shas)
    if field == "picture":
        assert set_sha256(people, images, ["other", *shas[1:]]) != before
        return
    changed = getattr(people, field).copy()
    row = (3, int(np.flatnonzero(people.visibility[3])[0]))
    if field == "image_id":
        changed[3] = changed[3] % 6 + 1
    elif field == "visibility":
        changed[row] = 3 - changed[row]
    else:
        changed[row[0], row[1] if field == "keypoints_px" else 0] += 0.01
    assert set_sha256(people.replace(**{field: changed}), images, shas) != before


def test_where_an_unlabelled_joint_lies_does_not_count() -> None:
    people, images, shas = a_set(1)
    points = people.keypoints_px.copy()
    points[people.visibility == 0] += 9
    assert set_sha256(people.replace(keypoints_px=points), images, shas) == set_sha256(people, images, shas)


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=3), st.sampled_from([0, 1]))
def test_joined_people_keep_their_image(seeds: list[int], first_id: int) -> None:
    parts = [a_set(seed)[:2] for seed in seeds]
    people, images = joined(parts, first_id=first_id)
    assert images.id.tolist() == list(range(first_id, first_id + 6 * len(seeds)))
    paths = [path for own, table in parts for path in table.path[table.rows_of(own.image_id)]]
    assert images.path[images.rows_of(people.image_id)].tolist() == paths
    together = People.concat(own for own, _ in parts)
    assert np.array_equal(people.keypoints_px, together.keypoints_px)
    assert people.extras.keys() == together.extras.keys()


def test_a_part_without_people_leaves_its_images() -> None:
    people, images, _ = a_set(0)
    both, table = joined([(people.take([]), images), (people, images)])
    assert len(both) == len(people)
    assert len(table) == 2 * len(images)
