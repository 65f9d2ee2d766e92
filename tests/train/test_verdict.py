from dataclasses import replace

import pytest

from dataengine.errors import ParamsError
from dataengine.evaluation.bootstrap import Interval
from dataengine.train.verdict import CompareParams, judge

PARAMS = CompareParams(
    champion="",
    floor_ap=0.3,
    min_gain=0.01,
    level=0.95,
    resamples=200,
    cluster="frames",
    block_frames=4,
    min_clusters=5,
    runner="onnx",
    threads=1,
    seed=0,
)
ANY = Interval(0.5, 0.4, 0.6)


@pytest.mark.parametrize(
    ("low", "high", "decision"),
    [(0.31, 0.5, "promote"), (0.1, 0.29, "reject"), (0.2, 0.4, "not-enough-evidence")],
)
def test_first_model_must_clear_the_floor(low: float, high: float, decision: str) -> None:
    verdict = judge(PARAMS, Interval((low + high) / 2, low, high), None, clusters=10)
    assert verdict.decision == decision
    assert "floor of 0.3" in verdict.reason


@pytest.mark.parametrize(
    ("low", "high", "decision", "reason"),
    [
        (0.02, 0.05, "promote", "beats the champion"),
        (-0.3, -0.1, "reject", "worse than the champion"),
        (0.0, 0.0, "reject", "does not reach"),
        (-0.02, 0.05, "not-enough-evidence", "not shown"),
        (0.005, 0.05, "not-enough-evidence", "not shown"),  # better, but not by what was asked for
    ],
)
def test_later_model_must_gain(low: float, high: float, decision: str, reason: str) -> None:
    verdict = judge(PARAMS, ANY, Interval((low + high) / 2, low, high), clusters=10)
    assert verdict.decision == decision
    assert reason in verdict.reason


def test_few_clusters_are_no_evidence() -> None:
    assert judge(PARAMS, ANY, Interval(0.2, 0.1, 0.3), clusters=4).decision == "not-enough-evidence"


def test_senseless_params_are_refused() -> None:
    with pytest.raises(ParamsError, match="level"):
        replace(PARAMS, level=95.0)
    with pytest.raises(ParamsError, match="resamples"):
        replace(PARAMS, resamples=5)
