"""A study's options, as the user types them."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataengine.errors import InputError, ParamsError
from dataengine.studies.settings import (
    FIT_STAGES,
    assignments,
    json_hash,
    parse_seeds,
    parse_settings,
    parse_stage,
    section_of,
    with_settings,
)

from ..helpers.dvc_checkout import repository_file

OWNED = frozenset({"mix.seed", "fit-teacher.replay.share"})
NAMES = st.text("abcdefghij-_", min_size=1, max_size=8)


@given(st.dictionaries(st.tuples(NAMES, NAMES).map(".".join), st.text(max_size=12), max_size=4))
def test_settings_are_read_as_they_are_written(settings: dict[str, str]) -> None:
    assert parse_settings(assignments(settings), OWNED) == settings


def test_values_may_hold_anything_and_the_last_of_a_key_counts() -> None:
    assert parse_settings(["a.b=1", "++a.b=2", "+a.b=3"], OWNED) == {"a.b": "3"}
    assert parse_settings(["a.b=1", "++a.c={x: 1, y: [=]}", "a.b=", "a.d.e=1=2"], OWNED) == {
        "a.b": "",
        "a.c": "{x: 1, y: [=]}",
        "a.d.e": "1=2",
    }
    assert parse_settings([], OWNED) == {}


@pytest.mark.parametrize(
    "setting", ["", "a", "a.b", "a=1", "=1", "mix.seed=1", "+mix.seed=1", "++fit-teacher.replay.share=1"]
)
def test_what_is_no_setting(setting: str) -> None:
    with pytest.raises(InputError, match="--set cannot be used"):
        parse_settings([setting], OWNED)


def test_the_section_of_a_key() -> None:
    assert [section_of(key) for key in ("mix.seed", "ingest.split.test_share")] == ["mix", "ingest"]


def test_seeds_and_stages() -> None:
    assert parse_seeds([3, 1, 3, 0]) == (3, 1, 0)
    with pytest.raises(InputError, match="--seed is negative"):
        parse_seeds([0, -1])
    stages = repository_file("dvc.yaml")["stages"]
    assert [parse_stage(stage) for stage in FIT_STAGES] == [name for name in stages if name.startswith("fit-")]
    with pytest.raises(InputError, match="--stage is unknown"):
        parse_stage("mix")


def test_a_fingerprint_is_of_the_content() -> None:
    assert json_hash({"a": 1, "b": [2]}) == json_hash({"b": [2], "a": 1}) != json_hash({"a": 1, "b": [3]})
    assert json_hash([1, "ä"]) == hashlib.sha256(b'[1, "\\u00e4"]').hexdigest()[:8]


@pytest.mark.parametrize("settings", [{"fit.distill": "5"}, {"fit.distill": "[1]"}, {"fit.distill": "false"}])
def test_a_value_where_keys_lie_below_is_refused_and_not_lost(settings: dict[str, str]) -> None:
    with pytest.raises(ParamsError, match=r"fit.distill.teacher cannot be set: expected distill: a mapping"):
        with_settings({"fit": {}}, ["fit"], {**settings, "fit.distill.teacher": "a"})
    laid = with_settings({"fit": {"distill": None}}, ["fit"], {"fit.distill.teacher": "a"})
    assert laid == {"fit": {"distill": {"teacher": "a"}}}
