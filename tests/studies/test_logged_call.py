"""A study's commands as processes of their own."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from dataengine.errors import InputError
from dataengine.studies.logged_call import call_logged, run_logged


def test_output_is_kept_and_a_failure_names_its_last_line(tmp_path: Path) -> None:
    log = tmp_path / "deep" / "study.log"
    call_logged(["history", "--help"], log, "history")
    assert log.read_text().startswith("\n$ dataengine history --help\n") and "Usage" in log.read_text()
    with pytest.raises(InputError, match=r"the fit of a failed: .*no-such-command.*study\.log"):
        call_logged(["no-such-command"], log, "the fit of a")
    assert log.read_text().count("\n$ dataengine ") == 2


def test_lines_are_those_of_this_program_alone(tmp_path: Path) -> None:
    log = tmp_path / "study.log"
    assert run_logged([sys.executable, "-c", "print('ERROR: old')"], log, "first") == (0, ["ERROR: old"])
    dies = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert run_logged([sys.executable, "-c", dies], log, "second") == (-9, [])
    assert log.read_text() == "\n$ first\nERROR: old\n\n$ second\n"


def test_a_study_that_is_asked_to_end_ends_all_that_it_started(tmp_path: Path) -> None:
    """DVC alone does not: it would leave the stage that it runs."""
    stage = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    dvc = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {stage!r}])"
    study = f"""
import signal
import subprocess
import sys
import time
from pathlib import Path
from dataengine.studies.logged_call import run_logged
from dataengine.terminal.ending import stopped_in_one_line
with stopped_in_one_line():
    run_logged([sys.executable, "-c", {dvc!r}], Path(sys.argv[1]), "dvc")
"""
    log = tmp_path / "study.log"
    started = subprocess.Popen([sys.executable, "-c", study, str(log)])
    try:
        end_s = time.monotonic() + 60
        while not (lines := log.read_text().split() if log.is_file() else []) or not lines[-1].isdigit():
            assert time.monotonic() < end_s
            time.sleep(0.05)
        started.send_signal(signal.SIGTERM)
        assert started.wait(60) == 128 + signal.SIGTERM
    finally:
        started.kill()
    assert not psutil.pid_exists(int(lines[-1]))
