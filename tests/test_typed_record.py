from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataengine.errors import InputError
from dataengine.files import RepeatedKeys
from dataengine.typed_record import RECORDS


@dataclass(frozen=True)
class Inner:
    name: str
    share: float


@dataclass(frozen=True)
class Outer:
    word: Literal["yes", "no"]
    count: int
    on: bool
    inner: Inner
    maybe: Inner | None
    rows: tuple[Inner, ...]
    by_name: Mapping[str, float]
    anything: Mapping[str, Any]
    names: list[str] = field(default_factory=list)


inners = st.builds(Inner, st.text(), st.floats(allow_nan=False, allow_infinity=False))
outers = st.builds(
    Outer,
    word=st.sampled_from(["yes", "no"]),
    count=st.integers(),
    on=st.booleans(),
    inner=inners,
    maybe=st.none() | inners,
    rows=st.lists(inners).map(tuple),
    by_name=st.dictionaries(st.text(), st.floats(allow_nan=False, allow_infinity=False)),
    anything=st.dictionaries(st.text(), st.none() | st.text()),
    names=st.lists(st.text()),
)
PLAIN: dict[str, Any] = {
    "word": "yes",
    "count": 1,
    "on": True,
    "inner": {"name": "a", "share": 1},
    "maybe": None,
    "rows": [],
    "by_name": {},
    "anything": {},
}


@given(outers)
def test_it_is_the_inverse_of_asdict(value: Outer) -> None:
    assert RECORDS.record(Outer, asdict(value), "file") == value


def test_a_whole_number_is_a_float_where_one_is_asked_for() -> None:
    share = RECORDS.record(Outer, PLAIN, "file").inner.share
    assert (share, type(share)) == (1.0, float)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"word": "maybe"}, r"file\.word: expected yes \| no, got 'maybe'"),
        ({"count": 1.0}, r"file\.count: expected a whole number, got 1\.0"),
        ({"count": True}, r"file\.count"),
        ({"on": 1}, r"file\.on: expected true or false, got 1"),
        ({"inner": None}, r"file\.inner: expected a mapping of keys, got None"),
        ({"inner": {"name": "a"}}, r"file\.inner lacks a key: expected share"),
        ({"inner": {"name": "a", "share": float("inf")}}, r"file\.inner\.share: expected a number, got inf"),
        ({"inner": {"name": "a", "share": 10**400}}, r"file\.inner\.share: expected a number, got 1000"),
        ({"inner": {"name": "a", "share": True}}, r"file\.inner\.share: expected a number, got True"),
        ({"rows": [{"name": 1, "share": 1.0}]}, r"file\.rows\[0\]\.name: expected a text, got 1"),
        ({"rows": "ab"}, r"file\.rows: expected a list"),
        ({"by_name": {"a": "b"}}, r"file\.by_name\.a: expected a number"),
        ({"by_name": [1]}, r"file\.by_name: expected a mapping"),
        ({"anything": RepeatedKeys({"a": 1})}, r"file\.anything: expected a mapping with each key once"),
        (
            {"inner": RepeatedKeys({"name": "a", "share": 1})},
            r"file\.inner: expected a mapping with each key once, got a repeated key",
        ),
        ({"other": 1}, r"file has an unknown key: .*, got other"),
        ({"word": ["yes"] * 100}, r"got \[.{1,60}\.\.\.$"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        RECORDS.record(Outer, PLAIN | change, "file")
