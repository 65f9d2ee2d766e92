import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataengine.errors import InputError
from dataengine.registry.records import Entry, Event, EventOutcome, Registry
from dataengine.registry.registry_file import FORMER_PLACE, read_registry, write_registry


def entry(name: str) -> Entry:
    return Entry(
        id=name,
        state="champion",
        promoted_at="2026-01-01T00:00:00+00:00",
        ap=0.5,
        ap_low=0.4,
        ap_high=0.6,
        test_sha256="t",
        oks_sigmas="COCO",
        files={"model.onnx": "f"},
        lineage={"code_revision": "r"},
    )


def event(name: str, comparison: str = "c", outcome: EventOutcome = "refused") -> Event:
    return Event(
        at="2026-01-01T00:00:00+00:00",
        id=name,
        outcome=outcome,
        against="",
        ap=0.1,
        oks_sigmas="COCO",
        reason="too low",
        comparison_sha256=comparison,
    )


def two_promotions() -> Registry:
    """b is champion after a."""
    registry = Registry()
    for name in "ab":
        registry = registry.with_champion(entry(name)).with_event(event(name, f"comparison {name}", "promoted"))
    return registry


def test_empty_registry_of_the_project_reads(repository: Path) -> None:
    read_registry(repository / "models" / "registry.json")


def test_round_trip(tmp_path: Path) -> None:
    registry = two_promotions().with_candidate(entry("d")).with_event(event("c"))
    write_registry(tmp_path / "registry.json", registry)
    assert read_registry(tmp_path / "registry.json") == registry


@given(st.lists(st.sampled_from("abcd"), max_size=12))
def test_the_last_promoted_is_the_only_champion(names: list[str]) -> None:
    registry = Registry()
    for name in names:
        registry = registry.with_champion(entry(name))
    assert {e.id for e in registry.entries} == set(names)
    assert (registry.champion.id if registry.champion else None) == (names[-1] if names else None)
    assert sum(e.state == "champion" for e in registry.entries) == min(len(names), 1)


def test_a_rerun_adds_no_second_line() -> None:
    once = Registry().with_event(event("a"))
    assert once.with_event(event("a")) is once
    assert len(once.with_event(event("a", "another comparison")).events) == 2


def test_unknown_entry_is_reported() -> None:
    with pytest.raises(InputError, match="begin-round"):
        Registry().with_champion(entry("a")).entry("b")


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"format": 2, "entries": [], "events": [], "comparisons": [], "pictures": {}}',
        '{"format": 4, "entries": [], "events": []}',
        '{"format": 4, "entries": [{"id": "a"}], "events": [], "comparisons": [], "pictures": {}}',
    ],
)
def test_malformed_file_is_an_input_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "registry.json"
    path.write_text(content)
    with pytest.raises(InputError, match="registry"):
        read_registry(path)


def test_two_champions_and_unknown_states_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "registry.json"
    write_registry(path, two_promotions())
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


@pytest.mark.parametrize(
    ("part", "row", "key", "value"),
    [
        ("entries", 1, "files", {"model.onnx": "other"}),
        ("entries", 0, "ap", 0.9),
        ("entries", 0, "lineage", {}),
        ("events", 0, "reason", "because"),
        ("events", 1, "comparison_sha256", "fresh"),
    ],
)
def test_a_change_by_hand_is_refused(tmp_path: Path, part: str, row: int, key: str, value: object) -> None:
    path = tmp_path / "registry.json"
    write_registry(path, two_promotions())
    record = json.loads(path.read_text())
    record[part][row][key] = value
    path.write_text(json.dumps(record))
    with pytest.raises(InputError, match="changed by hand"):
        read_registry(path)


def test_removed_exchanged_or_forgotten_events_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "registry.json"
    write_registry(path, two_promotions())
    record = json.loads(path.read_text())
    first, second = record["events"]
    for events in ([second], [second, first], [first], []):
        path.write_text(json.dumps(record | {"events": events}))
        with pytest.raises(InputError, match=r"changed by hand|by the events it is"):
            read_registry(path)


def test_an_exchanged_champion_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "registry.json"
    write_registry(path, two_promotions())
    record = json.loads(path.read_text())
    record["entries"][0]["state"], record["entries"][1]["state"] = "champion", "archived"
    path.write_text(json.dumps(record))
    with pytest.raises(InputError, match="champion a, but by the events it is b"):
        read_registry(path)


def test_only_an_archived_model_can_be_rolled_back_to() -> None:
    registry = two_promotions().with_candidate(entry("c"))
    after = registry.with_rollback_to("a")
    assert {e.id: e.state for e in after.entries} == {"a": "champion", "b": "archived", "c": "candidate"}
    for name in "bc":
        with pytest.raises(InputError, match="expected an archived model: a"):
            registry.with_rollback_to(name)


def test_a_candidate_never_displaces_and_a_promotion_takes_it_up() -> None:
    registry = two_promotions()
    assert registry.with_candidate(entry("a")) is registry
    waiting = registry.with_candidate(entry("c"))
    assert waiting.champion == registry.champion
    assert [(e.id, e.state) for e in waiting.with_champion(entry("c")).entries][-1] == ("c", "champion")
    assert waiting.without("c") == registry


def test_a_model_is_taken_back_until_it_is_champion_again() -> None:
    back = two_promotions().with_rollback_to("a").with_event(replace(event("a", "", "rolled back"), against="b"))
    assert back.taken_back("b") == back.events[-1]
    assert back.taken_back("a") is back.taken_back("c") is None
    assert back.with_event(event("b", "new", "promoted")).taken_back("b") is None
    again = back.with_rollback_to("b").with_event(replace(event("b", "", "rolled back"), against="a"))
    assert again.taken_back("b") is None
    assert again.taken_back("a") == again.events[-1]


def test_every_rollback_is_an_event() -> None:
    back = event("a", "", "rolled back")
    assert len(Registry().with_event(back).with_event(back).events) == 2


def test_a_registry_at_its_former_place_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_registry(Path("models/registry.json"), Registry())
    write_registry(FORMER_PLACE, Registry())
    assert read_registry(Path("models/registry.json")) == Registry()
    write_registry(FORMER_PLACE, two_promotions())
    with pytest.raises(InputError, match=r"git mv -f train/registry\.json models/registry\.json"):
        read_registry(Path("models/registry.json"))
    assert read_registry(FORMER_PLACE) == two_promotions(), "a project that names the former place goes on"
    assert read_registry(FORMER_PLACE.absolute()) == two_promotions()
    FORMER_PLACE.replace("models/registry.json")
    assert read_registry(Path("models/registry.json")) == two_promotions()
