"""The steps of a round, in order, each by its own command, and what each is a function of.

`run_steps` runs those that the journal does not say are done, and enters each when it has ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dataengine.files import sha256_file
from dataengine.params import has_section, load_values
from dataengine.registry.ledger import digest_of
from dataengine.requests.folder import read_requests
from dataengine.studies.dvc_project import LOCK_NAME, PARAMS_NAME
from dataengine.terminal.speech import say

from .committed import PINS
from .journal import DoneStep, RoundJournal, write_journal
from .setting import STATE, RoundSetting
from .steps import run_program


@dataclass(frozen=True)
class RoundStep:
    """A step, and what it is a function of."""

    words: Callable[[RoundSetting], list[str]]
    given: Callable[[RoundSetting, RoundJournal], Any]
    made: Callable[[RoundSetting], Any]
    """A hash of its results: where that changes, the step is run again."""


def _pins(plan: RoundSetting) -> dict[str, Any]:
    """What begin-round pinned."""
    params = plan.root / PARAMS_NAME
    return {
        f"{section}.{key}": load_values(params, section).get(key)
        for section, keys in PINS.items()
        if has_section(params, section)
        for key in keys
    }


def _hash(path: Path) -> str:
    return sha256_file(path) if path.is_file() else ""


def _results(plan: RoundSetting) -> list[str]:
    """What `request` reads: the verdict and the selection."""
    compare, select = plan.places.of("compare", "--out"), plan.places.of("select", "--out")
    files = [compare and compare / "verdict.json", select and select / "to_label.json"]
    return [_hash(path) if path else "" for path in files]


def _requests(plan: RoundSetting) -> list[str]:
    return sorted(request.id for request in read_requests(Path(plan.requests.folder))) if plan.requests.folder else []


STEPS: Mapping[str, RoundStep] = {
    "begin-round": RoundStep(
        lambda plan: ["dataengine", "begin-round"],
        lambda plan, journal: journal.inputs,
        _pins,
    ),
    "repro": RoundStep(
        lambda plan: ["dvc", "repro"],
        lambda plan, journal: [journal.inputs, _pins(plan)],
        lambda plan: _hash(plan.root / LOCK_NAME),
    ),
    "request": RoundStep(
        lambda plan: ["dataengine", "request"],
        lambda plan, journal: [_pins(plan), _results(plan)],
        _requests,
    ),
}


def run_steps(plan: RoundSetting, journal: RoundJournal, token: str) -> RoundJournal:
    """Run what is not done yet, and return the journal with all of it.

    Raises:
        InputError: a step fails; the line is its own.
    """
    for name, step in STEPS.items():
        given = digest_of(step.given(plan, journal))
        if journal.has_done(name, given, digest_of(step.made(plan))):
            continue
        say(f"round: {name}")
        began = time.monotonic()
        run_program(step.words(plan), root=plan.root, log=plan.out / "round.log", token=token)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        done = DoneStep(given, digest_of(step.made(plan)), now, round(time.monotonic() - began, 1))
        journal = journal.with_step(name, done)
        write_journal(plan.root / STATE, journal)
    return journal
