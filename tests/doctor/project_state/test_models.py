"""The registry, its store, and the pins and files that params name."""

from dataclasses import replace

import pytest

from dataengine.doctor.project_state import committed, models
from dataengine.doctor.project_state.kept import Kept
from dataengine.registry.registry_file import read_registry, write_registry

from .kept_project import ledger_of


def test_a_registry_that_lost_what_was_spent(kept: Kept) -> None:
    registry = read_registry(kept.registry)
    write_registry(kept.registry, replace(registry, ledger=ledger_of(2)))
    assert list(models.check_registry(kept)) == [], "it only grew"
    assert [each.result.name for each in committed.check_committed(kept)] == ["commit"]
    write_registry(kept.registry, replace(registry, ledger=ledger_of(0)))
    assert [each.repair for each in models.check_registry(kept)] == [None]
    assert [each.result.name for each in models.check_pins(kept)] == ["ledger"]
    kept.registry.write_text(kept.registry.read_text().replace("0.5", "0.6"))
    assert [each.repair for each in models.check_registry(kept)] == [None]
    assert list(models.check_pins(kept)) == list(models.check_store(kept)) == [], "nothing to hold against"


def test_a_store_that_is_not_what_the_registry_names(kept: Kept) -> None:
    (kept.store / "a" / "model.onnx").unlink()
    (kept.store / "c").mkdir()
    lost, stray = models.check_store(kept)
    assert lost.repair and stray.repair is None and stray.result.status == "note"


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("champion: a", "champion: unknown", "champion"),
        ("round: 2", "round: 3", "round"),
        ("ledger: ", "ledger: 0", "ledger"),
    ],
)
def test_pins_that_the_registry_does_not_bear_out(kept: Kept, old: str, new: str, name: str) -> None:
    kept.params.write_text(kept.params.read_text().replace(old, new))
    (found,) = models.check_pins(kept)
    assert (found.result.name, found.result.status, found.repair) == (name, "fault", None)
    assert "begin-round" in found.result.fix


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("floor_ap: 0.05", "floor_ap: 0.01", "not the policy that the round was begun with: expected hash "),
        ("floor_ap: 0.05", "floor_ap: low", "floor_ap: expected a number, got 'low'"),
        ("sigmas: ''", "sigmas: nowhere.json", "nowhere.json does not exist"),
    ],
)
def test_a_policy_that_was_changed_after_it_was_pinned(kept: Kept, old: str, new: str, says: str) -> None:
    assert list(models.check_policy(kept)) == []
    text = kept.params.read_text()
    assert old in text
    kept.params.write_text(text.replace("threads: 2", "threads: 1"))
    assert list(models.check_policy(kept)) == [], "threads are no part of the policy"
    kept.params.write_text(text.replace(old, new))
    (found,) = models.check_policy(kept)
    assert (found.result.name, found.result.status, found.repair) == ("policy", "fault", None)
    assert says in found.result.found and "begin-round" in found.result.fix


def test_files_that_params_name(kept: Kept) -> None:
    text = kept.params.read_text()
    kept.params.write_text(text + "oks: {sigmas: data/sigmas/none.json}\nrender: 3\n")
    (found,) = models.check_named_files(kept)
    assert "data/sigmas/none.json" in found.result.found
