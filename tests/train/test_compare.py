import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from dataengine.coco_json import read_people
from dataengine.errors import InputError
from dataengine.evaluation.oks import coco_ap
from dataengine.exported import ONNX_FP16, load_exported
from dataengine.predict import onnx_runner, predict_people

from .gate_round import PARAMS, Gate


def test_first_model_is_judged_against_the_floor(gate: Gate, exported: dict[str, Path], round_folder: Path) -> None:
    verdict = gate.compare(exported["good"])
    assert verdict["verdict"] == "promote"
    assert verdict["champion"] == ""
    model = load_exported(exported["good"])
    people, images = read_people(gate.test, root=round_folder)
    found = predict_people(onnx_runner(exported["good"] / ONNX_FP16), model.meta, people, images).as_people(people)
    expected = coco_ap(people, images, found)["AP"]
    assert verdict["AP"]["value"] == pytest.approx(expected, abs=1e-9)
    assert verdict["AP"]["low"] <= expected <= verdict["AP"]["high"]
    metrics = json.loads((gate.root / "compare" / "metrics.json").read_text())
    assert metrics["candidate"]["AP"] == pytest.approx(expected)
    facts = {"people": 40, "images": 40, "clusters": 10, "use": 1, "budget": 10}
    assert {name: verdict["test"][name] for name in facts} == facts


def test_a_high_floor_rejects(gate: Gate, exported: dict[str, Path]) -> None:
    verdict = gate.compare(exported["bad"], replace(PARAMS, floor_ap=0.95))
    assert verdict["verdict"] == "reject"
    assert "misses the floor" in verdict["reason"]


def test_a_candidate_worse_on_purpose_is_rejected_and_a_better_one_promoted(
    gate: Gate, exported: dict[str, Path]
) -> None:
    for champion, candidate, expected in (("good", "bad", "reject"), ("bad", "good", "promote")):
        gate.compare(exported[champion], replace(PARAMS, floor_ap=0.0))
        here = Gate.fresh(gate.root / champion, gate.test)
        here.compare(exported[champion], replace(PARAMS, floor_ap=0.0))
        assert here.promote(exported[champion])["outcome"] == "promoted"
        pinned = replace(PARAMS, champion=load_exported(exported[champion]).id)
        verdict = here.compare(exported[candidate], pinned)
        assert verdict["verdict"] == expected
        assert verdict["gain"]["low"] <= verdict["gain"]["value"] <= verdict["gain"]["high"]
        assert verdict["gain"]["value"] == pytest.approx(verdict["AP"]["value"] - verdict["champion_AP"]["value"])


def test_the_champion_itself_gains_nothing(gate: Gate, exported: dict[str, Path]) -> None:
    gate.compare(exported["good"])
    gate.promote(exported["good"])
    verdict = gate.compare(exported["good"], replace(PARAMS, champion=load_exported(exported["good"]).id))
    assert verdict["verdict"] == "reject"
    assert verdict["gain"] == {"value": 0.0, "low": 0.0, "high": 0.0}


def test_same_input_gives_the_same_verdict(gate: Gate, exported: dict[str, Path]) -> None:
    assert gate.compare(exported["good"]) == gate.compare(exported["good"])


def test_test_set_hash_follows_labels_and_pictures(gate: Gate, exported: dict[str, Path], tmp_path: Path) -> None:
    before = gate.compare(exported["good"])["test"]["sha256"]
    picture = next(iter(sorted(gate.test.with_suffix("").glob("*.png"))))
    content = picture.read_bytes()
    try:
        picture.write_bytes(content + b"\0")
        assert gate.compare(exported["good"])["test"]["sha256"] != before
    finally:
        picture.write_bytes(content)


def test_unknown_champion_is_told(gate: Gate, exported: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="begin-round"):
        gate.compare(exported["good"], replace(PARAMS, champion="nobody"))


def test_tampered_champion_is_refused(gate: Gate, exported: dict[str, Path]) -> None:
    gate.compare(exported["good"])
    gate.promote(exported["good"])
    champion = load_exported(exported["good"]).id
    path = gate.store / champion / ONNX_FP16
    content = bytearray(path.read_bytes())
    content[1000] ^= 4
    path.write_bytes(content)
    with pytest.raises(InputError, match="not the file that was exported"):
        gate.compare(exported["bad"], replace(PARAMS, champion=champion))


def test_a_champion_exchanged_together_with_its_sidecar_is_refused(gate: Gate, exported: dict[str, Path]) -> None:
    gate.compare(exported["good"])
    gate.promote(exported["good"])
    champion = load_exported(exported["good"]).id
    for path in (gate.store / champion).iterdir():
        path.unlink()
    for path in exported["bad"].iterdir():
        (gate.store / champion / path.name).write_bytes(path.read_bytes())
    with pytest.raises(InputError, match="not what the registry promoted"):
        gate.compare(exported["bad"], replace(PARAMS, champion=champion))


def test_asking_for_an_engine_that_is_not_there_is_told(gate: Gate, exported: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="no engine"):
        gate.compare(exported["bad"], replace(PARAMS, runner="engine"))


def test_report_is_one_file_with_the_verdict_first(gate: Gate, exported: dict[str, Path]) -> None:
    gate.compare(exported["good"])
    gate.promote(exported["good"])
    gate.compare(exported["bad"], replace(PARAMS, champion=load_exported(exported["good"]).id))
    html = (gate.root / "compare" / "report.html").read_text()
    body = html[html.index("<body>") :]
    assert body.startswith('<body><h1 class="reject">Do not promote the candidate.</h1>')
    assert body.count("<img") == 12
    assert body.count("<svg") == 2
    assert not re.search(r'(src|href)="(?!data:)', html)  # nothing is loaded from elsewhere
    assert "worse than the champion" in body
