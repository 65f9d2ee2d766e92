"""Programs that hang, crash or babble are answers."""

import sys
from pathlib import Path

import pytest

from dataengine.doctor.asking.programs import Reply, ask, ask_record, importing_environment

CRASH = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        (python("import time; time.sleep(60)"), "no answer within 0.5 s"),
        (python(CRASH), "crashed (SIGSEGV)"),
        (python("import no_such_module"), "ModuleNotFoundError: No module named 'no_such_module'"),
        (python("import sys; sys.exit(3)"), "exit code 3"),
        (python("import sys; print('on stdout'); sys.exit(3)"), "on stdout"),
        (["/no/such/program"], "not found"),
        (["/etc/passwd"], "Permission denied"),
        (["nul\0l"], "embedded null byte"),
    ],
)
def test_what_goes_wrong_is_said_in_a_few_words(command: list[str], fault: str) -> None:
    limit_s = 0.5 if "sleep" in command[-1] else 30
    assert ask(command, limit_s) == Reply(fault=fault)
    assert ask_record(command, limit_s) == Reply(fault=fault)


def test_a_shell_that_hangs_in_a_child_is_not_waited_for(tmp_path: Path) -> None:
    script = tmp_path / "hangs"
    script.write_text("#!/bin/sh\nsleep 5\necho late\n")
    script.chmod(0o755)
    assert ask([str(script)], 0.5).fault == "no answer within 0.5 s"


def test_words_before_the_last_line_are_passed_over() -> None:
    chatty = python("""print("Blender 4.5"); print('{"version": "4.5"}')""")
    assert ask_record(chatty, 30).record == {"version": "4.5"}


@pytest.mark.parametrize("code", ["pass", "print('not json')", "print('[1]')", "import os; os.write(1, bytes([255]))"])
def test_an_answer_that_cannot_be_read_is_a_fault(code: str) -> None:
    assert ask_record(python(code), 30) == Reply(fault="no readable answer")


def test_this_package_is_importable_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    command = [sys.executable, "-S", "-m", "dataengine.doctor.asking.ask_library", "json"]
    assert "has no attribute" in ask(command, 30, importing_environment()).fault
