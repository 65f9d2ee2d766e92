from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataengine.columns import json_column, object_column
from dataengine.errors import InputError
from dataengine.people import Images, People


def make_people(n: int = 3) -> People:
    rng = np.random.default_rng(0)
    return People.build(
        image_id=np.arange(n),
        bbox_xywh_px=rng.uniform(1, 50, (n, 4)),
        keypoints_px=rng.uniform(0, 100, (n, 17, 2)),
        visibility=rng.integers(0, 3, (n, 17)),
        extras={"pose": [f"pose{i}" for i in range(n)]},
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p.replace(keypoints_px=p.keypoints_px[:, :16]), "keypoints_px is malformed.*17.*16"),
        (lambda p: p.replace(keypoints_px=p.keypoints_px.astype(np.float64)), "expected an array of float32"),
        (lambda p: p.replace(keypoints_px=np.where(p.keypoints_px > 50, np.nan, p.keypoints_px)), "not finite"),
        (lambda p: p.replace(visibility=p.visibility + 5), "visibility is out of range"),
        (lambda p: p.replace(weight=p.weight - 2), "weight is negative"),
        (lambda p: p.replace(bbox_xywh_px=-p.bbox_xywh_px), "negative size"),
        (lambda p: p.replace(source=np.array(["made-up"] * 3, dtype="<U9")), "real | synthetic | pseudo"),
        (lambda p: p.with_extra("pose", ["a"]), "extra column 'pose'"),
    ],
)
def test_people_refuses_what_is_malformed(change: Callable[[People], People], message: str) -> None:
    with pytest.raises(InputError, match=message):
        change(make_people())


@given(st.lists(st.integers(0, 4), max_size=8))
def test_take_keeps_every_column_in_step(rows: list[int]) -> None:
    people = make_people(5)
    taken = people.take(rows)
    assert taken.image_id.tolist() == rows
    assert taken.extras["pose"].tolist() == [f"pose{row}" for row in rows]


def test_concat_fills_missing_extras_with_none() -> None:
    both = People.concat([make_people(2), make_people(1).with_extra("depth_m", [2.5])])
    assert len(both) == 3
    assert both.extras["depth_m"].tolist() == [None, None, 2.5]
    assert both.extras["pose"].tolist() == ["pose0", "pose1", "pose0"]


def test_images_find_rows_and_refuse_unknown_or_repeated_ids() -> None:
    images = Images.build(id=[7, 3, 5], path=["a", "b", "c"], width=10, height=20)
    assert images.rows_of([5, 7, 7]).tolist() == [2, 0, 0]
    with pytest.raises(InputError, match="id 4"):
        images.rows_of([4])
    with pytest.raises(InputError, match="id 3 more than once"):
        Images.build(id=[3, 3], path=["a", "b"], width=1, height=1)


def test_images_exchange_columns_and_check_them_again() -> None:
    images = Images.build(id=[7, 3], path=["a", "b"], width=10, height=20, video="v", frame=[4, 5])
    changed = images.replace(id=[1, 2], width=30)
    assert changed.id.tolist() == [1, 2]
    assert changed.width.tolist() == [30, 30]
    assert (changed.path.tolist(), changed.frame.tolist()) == (["a", "b"], [4, 5])
    assert images.id.tolist() == [7, 3]
    grouped = Images.concat([images, changed.replace(group=["park", "gym"])])
    assert grouped.group.tolist() == ["", "", "park", "gym"]
    assert grouped.take([3, 0]).group.tolist() == ["gym", ""]
    with pytest.raises(InputError, match="id 1 more than once"):
        images.replace(id=[1, 1])


@pytest.mark.parametrize(
    "values", [[[1, 2], [3, 4]], [np.zeros(2), np.zeros(2)], [{"a": 1}, None], [[1], [2, 3]], [(), ()], []]
)
def test_an_object_column_keeps_every_value_as_it_is(values: list[Any]) -> None:
    column = object_column(values)
    assert column.shape == (len(values),)
    assert column.dtype == object
    assert all(cell is value for cell, value in zip(column, values, strict=True))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "i"), ([1, 2.5], "f"), ([True, False], "b"), (["a", "bc"], "U"), ([], "f"),
        ([True, 2], "O"), ([1, "a"], "O"), ([1, None], "O"), ([[1], [2]], "O"), ([{"a": 1}, {}], "O"),
    ],
)  # fmt: skip
def test_a_column_of_json_values_is_typed_where_all_are_of_one_kind(values: list[Any], kind: str) -> None:
    column = json_column(values)
    assert column.dtype.kind == kind
    assert column.tolist() == values
