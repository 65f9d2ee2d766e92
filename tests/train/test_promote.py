import json
import multiprocessing
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from dataengine.errors import InputError
from dataengine.inference.exported import load_exported
from dataengine.train import promote as promote_module
from dataengine.train.promote import PromoteParams

from .gate_round import PARAMS, Gate


def test_first_promotion_makes_a_champion_with_its_artefacts(gate: Gate, exported: dict[str, Path]) -> None:
    gate.compare(exported["good"])
    promotion = gate.promote(exported["good"])
    assert promotion["outcome"] == "promoted"
    champion = gate.read().champion
    assert champion is not None
    assert champion.id == promotion["candidate"]
    stored = load_exported(gate.store / champion.id)
    assert stored.sha256 == champion.files
    assert champion.lineage["student_sha256"]
    assert {path.name for path in gate.store.iterdir()} == {champion.id}


def test_promoting_again_changes_nothing(gate: Gate, exported: dict[str, Path]) -> None:
    gate.compare(exported["good"])
    first = gate.promote(exported["good"])
    content = gate.registry.read_bytes()
    assert gate.promote(exported["good"]) == first
    assert gate.registry.read_bytes() == content


def test_a_worse_candidate_is_refused_with_the_reason(gate: Gate, exported: dict[str, Path]) -> None:
    gate.compare(exported["good"])
    gate.promote(exported["good"])
    champion = gate.read().champion
    gate.compare(exported["bad"], replace(PARAMS, champion=load_exported(exported["good"]).id))
    promotion = gate.promote(exported["bad"])
    assert promotion["outcome"] == "refused"
    assert "worse than the champion" in promotion["reason"]
    after = gate.read()
    assert after.champion == champion
    assert [(e.outcome, e.id) for e in after.events] == [
        ("promoted", load_exported(exported["good"]).id),
        ("refused", load_exported(exported["bad"]).id),
    ]
    assert after.events[1].reason == promotion["reason"]


def test_a_better_candidate_archives_the_champion(gate: Gate, exported: dict[str, Path]) -> None:
    gate.compare(exported["bad"], replace(PARAMS, floor_ap=0.0))
    gate.promote(exported["bad"])
    gate.compare(exported["good"], replace(PARAMS, champion=load_exported(exported["bad"]).id))
    gate.promote(exported["good"])
    assert [(e.id, e.state) for e in gate.read().entries] == [
        (load_exported(exported["bad"]).id, "archived"),
        (load_exported(exported["good"]).id, "champion"),
    ]


def test_a_candidate_is_held_when_another_became_champion(gate: Gate, exported: dict[str, Path]) -> None:
    gate.compare(exported["bad"], replace(PARAMS, floor_ap=0.0))
    gate.promote(exported["bad"])
    gate.compare(exported["good"])  # pinned to no champion, as if the round had begun before
    promotion = gate.promote(exported["good"])
    assert promotion["outcome"] == "held"
    assert "begin-round" in promotion["fix"]
    champion = gate.read().champion
    assert champion is not None
    assert champion.id == load_exported(exported["bad"]).id


def test_dry_run_changes_nothing(gate: Gate, exported: dict[str, Path]) -> None:
    gate.compare(exported["good"])
    content = gate.registry.read_bytes()
    assert gate.promote(exported["good"], dry_run=True)["outcome"] == "promoted"
    assert gate.registry.read_bytes() == content
    assert not list(gate.store.iterdir())


def test_a_verdict_on_another_model_is_refused(gate: Gate, exported: dict[str, Path]) -> None:
    gate.compare(exported["good"])
    with pytest.raises(InputError, match="another model"):
        gate.promote(exported["bad"])


def test_a_tampered_candidate_is_refused(gate: Gate, exported: dict[str, Path], tmp_path: Path) -> None:
    gate.compare(exported["good"])
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in exported["good"].iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    content = bytearray((copy / "model.engine").read_bytes())
    content[-1] ^= 1
    (copy / "model.engine").write_bytes(content)
    with pytest.raises(InputError, match=r"model\.engine is not the file"):
        gate.promote(copy)
    assert gate.read().champion is None


@pytest.mark.parametrize("broken", ["{}", '{"verdict": 1}', "not json"])
def test_a_broken_verdict_is_refused(gate: Gate, exported: dict[str, Path], broken: str) -> None:
    (gate.root / "compare").mkdir()
    (gate.root / "compare" / "verdict.json").write_text(broken)
    with pytest.raises(InputError, match=r"verdict\.json"):
        gate.promote(exported["good"])
    assert gate.read().events == ()


def test_a_verdict_edited_in_favour_of_another_model_is_refused(gate: Gate, exported: dict[str, Path]) -> None:
    record = gate.compare(exported["good"])
    record["candidate"] = load_exported(exported["bad"]).id
    (gate.root / "compare" / "verdict.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match="names another candidate than it measured"):
        gate.promote(exported["bad"])


def test_a_model_without_enough_evidence_waits_as_candidate(gate: Gate, exported: dict[str, Path]) -> None:
    gate.compare(exported["good"], replace(PARAMS, min_clusters=1000))
    assert gate.promote(exported["good"])["outcome"] == "not enough evidence"
    assert [(e.id, e.state) for e in gate.read().entries] == [(load_exported(exported["good"]).id, "candidate")]


KILLED = """
import os, signal, sys
from pathlib import Path
from dataengine.registry import store as model_store
from dataengine.train import promote
moment, root, candidate = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
def die(*arguments, **named):
    os.kill(os.getpid(), signal.SIGKILL)
calls = 0
whole = model_store.shutil.copyfile
def die_at_second(source, target):
    global calls
    calls += 1
    if calls == 2:
        Path(target).write_bytes(Path(source).read_bytes()[:100])
        die()
    return whole(source, target)
if moment == "copying":
    model_store.shutil.copyfile = die_at_second
else:
    promote.write_registry = die
promote.run(promote.PromoteParams(False), comparison=root / "compare", candidate=candidate,
            registry=root / "models" / "registry.json", store=root / "store", out=root / "promote")
"""


@pytest.mark.parametrize("moment", ["copying", "before the registry"])
def test_kill_in_mid_promotion_leaves_a_right_registry_and_the_rerun_finishes(
    gate: Gate, exported: dict[str, Path], moment: str
) -> None:
    gate.compare(exported["good"])
    content = gate.registry.read_bytes()
    command = [sys.executable, "-c", KILLED, moment, str(gate.root), str(exported["good"])]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert gate.registry.read_bytes() == content
    assert gate.read().champion is None
    assert not (gate.root / "promote" / "promotion.json").exists()
    assert gate.promote(exported["good"])["outcome"] == "promoted"
    champion = gate.read().champion
    assert champion is not None
    load_exported(gate.store / champion.id)
    assert [path.name for path in gate.store.iterdir()] == [champion.id]


def _promote(root: Path, name: str, candidate: Path, barrier: "multiprocessing.synchronize.Barrier") -> None:
    barrier.wait()
    promote_module.run(
        PromoteParams(False),
        comparison=root / f"compare-{name}",
        candidate=candidate,
        registry=root / "models/registry.json",
        store=root / "store",
        out=root / name,
    )


def test_two_processes_at_once_make_one_champion(gate: Gate, exported: dict[str, Path]) -> None:
    for name in ("good", "bad"):
        gate.compare(exported[name], replace(PARAMS, floor_ap=0.0))
        (gate.root / "compare").rename(gate.root / f"compare-{name}")
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    processes = [
        context.Process(target=_promote, args=(gate.root, name, exported[name], barrier)) for name in ("good", "bad")
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    outcomes = {n: json.loads((gate.root / n / "promotion.json").read_text()) for n in ("good", "bad")}
    assert sorted(o["outcome"] for o in outcomes.values()) == ["held", "promoted"]
    registry = gate.read()
    champion = registry.champion
    assert champion is not None
    assert outcomes["good" if champion.id == load_exported(exported["good"]).id else "bad"]["outcome"] == "promoted"
    assert sorted(e.state for e in registry.entries) == ["candidate", "champion"]
    assert sorted(e.outcome for e in registry.events) == ["held", "promoted"]
    assert os.listdir(gate.registry.parent) == ["registry.json"]  # noqa: PTH208
