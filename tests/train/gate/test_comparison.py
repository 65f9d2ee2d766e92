import json
from dataclasses import replace
from pathlib import Path

import pytest

from dataengine.errors import InputError
from dataengine.inference.exported import load_exported
from dataengine.train.gate.comparison import Comparison

from ..gate_round import PARAMS, Gate


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


@pytest.mark.parametrize(
    "broken", [{}, {"models": {}}, {"models": {"champion": None, "candidate": {}}, "settle": None}]
)
def test_what_is_no_verdict_is_told(broken: dict[str, object]) -> None:
    with pytest.raises(InputError, match="no verdict"):
        Comparison.from_json(broken)
