"""What a command started ends with it: asked to end, and killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from dataengine.terminal.programs import STARTER

PATIENCE_S = 60.0
STAGE = """
import os, time
from pathlib import Path
import typer
from dataengine import cli
from dataengine.files import fresh_folder
def work(out: Path) -> None:
    with fresh_folder(out) as draft:
        (draft / "half").write_text("half")
        print(os.getpid(), flush=True)
        time.sleep(600)
cli.app = typer.Typer(add_completion=False)
cli.app.command()(work)
cli.main()
"""
DVC = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]], start_new_session=True)"
STUDY = """
import sys
from dataengine.terminal.ending import stopped_in_one_line
from dataengine.terminal.programs import exit_code
with stopped_in_one_line():
    exit_code([sys.executable, "-c", *sys.argv[1:]])
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only Linux says when a process has ended")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_stage_ends_with_the_study_above_it_and_clears_up(tmp_path: Path, number: signal.Signals) -> None:
    words = [sys.executable, "-c", STUDY, DVC, STAGE, str(tmp_path / "out")]
    study = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert study.stdout is not None and study.stderr is not None
        stage = psutil.Process(int(study.stdout.readline()))
        study.send_signal(number)
        stage.wait(PATIENCE_S)
        said = study.stderr.read()
    finally:
        study.kill()
        study.wait()
    assert not list(tmp_path.iterdir()), "the draft is gone"
    assert "dataengine: stopped by SIGTERM" in said and "Traceback" not in said
    assert (f"process {study.pid}, for which this command works, is gone" in said) == (number == signal.SIGKILL)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only Linux says when a process has ended")
def test_a_command_whose_starter_is_gone_already_ends_at_once(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    begun_s = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", STAGE, str(tmp_path / "out")],
        env={**os.environ, STARTER: str(gone.pid)},
        capture_output=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 128 + signal.SIGTERM and time.monotonic() - begun_s < PATIENCE_S
    assert not list(tmp_path.iterdir())
