"""What section `export` refuses before any work."""

from dataclasses import replace
from typing import Any

import pytest

from dataengine.errors import ParamsError

from ..exported_models import PARAMS


@pytest.mark.parametrize("name", ["calibration_crops", "typical_batch", "latency_runs", "threads"])
def test_nothing_is_measured_with_none(name: str) -> None:
    nothing: dict[str, Any] = {name: 0}
    with pytest.raises(ParamsError, match=f"{name}: expected 1 or more, got 0"):
        replace(PARAMS, **nothing)


def test_the_typical_batch_is_one_that_the_engine_takes() -> None:
    with pytest.raises(ParamsError, match=r"max_batch: expected typical_batch \(8\) or more, got 7"):
        replace(PARAMS, max_batch=7)
