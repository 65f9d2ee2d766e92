"""A job's way through JSON: everything arrives as what the maker's annotations say, and nothing else gets through."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataengine.blender.workers.job import Job, build
from dataengine.errors import InputError

HERE = Path(__file__).parent
_FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@pytest.fixture(scope="module", autouse=True)
def _makers() -> Any:
    sys.path.append(str(HERE))
    yield
    sys.path.remove(str(HERE))


@given(_FLOATS, _FLOATS, st.text(), st.lists(st.text(max_size=5), max_size=3))
def test_arguments_arrive_as_they_were(low: float, high: float, note: str, names: list[str]) -> None:
    from worker_makers import Range

    span = Range((low, high), names, note)
    arguments = {"place": Path("out") / "images", "span": span, "ranges": [span, Range((0.0, 1.0), [])], "share": 1}
    made = build(Job("worker_makers:Echo", arguments).to_json())
    assert made.held == (Path("out/images"), span, [span, Range((0.0, 1.0), [])], 1.0)
    assert isinstance(made.held[3], float)


def test_an_argument_that_does_not_fit_is_named() -> None:
    text = Job(
        "worker_makers:Echo", {"place": Path("p"), "span": {"low_high": [1], "names": []}, "ranges": []}
    ).to_json()
    with pytest.raises(InputError, match=r"argument span\.low_high: expected 2 values"):
        build(text)
    unknown = Job("worker_makers:Echo", {"place": "p", "span": {"wide": 1}, "ranges": []}).to_json()
    with pytest.raises(InputError, match="argument span has an unknown key"):
        build(unknown)


def test_what_json_cannot_carry_is_refused_by_the_parent() -> None:
    with pytest.raises(TypeError, match="set"):
        Job("worker_makers:Echo", {"place": {1, 2}}).to_json()


def test_a_job_is_plain_json() -> None:
    job = json.loads(Job("worker_makers:Notebook", {"folder": Path("/a"), "fails": [(1, "raise")]}).to_json())
    assert job == {"maker": "worker_makers:Notebook", "arguments": {"folder": "/a", "fails": [[1, "raise"]]}}
