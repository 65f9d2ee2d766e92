import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dataengine.terminal.ending import stopped_in_one_line

COMMAND = """
import os, signal, sys
from pathlib import Path
import typer
from dataengine import cli
from dataengine.files import fresh_folder
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell starts with it ignored
def work(out: Path) -> None:
    with fresh_folder(out) as draft:
        (draft / "half").write_text("half")
        os.kill(os.getpid(), int(sys.argv[2]))
command = typer.Typer(add_completion=False)
command.command()(work)
cli.app = command
cli.main([sys.argv[1]])
"""


@pytest.mark.parametrize(("number", "name"), [(signal.SIGTERM, "SIGTERM"), (signal.SIGINT, "Ctrl-C")])
def test_a_command_that_is_stopped_clears_up_and_says_so(tmp_path: Path, number: int, name: str) -> None:
    words = [sys.executable, "-c", COMMAND, str(tmp_path / "out"), str(int(number))]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 128 + number
    assert done.stderr == f"dataengine: stopped by {name}\n"
    assert not list(tmp_path.iterdir())


@pytest.fixture
def nobody_listens() -> Iterator[None]:
    """SIGTERM as a fresh process has it: libraries that other tests of this process import may listen to it."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("nobody_listens")
def test_a_second_signal_ends_at_once() -> None:
    with pytest.raises(SystemExit), stopped_in_one_line():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.usefixtures("nobody_listens")
def test_who_listens_to_the_signal_goes_on_to() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with stopped_in_one_line():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
