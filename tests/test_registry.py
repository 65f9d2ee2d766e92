import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataengine.errors import InputError
from dataengine.registry import Entry, Event, Registry, read_registry, write_registry


def entry(name: str) -> Entry:
    return Entry(
        id=name,
        state="champion",
        promoted_at="2026-01-01T00:00:00+00:00",
        ap=0.5,
        ap_low=0.4,
        ap_high=0.6,
        test_sha256="t",
        files={"model.onnx": "f"},
        lineage={"code_revision": "r"},
    )


def event(name: str, comparison: str = "c") -> Event:
    return Event(
        at="2026-01-01T00:00:00+00:00",
        id=name,
        outcome="refused",
        against="",
        ap=0.1,
        reason="too low",
        comparison_sha256=comparison,
    )


def test_empty_registry_of_the_project_reads(repository: Path) -> None:
    read_registry(repository / "train" / "registry.json")


def test_round_trip(tmp_path: Path) -> None:
    registry = Registry().promoted(entry("a")).promoted(entry("b")).noted(event("c"))
    write_registry(tmp_path / "registry.json", registry)
    assert read_registry(tmp_path / "registry.json") == registry


@given(st.lists(st.sampled_from("abcd"), max_size=12))
def test_the_last_promoted_is_the_only_champion(names: list[str]) -> None:
    registry = Registry()
    for name in names:
        registry = registry.promoted(entry(name))
    assert {e.id for e in registry.entries} == set(names)
    assert (registry.champion.id if registry.champion else None) == (names[-1] if names else None)
    assert sum(e.state == "champion" for e in registry.entries) == min(len(names), 1)


def test_a_rerun_adds_no_second_line() -> None:
    once = Registry().noted(event("a"))
    assert once.noted(event("a")) is once
    assert len(once.noted(event("a", "another comparison")).events) == 2


def test_unknown_entry_is_told() -> None:
    with pytest.raises(InputError, match="begin-round"):
        Registry().promoted(entry("a")).entry("b")


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"format": 2, "entries": [], "events": []}',
        '{"format": 1, "entries": []}',
        '{"format": 1, "entries": [{"id": "a"}], "events": []}',
    ],
)
def test_malformed_file_is_an_input_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "registry.json"
    path.write_text(content)
    with pytest.raises(InputError, match="registry"):
        read_registry(path)


def test_two_champions_and_unknown_states_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "registry.json"
    write_registry(path, Registry().promoted(entry("a")).promoted(entry("b")))
    record = json.loads(path.read_text())
    record["entries"][0]["state"] = "champion"
    path.write_text(json.dumps(record))
    with pytest.raises(InputError, match="more than one champion"):
        read_registry(path)
    record["entries"][0]["state"] = "best"
    path.write_text(json.dumps(record))
    with pytest.raises(InputError, match="'best'"):
        read_registry(path)


def test_missing_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_registry(tmp_path / "registry.json")
