"""The project's own sigmas in the gate: other figures, another policy and comparison, and a history that says so."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from dataengine.coco_json import read_people
from dataengine.errors import InputError, ParamsError
from dataengine.evaluation.ap.oks import coco_ap, joint_ap
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.inference.exported import ONNX_FP16, load_exported
from dataengine.inference.running.predict import onnx_runner, predict_people
from dataengine.params import load_section
from dataengine.registry import history
from dataengine.train import begin_round, compare, diff, promote
from dataengine.train.gate.policy import CompareParams

from ...helpers.own_sigmas import OWN, OWN_PROTOCOL, params_with_own_sigmas
from ..gate_round import PARAMS, Gate

ZERO_FLOOR = replace(PARAMS, floor_ap=0.0)


def carry_out(gate: Gate, candidate: Path, params: Path, *, compared: bool = False) -> None:
    """Compare, unless that is done, and promote, as `dvc repro` does it."""
    out = gate.root / "compare"
    paths = {"candidate": candidate, "registry": gate.registry, "store": gate.store, "params": params}
    if not compared:
        compare.command(**paths, test=gate.test, out=out, balance=None, detector=None)
    promote.command(**paths, comparison=out, out=gate.root / "promote")


def own_params(gate: Gate, params: CompareParams = ZERO_FLOOR) -> Path:
    path = gate.write_params(params)
    text = path.read_text()
    start, end = text.index("oks:"), text.index("promote:")
    path.write_text(text[:start] + params_with_own_sigmas(gate.root) + text[end:])
    return path


def test_a_verdict_counts_by_them_and_everything_says_so(
    gate: Gate, exported: dict[str, Path], round_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = own_params(gate)
    begin_round.command(params=params)
    carry_out(gate, exported["good"], params)
    verdict = json.loads((gate.root / "compare/verdict.json").read_text())
    people, images = read_people(gate.test, root=round_folder)
    model = load_exported(exported["good"])
    found = predict_people(onnx_runner(model.folder / ONNX_FP16), model.meta, people, images).as_people(people)
    expected = coco_ap(people, images, found, OWN_PROTOCOL)
    assert verdict["AP"]["value"] == pytest.approx(expected["AP"], abs=1e-9)
    assert expected["AP"] < coco_ap(people, images, found)["AP"]
    figures = verdict["models"]["candidate"]
    assert figures["joints"] == pytest.approx(joint_ap(people, images, found, OWN_PROTOCOL), abs=1e-9)
    metrics = json.loads((gate.root / "compare/metrics.json").read_text())
    registry = gate.read()
    (use,), champion = registry.ledger.uses, registry.champion
    assert champion is not None and champion.id == model.id
    named = (verdict["test"]["oks_sigmas"], metrics["oks_sigmas"], use.inputs.oks_sigmas, champion.oks_sigmas)
    assert set(named) == {OWN.name} == {event.oks_sigmas for event in registry.events}
    assert OWN.name in (gate.root / "compare/report.html").read_text()
    capsys.readouterr()
    history.run(registry=gate.registry)
    assert OWN.name in capsys.readouterr().out


def test_other_sigmas_are_another_policy_and_another_comparison(gate: Gate, exported: dict[str, Path]) -> None:
    begun = gate.begun(ZERO_FLOOR)
    gate.compare(exported["good"], begun, begin=False)
    with pytest.raises(ParamsError, match=rf"section compare, or oks.*got .*{OWN.name}; .*begin-round"):
        gate.compare(exported["good"], begun, begin=False, protocol=OWN_PROTOCOL)
    params = own_params(gate)
    begin_round.command(params=params)
    by_own = load_section(params, "compare", CompareParams)
    assert by_own.policy == by_own.hash_with(OWN.name) != begun.policy
    verdict = gate.compare(exported["good"], by_own, begin=False, protocol=load_protocol(params))
    assert verdict["test"]["use"] == 2, "the second look at the test set"
    first, second = gate.read().ledger.uses
    assert (first.inputs.oks_sigmas, second.inputs.oks_sigmas) == ("COCO", OWN.name)
    assert first.inputs.id != second.inputs.id


def test_a_verdict_by_other_sigmas_is_not_carried_out(gate: Gate, exported: dict[str, Path]) -> None:
    gate.compare(exported["good"], ZERO_FLOOR)
    with pytest.raises(InputError, match=rf"other sigmas than those of section oks: expected {OWN.name}, got COCO"):
        carry_out(gate, exported["good"], own_params(gate), compared=True)
    assert gate.read().champion is None


def test_figures_by_different_sigmas_are_not_compared_in_silence(
    gate: Gate, exported: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    gate.compare(exported["good"], ZERO_FLOOR)
    gate.promote(exported["good"])
    no_guards = replace(PARAMS.guarded, slices=[])
    params = own_params(gate, replace(PARAMS, min_clusters=1000, guarded=no_guards))
    begin_round.command(params=params)
    carry_out(gate, exported["bad"], params)
    capsys.readouterr()
    diff.run("champion", load_exported(exported["bad"]).id, registry=gate.registry, store=gate.store)
    shown = capsys.readouterr().out
    assert re.search(rf"sigmas of OKS +│ COCO +│ {OWN.name}", shown)
    assert "count OKS by different sigmas and cannot be compared" in shown
