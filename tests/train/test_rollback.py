"""Rollback and tampering, on a registry whose artefacts are the session's two small exports."""

from dataclasses import replace
from pathlib import Path

import pytest

from dataengine.errors import InputError
from dataengine.exported import load_exported
from dataengine.train import diff, rollback

from .gate_round import PARAMS, Gate


@pytest.fixture
def twice(gate: Gate, exported: dict[str, Path]) -> Gate:
    """The good model is champion after the bad one."""
    gate.compare(exported["bad"], replace(PARAMS, floor_ap=0.0))
    gate.promote(exported["bad"])
    gate.compare(exported["good"], replace(PARAMS, champion=load_exported(exported["bad"]).id))
    assert gate.promote(exported["good"])["outcome"] == "promoted"
    return gate


def test_rollback_is_noted_and_the_verdict_does_not_promote_again(twice: Gate, exported: dict[str, Path]) -> None:
    good, bad = (load_exported(exported[name]).id for name in ("good", "bad"))
    rollback.run(bad, "misses\ncyclists", twice.registry, twice.store)
    after = twice.read()
    assert {e.id: e.state for e in after.entries} == {bad: "champion", good: "archived"}
    assert (after.events[-1].outcome, after.events[-1].against) == ("rolled back", good)
    assert after.events[-1].reason == "misses cyclists"
    assert twice.promote(exported["good"])["outcome"] == "held"
    assert any(row.part == "files" for row in diff.differences(after.entry(bad), after.entry(good), twice.store))


@pytest.mark.parametrize("name", ["model_fp16.onnx", "verdict.json", "model.json"])
def test_rollback_to_a_damaged_model_changes_nothing(twice: Gate, exported: dict[str, Path], name: str) -> None:
    bad = load_exported(exported["bad"]).id
    path = twice.store / bad / name
    path.write_bytes(path.read_bytes() + b" ")
    before = twice.registry.read_bytes()
    with pytest.raises(InputError, match="is not"):
        rollback.run(bad, "because", twice.registry, twice.store)
    assert twice.registry.read_bytes() == before
