import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dataengine.terminal.ending import ended_by_sigterm

COMMAND = """
import os, signal, sys
from pathlib import Path
import typer
from dataengine import cli
from dataengine.files import fresh_folder
def work(out: Path) -> None:
    with fresh_folder(out) as draft:
        (draft / "half").write_text("half")
        os.kill(os.getpid(), signal.SIGTERM)
command = typer.Typer(add_completion=False)
command.command()(work)
cli.app = command
cli.main([sys.argv[1]])
"""


def test_a_command_that_is_asked_to_end_clears_up(tmp_path: Path) -> None:
    words = [sys.executable, "-c", COMMAND, str(tmp_path / "out")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 128 + signal.SIGTERM
    assert done.stderr == "dataengine: stopped by SIGTERM\n"
    assert not list(tmp_path.iterdir())


def test_a_second_signal_ends_at_once() -> None:
    with pytest.raises(SystemExit), ended_by_sigterm():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_who_listens_to_the_signal_goes_on_to() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with ended_by_sigterm():
            signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
