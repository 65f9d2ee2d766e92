"""A study's commands as processes of their own."""

import sys
from pathlib import Path

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
