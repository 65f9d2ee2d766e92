import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dataengine.errors import InputError
from dataengine.evaluation.analysis.interval import Interval
from dataengine.inference.exported import load_exported
from dataengine.train.gate.comparison import (
    Check,
    Comparison,
    Error,
    ErrorRow,
    ModelFigures,
    PoseCounts,
    ReliabilityBin,
    Settle,
    SliceRow,
    TestSet,
    read_verdict,
)

from ..gate_round import PARAMS, Gate

MISSING = object()


@pytest.fixture
def occluded(gate: Gate) -> Gate:
    """The same test set with a joint of every second person occluded, so that there are slices."""
    labels = json.loads(gate.test.read_text())
    for annotation in labels["annotations"][::2]:
        joint = next(j for j in range(17) if annotation["keypoints"][3 * j + 2])
        annotation["keypoints"][3 * joint + 2] = 1
    path = gate.test.with_name("occluded.json")
    path.write_text(json.dumps(labels))
    return Gate(gate.root, path)


def test_what_is_written_is_read_back(occluded: Gate, exported: dict[str, Path]) -> None:
    gate = occluded
    first = gate.compare(exported["good"])
    gate.promote(exported["good"])
    second = gate.compare(exported["bad"], replace(PARAMS, champion=load_exported(exported["good"]).id))
    for record in (first, second):
        comparison = Comparison.from_json(record)
        assert json.loads(json.dumps(comparison.as_json())) == record
        assert Comparison.from_json(comparison.as_json()) == comparison
    assert first["champion"] == ""
    assert first["models"]["champion"] is None
    assert second["models"]["champion"]["id"] == second["champion"] == first["candidate"]
    assert -1 <= second["correlation"] <= 1
    guarded = {row["name"]: row["people"] for row in second["slices"] if row["guarded"]}
    assert guarded == {"occlusion=none": 20, "occlusion=some": 20}
    assert {check["name"] for check in second["checks"] if check["kind"] == "guard"} == set(guarded)


def model(model_id: str) -> ModelFigures:
    """A model with one of everything."""
    return ModelFigures(
        id=model_id,
        file="model_fp16.onnx",
        figures={"AP": 0.5, "AP50": 0.8},
        joints={"nose": 0.6},
        latency_ms={"1": 2.5},
        machine="a machine",
        size_bytes=1000,
        ece=0.1,
        reliability=(ReliabilityBin(0.7, 0.6, 12),),
        errors=(ErrorRow("jitter", 3, 0.02),),
    )


def record_with(*path: str | int, value: Any) -> Any:
    """The file of a comparison against a champion, with the value at `path` changed by hand."""
    interval = Interval(0.1, 0.0, 0.2)
    comparison = Comparison(
        verdict="not-enough-evidence",
        reason="Few people.",
        round=2,
        candidate=model("aaa"),
        champion=model("bbb"),
        ap=interval,
        champion_ap=interval,
        gain=interval,
        correlation=0.9,
        slices=(SliceRow("size=large", 5, 4, 3.5, None, interval, None, True),),
        checks=(Check("superiority", "primary", 0.1, 0.0, None, "Open."),),
        test=TestSet("c" * 64, "1", 20, 10, 8, 2, 10, 0.005),
        error=Error(0.05, 0.005, 0.01, 0.04),
        settle=Settle(100, 50, "promote", "if nothing changes"),
        warnings=("Label more.",),
        policy={"alpha": 0.05, "columns": []},
        resamples=5000,
        poses=PoseCounts("d", 12, 3, 9, 20, 2, 1, 0.4, 0),
    )
    record = json.loads(json.dumps(comparison.as_json()))
    assert Comparison.from_json(record) == comparison
    part = record
    for key in path[:-1]:
        part = part[key]
    if value is MISSING:
        del part[path[-1]]
    else:
        part[path[-1]] = value
    return record


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("verdict",), "yes", r"verdict\.verdict: expected promote \| reject \| not-enough-evidence, got 'yes'"),
        (("reason",), None, r"verdict\.reason: expected a text, got None"),
        (("AP", "value"), "high", r"verdict\.ap\.value: expected a number, got 'high'"),
        (("AP", "low"), float("nan"), r"expected a number, got nan"),
        (("round",), True, r"verdict\.round: expected a whole number, got True"),
        (("test", "use"), 1.5, r"verdict\.test\.use: expected a whole number, got 1\.5"),
        (("checks", 0, "kind"), "taste", r"verdict\.checks\[0\]\.kind: expected test-set \|"),
        (("checks", 0, "passed"), "no", r"verdict\.checks\[0\]\.passed: expected true or false, got 'no'"),
        (("models", "candidate", "figures", "AP"), None, r"figures\.AP: expected a number, got None"),
        (("models", "candidate", "figures"), [], r"figures: expected a mapping"),
        (("models", "champion"), MISSING, r"verdict\.models lacks a key: expected champion"),
        (("correlation",), MISSING, r"lacks a key: expected correlation"),
        (("slices",), {}, r"verdict\.slices: expected a list, got \{\}"),
        (("mood",), "good", r"has an unknown key: .*, got mood"),
        (("test", "sha"), "x", r"verdict\.test has an unknown key"),
        (("candidate",), "zzz", r"names another candidate than it measured: expected aaa, got zzz"),
        (("champion",), "", r"names another champion than it measured: expected bbb"),
    ],
)
def test_a_changed_verdict_is_refused_in_one_line(
    path: tuple[str | int, ...], value: object, words: str, tmp_path: Path
) -> None:
    file = tmp_path / "verdict.json"
    file.write_text(json.dumps(record_with(*path, value=value)))
    with pytest.raises(InputError, match=words) as refusal:
        read_verdict(file)
    line = str(refusal.value)
    assert line.startswith(str(file))
    assert line.endswith("run `dataengine compare` again")
    assert "\n" not in line


def test_a_verdict_from_before_pose_clusters_is_read() -> None:
    assert Comparison.from_json(record_with("poses", value=MISSING)).poses is None


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "null", '"promote"', '{"models": {}}', '{"verdict": 1, "verdict": 2}', "{"]
)
def test_what_is_not_a_verdict_is_refused(content: str, tmp_path: Path) -> None:
    file = tmp_path / "verdict.json"
    file.write_text(content)
    with pytest.raises(InputError, match=r"verdict\.json"):
        read_verdict(file)
