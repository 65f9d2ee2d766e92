import os
import pty
import subprocess
import sys
import termios

FAILS_HALF_WAY = """
import sys
import termios
import typer
from dataengine import cli
from dataengine.errors import InputError
from dataengine.terminal.progress import track
from dataengine.terminal.speech import say
def work() -> None:
    numbers = track(range(3), "fit")  # held by a name, it outlives the error
    for number in numbers:
        if number == 1:
            say("number 1 is fitted")
        if number == 2:
            raise InputError("number 2 cannot be fitted")
command = typer.Typer(add_completion=False)
command.command()(work)
cli.app = command
cli.main([])
"""


def test_an_error_has_a_line_of_its_own_below_the_bar_of_the_work_that_it_ends() -> None:
    done = subprocess.run([sys.executable, "-c", FAILS_HALF_WAY], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    *before, last = done.stderr.splitlines()
    assert last == "dataengine: error: number 2 cannot be fitted"
    assert "/3" in before[-1]


def test_in_a_terminal_a_bar_makes_room_for_what_is_said() -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        subprocess.run([sys.executable, "-c", FAILS_HALF_WAY], stderr=theirs, timeout=60, check=False)
        shown = terminal.read(65536).decode()
    said = [line.strip() for line in shown.split("\r") if "number" in line]
    assert said == ["number 1 is fitted", "dataengine: error: number 2 cannot be fitted"]
