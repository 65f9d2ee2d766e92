import json
import os
import shutil
from dataclasses import replace
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from dataengine.errors import InputError
from dataengine.files import write_json
from dataengine.inference.exported import load_exported
from dataengine.registry.ledger import Ledger
from dataengine.registry.records import Registry
from dataengine.registry.registry_file import write_registry
from dataengine.train import promote as promote_module
from dataengine.train.gate.comparison import Comparison
from dataengine.train.gate.conclusion import conclude, resampled
from dataengine.train.gate.measured import MeasuredComparison
from dataengine.train.promote import PromoteParams

from .gate_round import PARAMS, PROCESSES, Gate, die, killed


def test_first_promotion_makes_a_champion_with_its_artefacts(compared: Gate, exported: dict[str, Path]) -> None:
    promotion = compared.promote(exported["good"])
    assert promotion["outcome"] == "promoted"
    champion = compared.read().champion
    assert champion is not None
    assert champion.id == promotion["candidate"]
    stored = load_exported(compared.store / champion.id)
    assert stored.sha256 == champion.files
    assert champion.lineage["student_sha256"]
    assert {path.name for path in compared.store.iterdir()} == {champion.id}


def test_promoting_again_changes_nothing(compared: Gate, exported: dict[str, Path]) -> None:
    first = compared.promote(exported["good"])
    content = compared.registry.read_bytes()
    assert compared.promote(exported["good"]) == first
    assert compared.registry.read_bytes() == content


def test_a_worse_candidate_is_refused_with_the_reason(rejected: Gate, exported: dict[str, Path]) -> None:
    champion = rejected.read().champion
    promotion = rejected.promote(exported["bad"])
    assert promotion["outcome"] == "refused"
    assert "worse than the champion" in promotion["reason"]
    after = rejected.read()
    assert after.champion == champion
    assert [(e.outcome, e.id) for e in after.events] == [
        ("promoted", load_exported(exported["good"]).id),
        ("refused", load_exported(exported["bad"]).id),
    ]
    assert after.events[1].reason == promotion["reason"]


def test_a_better_candidate_archives_the_champion(twice: Gate, exported: dict[str, Path]) -> None:
    assert [(e.id, e.state) for e in twice.read().entries] == [
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


def test_dry_run_changes_nothing(compared: Gate, exported: dict[str, Path]) -> None:
    content = compared.registry.read_bytes()
    assert compared.promote(exported["good"], dry_run=True)["outcome"] == "promoted"
    assert compared.registry.read_bytes() == content
    assert not list(compared.store.iterdir())


def test_a_verdict_on_another_model_is_refused(compared: Gate, exported: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="another model"):
        compared.promote(exported["bad"])


def test_a_tampered_candidate_is_refused(compared: Gate, exported: dict[str, Path], tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in exported["good"].iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    content = bytearray((copy / "model.engine").read_bytes())
    content[-1] ^= 1
    (copy / "model.engine").write_bytes(content)
    with pytest.raises(InputError, match=r"model\.engine is not the file"):
        compared.promote(copy)
    assert compared.read().champion is None


@pytest.mark.parametrize("broken", ["{}", '{"verdict": 1}', "not json"])
def test_a_broken_verdict_is_refused(compared: Gate, exported: dict[str, Path], broken: str) -> None:
    (compared.root / "compare" / "verdict.json").write_text(broken)
    with pytest.raises(InputError, match=r"verdict\.json"):
        compared.promote(exported["good"])
    assert compared.read().events == ()


def test_a_verdict_edited_in_favour_of_another_model_is_refused(compared: Gate, exported: dict[str, Path]) -> None:
    record = compared.verdict()
    record["candidate"] = load_exported(exported["bad"]).id
    path = compared.root / "compare" / "verdict.json"
    path.write_text(json.dumps(record))
    with pytest.raises(InputError, match="names another candidate than it measured"):
        compared.promote(exported["bad"])
    record["models"]["candidate"]["id"] = record["candidate"]
    path.write_text(json.dumps(record))
    with pytest.raises(InputError, match=r"evidence\.npz is about other models than the verdict"):
        compared.promote(exported["bad"])


@pytest.mark.parametrize(
    "edit",
    [
        {"verdict": "promote"},
        {"verdict": "promote", "reason": "Every demand holds.", "checks": [], "settle": None, "warnings": []},
        {"AP": {"value": 0.9, "low": 0.8, "high": 1.0}},
        {"gain": {"value": 0.9, "low": 0.8, "high": 1.0}},
        {"reason": "Not promoted, though it was better."},
    ],
)
@pytest.mark.parametrize("is_in_the_ledger", [True, False])
def test_a_verdict_edited_by_hand_is_not_carried_out(
    rejected: Gate, exported: dict[str, Path], edit: dict[str, Any], is_in_the_ledger: bool
) -> None:
    gate, record = rejected, rejected.verdict()
    if not is_in_the_ledger:  # as where `git checkout` brings an older registry back
        write_registry(gate.registry, replace(gate.read(), ledger=Ledger()))
    before = gate.registry.read_bytes()
    (gate.root / "compare" / "verdict.json").write_text(json.dumps(record | edit))
    with pytest.raises(InputError, match="does not follow from its evidence: expected reject"):
        gate.promote(exported["bad"])
    assert gate.registry.read_bytes() == before


def test_a_verdict_with_a_milder_policy_written_into_it_is_not_carried_out(
    rejected: Gate, exported: dict[str, Path]
) -> None:
    gate, record = rejected, rejected.verdict()
    record["policy"]["primary"] = {"kind": "non-inferiority", "margin": 1.0}
    (gate.root / "compare" / "verdict.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match="another policy than that of section compare"):
        gate.promote(exported["bad"])


def test_evidence_from_elsewhere_is_not_what_the_ledger_names(rejected: Gate, exported: dict[str, Path]) -> None:
    """Evidence and verdict forged together: the candidate is given what the champion did."""
    gate, record = rejected, rejected.verdict()
    folder = gate.root / "compare"
    measured = MeasuredComparison.read(folder / "evidence.npz")
    assert measured.champion is not None
    forged = replace(measured, candidate=measured.champion, champion=measured.candidate)
    forged.write(folder / "evidence.npz")
    policy = gate.policy()
    conclusion, _ = conclude(policy, forged, resampled(policy, forged), record["test"]["use"], record["test"]["spent"])
    verdict = Comparison.from_json(record)
    for name in ("reason", "checks", "error", "settle", "warnings"):
        verdict = replace(verdict, **{name: getattr(conclusion.verdict, name)})
    for name in ("ap", "champion_ap", "gain"):
        verdict = replace(verdict, **{name: getattr(conclusion, name)})
    verdict = replace(verdict, verdict=conclusion.verdict.decision)
    assert verdict.verdict == "promote"
    write_json(folder / "verdict.json", verdict.as_json())
    with pytest.raises(InputError, match=r"evidence\.npz is not what the registry's ledger names"):
        gate.promote(exported["bad"])


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip"])
def test_broken_evidence_is_refused_in_one_line(compared: Gate, exported: dict[str, Path], content: bytes) -> None:
    path = compared.root / "compare" / "evidence.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match="is not the evidence of a comparison") as refusal:
        compared.promote(exported["good"])
    assert "\n" not in str(refusal.value)
    path.unlink()
    with pytest.raises(InputError, match=r"evidence\.npz does not exist"):
        compared.promote(exported["good"])


def test_a_verdict_from_the_run_cache_is_entered_when_it_is_carried_out(
    compared: Gate, exported: dict[str, Path]
) -> None:
    """On a branch whose registry has not seen the comparison DVC brings the result back without a run."""
    ledger = compared.read().ledger
    write_registry(compared.registry, Registry())
    assert compared.promote(exported["good"])["outcome"] == "promoted"
    assert compared.read().ledger.uses[0].inputs == ledger.uses[0].inputs


def test_a_model_without_enough_evidence_waits_as_candidate(gate: Gate, exported: dict[str, Path]) -> None:
    gate.compare(exported["good"], replace(PARAMS, min_clusters=1000))
    assert gate.promote(exported["good"])["outcome"] == "not enough evidence"
    assert [(e.id, e.state) for e in gate.read().entries] == [(load_exported(exported["good"]).id, "candidate")]


def _promote_until(moment: str, gate: Gate, candidate: Path) -> None:
    """Die in the middle of a file that is copied, or before the registry is written."""
    copied, whole = [], shutil.copyfile

    def die_at_second(source: Path, target: Path) -> None:
        copied.append(target)
        if len(copied) == 2:
            target.write_bytes(source.read_bytes()[:100])
            die()
        whole(source, target)

    if moment == "copying":
        shutil.copyfile = die_at_second  # type: ignore[assignment]  # in a process of its own
    else:
        promote_module.write_registry = die
    gate.promote(candidate)


@pytest.mark.parametrize("moment", ["copying", "before the registry"])
def test_kill_in_mid_promotion_leaves_a_right_registry_and_the_rerun_finishes(
    compared: Gate, exported: dict[str, Path], moment: str
) -> None:
    content = compared.registry.read_bytes()
    assert killed(_promote_until, moment, compared, exported["good"])
    assert compared.registry.read_bytes() == content
    assert compared.read().champion is None
    assert not (compared.root / "promote" / "promotion.json").exists()
    assert compared.promote(exported["good"])["outcome"] == "promoted"
    champion = compared.read().champion
    assert champion is not None
    load_exported(compared.store / champion.id)
    assert [path.name for path in compared.store.iterdir()] == [champion.id]


def _promote(root: Path, name: str, candidate: Path, barrier: Barrier) -> None:
    barrier.wait()
    promote_module.run(
        PromoteParams(False, []),
        Gate(root, root).policy(),
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
    barrier = PROCESSES.Barrier(2)
    processes = [
        PROCESSES.Process(target=_promote, args=(gate.root, name, exported[name], barrier)) for name in ("good", "bad")
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
