"""Rollback and tampering, on a registry whose artefacts are the session's two small exports."""

import multiprocessing
import signal
import subprocess
import sys
from dataclasses import replace
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from dataengine.errors import InputError
from dataengine.inference.exported import load_exported
from dataengine.train import diff, rollback
from dataengine.train import promote as promote_module
from dataengine.train.promote import PromoteParams

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


def test_rollback_to_a_flipped_bit_in_an_engine_is_refused(gate: Gate, exported: dict[str, Path]) -> None:
    good, bad = (load_exported(exported[name]).id for name in ("good", "bad"))
    gate.compare(exported["good"])
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


KILLED = """
import os, signal, sys
from pathlib import Path
from dataengine.train import rollback
moment, to, registry, store = sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
def die(*arguments, **named):
    os.kill(os.getpid(), signal.SIGKILL)
if moment == "before writing":
    rollback.write_registry = die
else:
    Path.replace = die
rollback.run(to, "because", registry=registry, store=store)
"""


@pytest.mark.parametrize("moment", ["before writing", "written but not yet in place"])
def test_kill_in_mid_rollback_leaves_the_champion_and_the_rerun_finishes(
    twice: Gate, exported: dict[str, Path], moment: str
) -> None:
    bad = load_exported(exported["bad"]).id
    before = twice.registry.read_bytes()
    command = [sys.executable, "-c", KILLED, moment, bad, str(twice.registry), str(twice.store)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
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


def _exit_codes(*processes: multiprocessing.process.BaseProcess) -> list[int | None]:
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    return sorted((process.exitcode for process in processes), key=str)


def test_two_rollbacks_at_once_are_one(twice: Gate, exported: dict[str, Path]) -> None:
    bad = load_exported(exported["bad"]).id
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    one, two = (context.Process(target=_roll_back, args=(twice, bad, barrier)) for _ in range(2))
    assert _exit_codes(one, two) == [0, 2]  # the later one finds the model champion, not archived
    after = twice.read()
    assert after.champion is not None
    assert after.champion.id == bad
    assert [e.outcome for e in after.events] == ["promoted", "promoted", "rolled back"]


def test_rollback_and_promotion_at_once_leave_one_champion(twice: Gate, exported: dict[str, Path]) -> None:
    """Whichever comes first, the rollback stands: the verdict was carried out before and promotes only once."""
    good, bad = (load_exported(exported[name]).id for name in ("good", "bad"))
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    promoting = context.Process(target=_promote, args=(twice, exported["good"], barrier))
    assert _exit_codes(context.Process(target=_roll_back, args=(twice, bad, barrier)), promoting) == [0, 0]
    after = twice.read()
    assert {e.id: e.state for e in after.entries} == {bad: "champion", good: "archived"}
    assert [e.outcome for e in after.events if e.outcome == "rolled back"] == ["rolled back"]
