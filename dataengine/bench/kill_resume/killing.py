"""One try: a round is killed at a moment, resumed, and held against one that nobody disturbed."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataengine.bench.kill_resume.outcome import differences, outcome_of
from dataengine.bench.kill_resume.small_disk import small_disk
from dataengine.bench.kill_resume.workshop import Workshop
from dataengine.errors import InputError

MUCH_BYTES = 1 << 30
DOCTOR = ("dataengine", "doctor", "--project", "--json")


@dataclass(frozen=True)
class Undisturbed:
    """What a round comes to, and how long it takes."""

    outcome: dict[str, Any]
    seconds: float
    written_bytes: int
    """By which the project has grown."""


@dataclass(frozen=True)
class Try:
    """What came of a round that was killed."""

    after_s: float
    was_killed: bool
    """False where it had ended before."""
    faults: tuple[str, ...]
    """Why it does not count as resumed; empty where everything is as it is undisturbed."""
    treated: bool
    """Whether ``doctor --project --fix`` had to help before it went on."""


def undisturbed(workshop: Workshop, words: Sequence[str]) -> Undisturbed:
    """Run the round without a mishap.

    Raises:
        InputError: it fails.
    """
    workshop.begin_again()
    before, began = size_of(workshop.root), time.monotonic()
    done = workshop.run(words)
    seconds = time.monotonic() - began
    if done.returncode:
        raise InputError(f"{' '.join(words)} fails undisturbed", got=_last(done.stderr))
    return Undisturbed(outcome_of(workshop.root), seconds, size_of(workshop.root) - before)


def try_kill(
    workshop: Workshop, words: Sequence[str], after_s: float, right: Undisturbed, *, examined: bool = True
) -> Try:
    """Start the round, kill it after `after_s`, run it again to its end, and compare.

    Where it is `examined`, the doctor has to find nothing wrong with the project, either.
    """
    workshop.begin_again()
    was_killed = workshop.run_killed(words, after_s)
    return resumed(workshop, words, right, after_s=after_s, was_killed=was_killed, examined=examined)


def try_full_disk(
    workshop: Workshop, words: Sequence[str], room_bytes: int, right: Undisturbed, *, examined: bool = True
) -> Try:
    """Run the round on a disk with so much room left, make more, run it again to its end, and compare.

    Raises:
        EnvironmentFault: no disk can be mounted here (it takes Linux and root).
    """
    with small_disk(workshop.root) as disk:
        workshop.begin_again()
        disk.leave(room_bytes)
        failed = workshop.run(words).returncode != 0
        disk.leave(MUCH_BYTES)
        return resumed(workshop, words, right, was_killed=failed, examined=examined)


def resumed(
    workshop: Workshop,
    words: Sequence[str],
    right: Undisturbed,
    *,
    after_s: float = 0.0,
    was_killed: bool = True,
    examined: bool = True,
) -> Try:
    """Run the round again after a mishap, and compare."""
    done, treated = workshop.run(words), False
    if done.returncode:
        workshop.run((*DOCTOR, "--fix"))
        done, treated = workshop.run(words), True
    faults = [f"it does not go on: {_last(done.stderr)}"] if done.returncode else []
    if not faults:
        faults = [f"{key} differs" for key in differences(outcome_of(workshop.root), right.outcome)]
        faults += _faults_of_state(workshop) if examined else []
    return Try(after_s, was_killed, tuple(faults), treated)


def size_of(folder: Path) -> int:
    """Bytes of all files in it."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _faults_of_state(workshop: Workshop) -> list[str]:
    done = workshop.run(DOCTOR)
    try:
        checks = json.loads(done.stdout)["checks"]
    except (ValueError, KeyError):
        return [f"the doctor fails: {_last(done.stderr)}"]
    wrong = [check for check in checks if check["status"] != "ok" and check["group"] not in ("git", "leftovers")]
    left = [check for check in checks if check["status"] == "fault" and check["group"] == "leftovers"]
    return [f"doctor: {check['found']}" for check in (*wrong, *left)]


def _last(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    told = [line for line in lines if "rror" in line]
    return (told or lines or ["nothing"])[-1][:300]
