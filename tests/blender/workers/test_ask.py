"""One answer from another process: given, refused, or none because it died or hangs. Real processes."""

import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from dataengine.blender.workers.ask import ask
from dataengine.blender.workers.job import Job
from dataengine.blender.workers.process import WorkerProcess
from dataengine.errors import EnvironmentFault

PYTHON = Path(sys.executable)


pytestmark = pytest.mark.usefixtures("makers_can_be_asked")


def test_the_answer_comes_back() -> None:
    assert ask(PYTHON, "worker_makers:add", {"first": 0.1, "second": 0.2}, 60) == 0.1 + 0.2


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("raise", r"gave no answer: got ValueError: no such light"),
        ("fault", r"no device: expected one of cpu, got optix; set auto"),
        ("die", r"gave no answer: got exit code 3, out of memory"),
        ("hang", r"gave no answer: got nothing within 600 s"),
    ],
)
def test_no_answer_is_one_line_and_leaves_no_process(
    how: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def monotonic() -> float:
        """A clock that runs on by an hour once the process hangs."""
        return time.monotonic() + (3600 if how == "hang" and (tmp_path / "pid").exists() else 0)

    monkeypatch.setattr("dataengine.blender.workers.ask.time", SimpleNamespace(monotonic=monotonic))
    with pytest.raises(EnvironmentFault, match=words) as raised:
        ask(PYTHON, "worker_makers:misbehave", {"how": how, "folder": str(tmp_path)}, 600)
    assert "\n" not in str(raised.value)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_waiting_is_told_of(tmp_path: Path) -> None:
    told: list[float] = []
    with pytest.raises(EnvironmentFault, match="nothing within 3 s"):
        arguments = {"how": "hang", "folder": str(tmp_path)}
        ask(PYTHON, "worker_makers:misbehave", arguments, 3, meanwhile=told.append)
    assert told and told == sorted(told)


def test_a_program_that_is_no_python_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="does not run: got"):
        ask(tmp_path / "nothing", "worker_makers:add", {}, 60)
    with pytest.raises(EnvironmentFault, match="gave no answer: got exit code 1"):
        ask(Path("/bin/false"), "worker_makers:add", {}, 60)


def test_a_worker_has_its_own_session_one_thread_and_none_of_our_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/of/the/parent")
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    (tmp_path / "job.json").write_text(Job("worker_makers:Surroundings", {}).to_json())
    worker = WorkerProcess(PYTHON, tmp_path / "job.json")
    worker.send({"index": 0})
    assert worker.receive() == {"kind": "started"}
    seen = worker.receive()["value"]
    worker.dismiss()
    assert not worker.is_alive() and worker.exit_code() == 0
    assert seen["threads"] == ["1", "1"] and os.environ["OMP_NUM_THREADS"] == "5"
    assert seen["pythonpath"] is None and "/of/the/parent" not in seen["path"]
    assert seen["session"] and seen["interrupts"]
    assert Path(seen["executable"]) == PYTHON
