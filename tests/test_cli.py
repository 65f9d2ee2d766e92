import os
import subprocess
import sys
from pathlib import Path

import pytest

from dataengine.cli import COMMANDS, main
from dataengine.errors import InputError


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dataengine", *arguments], capture_output=True, text=True, timeout=120, cwd=cwd
    )


def test_help_lists_every_command() -> None:
    shown = run("--help").stdout
    assert all(name in shown for name in COMMANDS)


def test_help_fits_a_terminal_with_each_summary_on_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dataengine", "--help"],
        capture_output=True, text=True, timeout=120, env={**os.environ, "COLUMNS": "80"},
    )  # fmt: skip
    for name, entry in COMMANDS.items():
        line = next(line for line in done.stdout.splitlines() if line.split()[:1] == [name])
        assert line.endswith(entry.summary), line


@pytest.mark.parametrize("name", [name for name in COMMANDS])
def test_every_command_teaches_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert f"dataengine {name}" in shown
    assert len(shown.split()) > 20, "a help text says more than its options"


def test_a_users_mistake_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    done = run("history", "--params", "nowhere.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("dataengine: error: nowhere.yaml does not exist")
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" in run("--debug", "history", "--params", "nowhere.yaml", cwd=tmp_path).stderr


def test_an_unknown_command_is_refused() -> None:
    done = run("traim")
    assert done.returncode == 2
    assert "traim" in done.stderr


def test_an_error_is_one_line_whatever_it_holds() -> None:
    error = InputError("the\nfile", expected="a", got="b\n\nc", fix="do x")
    assert str(error) == "the file: expected a, got b c; do x"
