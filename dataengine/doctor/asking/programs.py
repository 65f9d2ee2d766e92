"""Programs run with a time limit: whatever they do, the result is a value, never an exception."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PACKAGE_PARENT = Path(__file__).resolve().parents[3]
_FAULT_CHARACTERS = 160


@dataclass(frozen=True)
class Reply:
    """What a program said: its standard output, or why there is none."""

    text: str = ""
    fault: str = ""
    """"" where it ended well."""
    record: Mapping[str, Any] = field(default_factory=dict)
    """The JSON object in its last line, if `ask_record` was called."""


def ask(command: Sequence[str], limit_s: float, environment: Mapping[str, str] | None = None) -> Reply:
    """Run `command` for at most `limit_s` seconds and read its standard output."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit_s,
            env=None if environment is None else dict(environment),
        )
    except subprocess.TimeoutExpired:
        return Reply(fault=f"no answer within {limit_s:g} s")
    except FileNotFoundError:
        return Reply(fault="not found")
    except (OSError, ValueError) as error:  # not executable, of another architecture, a path with a null character
        return Reply(fault=getattr(error, "strerror", None) or str(error))
    if done.returncode < 0:
        return Reply(fault=f"crashed ({_signal_name(-done.returncode)})")
    if done.returncode > 0:
        return Reply(fault=_last_words(done.stderr) or _last_words(done.stdout) or f"exit code {done.returncode}")
    return Reply(text=done.stdout)


def ask_record(command: Sequence[str], limit_s: float, environment: Mapping[str, str] | None = None) -> Reply:
    """Like `ask`, for a program whose last line is a JSON object; libraries may have printed before it."""
    answer = ask(command, limit_s, environment)
    if answer.fault:
        return answer
    try:
        record = json.loads(answer.text.strip().splitlines()[-1])
    except (IndexError, ValueError):
        record = None
    return Reply(answer.text, "", record) if isinstance(record, dict) else Reply(fault="no readable answer")


def importing_environment() -> dict[str, str]:
    """The environment for a Python that is to import this package, wherever it was started."""
    python_path = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(PACKAGE_PARENT), *([python_path] if python_path else [])])}


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:_FAULT_CHARACTERS] if lines else ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
