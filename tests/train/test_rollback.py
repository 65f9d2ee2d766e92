"""Rollback and tampering, on a registry whose artefacts are the session's two small exports."""

import sys
from dataclasses import replace
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from dataengine.errors import InputError
from dataengine.inference.exported import load_exported
from dataengine.registry import rollback
from dataengine.train import diff
from dataengine.train import promote as promote_module
from dataengine.train.promote import PromoteParams

from .gate_round import PARAMS, PROCESSES, Gate, die, killed


def test_rollback_is_noted_and_the_verdict_does_not_promote_again(twice: Gate, exported: dict[str, Path]) -> None:
    good, bad = (load_exported(exported[name]).id for name in ("good", "bad"))
    rollback.run(bad, "misses\ncyclists", registry=twice.registry, store=twice.store)
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
        rollback.run(bad, "because", registry=twice.registry, store=twice.store)
    assert twice.registry.read_bytes() == before


def test_rollback_to_a_model_that_nobody_entered_says_where_ids_are_listed(twice: Gate) -> None:
    with pytest.raises(InputError, match=r"no model 'abc'.*; `dataengine history` lists the models$"):
        rollback.run("abc", "because", registry=twice.registry, store=twice.store)


def test_rollback_to_a_flipped_bit_in_an_engine_is_refused(compared: Gate, exported: dict[str, Path]) -> None:
    gate = compared
    good, bad = (load_exported(exported[name]).id for name in ("good", "bad"))
    gate.promote(exported["good"])
    worse_is_fine = replace(PARAMS, champion=good, primary=replace(PARAMS.primary, kind="non-inferiority", margin=1.0))
    worse_is_fine = replace(worse_is_fine, guarded=replace(PARAMS.guarded, slices=[]), floor_ap=0.0)
    gate.compare(exported["bad"], worse_is_fine)
    assert gate.promote(exported["bad"])["outcome"] == "promoted"
    engine = gate.store / good / "model.engine"
    content = bytearray(engine.read_bytes())
    content[len(content) // 2] ^= 1
    engine.write_bytes(content)
    before = gate.registry.read_bytes()
    with pytest.raises(InputError, match=r"model\.engine is not the file"):
        rollback.run(good, "because", registry=gate.registry, store=gate.store)
    assert gate.registry.read_bytes() == before
    champion = gate.read().champion
    assert champion is not None
    assert champion.id == bad


def _roll_back_until(moment: str, gate: Gate, to: str) -> None:
    """Die before the registry is written, or before the file takes its place."""
    if moment == "before writing":
        rollback.write_registry = die
    else:
        Path.replace = die  # type: ignore[assignment,method-assign]  # in a process of its own
    rollback.run(to, "because", registry=gate.registry, store=gate.store)


@pytest.mark.parametrize("moment", ["before writing", "written but not yet in place"])
def test_kill_in_mid_rollback_leaves_the_champion_and_the_rerun_finishes(
    twice: Gate, exported: dict[str, Path], moment: str
) -> None:
    bad = load_exported(exported["bad"]).id
    before = twice.registry.read_bytes()
    assert killed(_roll_back_until, moment, twice, bad)
    assert twice.registry.read_bytes() == before
    rollback.run(bad, "because", registry=twice.registry, store=twice.store)
    after = twice.read()
    assert after.champion is not None
    assert after.champion.id == bad
    assert [e.outcome for e in after.events] == ["promoted", "promoted", "rolled back"]


def _roll_back(gate: Gate, to: str, barrier: Barrier) -> None:
    barrier.wait()
    try:
        rollback.run(to, "because", registry=gate.registry, store=gate.store)
    except InputError:
        sys.exit(2)


def _promote(gate: Gate, candidate: Path, barrier: Barrier) -> None:
    barrier.wait()
    promote_module.run(
        PromoteParams(False, []),
        gate.policy(),
        comparison=gate.root / "compare",
        candidate=candidate,
        registry=gate.registry,
        store=gate.store,
        out=gate.root / "promote",
    )


def _exit_codes(*processes: BaseProcess) -> list[int | None]:
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    return sorted((process.exitcode for process in processes), key=str)


def test_two_rollbacks_at_once_are_one(twice: Gate, exported: dict[str, Path]) -> None:
    bad = load_exported(exported["bad"]).id
    barrier = PROCESSES.Barrier(2)
    one, two = (PROCESSES.Process(target=_roll_back, args=(twice, bad, barrier)) for _ in range(2))
    assert _exit_codes(one, two) == [0, 2]  # the later one finds the model champion, not archived
    after = twice.read()
    assert after.champion is not None
    assert after.champion.id == bad
    assert [e.outcome for e in after.events] == ["promoted", "promoted", "rolled back"]


def test_rollback_and_promotion_at_once_leave_one_champion(twice: Gate, exported: dict[str, Path]) -> None:
    """Whichever comes first, the rollback stands: the verdict was carried out before and promotes only once."""
    good, bad = (load_exported(exported[name]).id for name in ("good", "bad"))
    barrier = PROCESSES.Barrier(2)
    promoting = PROCESSES.Process(target=_promote, args=(twice, exported["good"], barrier))
    assert _exit_codes(PROCESSES.Process(target=_roll_back, args=(twice, bad, barrier)), promoting) == [0, 0]
    after = twice.read()
    assert {e.id: e.state for e in after.entries} == {bad: "champion", good: "archived"}
    assert [e.outcome for e in after.events if e.outcome == "rolled back"] == ["rolled back"]
