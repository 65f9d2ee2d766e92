"""One try: a round is killed at a moment, resumed, and held against one that nobody disturbed."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dataengine.bench.kill_resume.outcome import differences, outcome_of
from dataengine.bench.kill_resume.workshop import Workshop
from dataengine.errors import InputError

DOCTOR = ("dataengine", "doctor", "--project", "--json")


@dataclass(frozen=True)
class Undisturbed:
    """What a round comes to, and how long it takes."""

    outcome: dict[str, Any]
    seconds: float


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
    began = time.monotonic()
    done = workshop.run(words)
    seconds = time.monotonic() - began
    if done.returncode:
        raise InputError(f"{' '.join(words)} fails undisturbed", got=_last(done.stderr))
    return Undisturbed(outcome_of(workshop.root), seconds)


def try_kill(workshop: Workshop, words: Sequence[str], after_s: float, right: Undisturbed) -> Try:
    """Start the round, kill it after `after_s`, run it again to its end, and compare."""
    workshop.begin_again()
    was_killed = workshop.run_killed(words, after_s)
    return resumed(workshop, words, right, after_s=after_s, was_killed=was_killed)


def resumed(
    workshop: Workshop, words: Sequence[str], right: Undisturbed, *, after_s: float = 0.0, was_killed: bool = True
) -> Try:
    """Run the round again after a mishap, and compare."""
    done, treated = workshop.run(words), False
    if done.returncode:
        workshop.run((*DOCTOR, "--fix"))
        done, treated = workshop.run(words), True
    faults = [f"it does not go on: {_last(done.stderr)}"] if done.returncode else []
    if not faults:
        faults = [f"{key} differs" for key in differences(outcome_of(workshop.root), right.outcome)]
        faults += _faults_of_state(workshop)
    return Try(after_s, was_killed, tuple(faults), treated)


def _faults_of_state(workshop: Workshop) -> list[str]:
    done = workshop.run(DOCTOR)
    try:
        checks = json.loads(done.stdout)["checks"]
    except (ValueError, KeyError):
        return [f"the doctor fails: {_last(done.stderr)}"]
    wrong = [check for check in checks if check["status"] != "ok" and check["group"] not in ("git", "left behind")]
    left = [check for check in checks if check["status"] == "fault" and check["group"] == "left behind"]
    return [f"doctor: {check['found']}" for check in (*wrong, *left)]


def _last(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    told = [line for line in lines if "rror" in line]
    return (told or lines or ["nothing"])[-1][:300]
