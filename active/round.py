"""Run one whole round: begin it, run the pipeline, ask the next one, and leave a page.

`run` holds the project's lock (`rounds/lock.py`), refuses inputs that no commit holds (`rounds/committed.py`) and runs
`STEPS`, each of which is skipped where the journal says that it is done (`rounds/journal.py`). What a round does is in
those steps' own commands; here is only their order.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import typer

from dataengine.doctor.project_state.examination import fix_left_behind
from dataengine.errors import EnvironmentFault, InputError
from dataengine.files import sha256_file
from dataengine.params import has_section, load_section, load_values
from dataengine.registry.ledger import digest_of
from dataengine.registry.records import RegistryParams
from dataengine.requests.folder import read_requests
from dataengine.requests.pinned import RequestsParams, load_requests_params
from dataengine.rounds.places import ProjectPlaces, read_places
from dataengine.studies.dvc_project import LOCK_NAME, PARAMS_NAME, PIPELINE_NAME
from dataengine.terminal.speech import answer, say

from .drift.drift import drift_of
from .rounds.committed import PINS, RoundInputs
from .rounds.facts import gather, request_facts
from .rounds.journal import DoneStep, RoundJournal, read_journal, remove_journal, write_journal
from .rounds.lock import only_round
from .rounds.page import write_page
from .rounds.steps import run_program
from .rounds.whole import WholeRound, due_at, parse_every, read_whole_rounds, write_whole_round

STATE = Path(".dvc/tmp/dataengine")
"""Folder of lock and journal, where git and DVC look for nothing."""
_NAMED = 5  # files that a line names


@dataclass(frozen=True)
class RoundSetting:
    """What a round is run with."""

    root: Path
    places: ProjectPlaces
    registry: RegistryParams
    requests: RequestsParams
    rounds: Path
    """Folder of the ledger of rounds."""
    out: Path

    @cached_property
    def inputs(self) -> RoundInputs:
        """What it starts from."""
        own = [LOCK_NAME, self.registry.file, self.requests.folder, self.rounds.relative_to(self.root).as_posix()]
        return RoundInputs(self.root, self.places, tuple(name for name in own if name))


def command(
    every: Annotated[
        str, typer.Option(help="Run only if the last whole round began this long ago or earlier: 12h, 7d, 2w.")
    ] = "",
    allow_dirty: Annotated[
        bool, typer.Option("--allow-dirty", help="Also run from inputs that no commit holds; the page names them.")
    ] = False,
    commit: Annotated[
        bool, typer.Option("--commit", help="Commit what the round wrote to git when it has ended.")
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Forget a round that was stopped, and begin another.")
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder for the page, its JSON and the log.")] = Path("reports/round"),
) -> None:
    """Run one whole round, from committed inputs, and leave one page: asked, rendered, labelled, learnt, decided.

    In order: `dataengine begin-round` (pins the champion and the open requests), `dvc repro`, `dataengine request`
    (what this round's failures ask of the next), and OUT/index.html with OUT/round.json. Run it in the project's
    folder. It refuses to begin where files that decide the outcome are not committed, names them, and with
    --allow-dirty goes on: such a round cannot be repeated from a commit, and the page says so.

    Only one round runs at a time. A round that was stopped, by whatever, goes on with the same command where it was.
    Afterwards what it wrote to git waits to be committed (params.yaml, dvc.lock, the registry, data/rounds and
    data/requests); --commit does that, and nothing else is added to the commit. With --every it may be called as often
    as you like: until the next round is due, one line says when. docs/rounds.md has lines for cron, systemd and CI;
    OUT/change_request.md is the text of a change request: verdict, registry, label bill.

    Example: dataengine round --every 7d --commit
    """
    run(Path(), every=every, allow_dirty=allow_dirty, commit=commit, restart=restart, out=out)


def run(
    root: Path, *, every: str = "", allow_dirty: bool = False, commit: bool = False, restart: bool = False, out: Path
) -> None:
    """Run the round of the project in the working folder `root`.

    Raises:
        InputError: a round is running, inputs are not committed or have changed since it began, or a step failed.
    """
    span = parse_every(every) if every else None
    plan = _plan(root, out)
    with only_round(root / STATE) as holder:
        for put_right in fix_left_behind(root, root / PARAMS_NAME):
            say(f"round: put right: {put_right}")
        if restart:
            remove_journal(root / STATE)
        journal = read_journal(root / STATE)
        if journal is None and span is not None:
            due = due_at(read_whole_rounds(plan.rounds), span)
            if due is not None and due > datetime.now(UTC):
                answer(f"round: the next is due at {due.isoformat(timespec='minutes')}")
                return
        journal = _begun(plan, allow_dirty) if journal is None else _resumed(plan, journal)
        journal = _steps_done(plan, journal, holder.token)
        ended = _ended(plan, journal)
        if commit:
            _commit(plan, ended)
        remove_journal(root / STATE)
    _report(plan, ended, commit)


def _plan(root: Path, out: Path) -> RoundSetting:
    places = read_places(root / PIPELINE_NAME)
    params = root / PARAMS_NAME
    return RoundSetting(
        root=root,
        places=places,
        registry=load_section(params, "registry", RegistryParams),
        requests=load_requests_params(params),
        rounds=places.needed("select", "--rounds"),
        out=out,
    )


def _begun(plan: RoundSetting, allow_dirty: bool) -> RoundJournal:
    """The journal of a new round, written."""
    uncommitted = plan.inputs.changed(own=True)
    if uncommitted and not allow_dirty:
        fix = "commit them (git add -A && git commit), or run with --allow-dirty"
        raise InputError("inputs of the round are not committed", got=_listed(uncommitted), fix=fix)
    if uncommitted:
        say(f"round: no commit holds {_listed(uncommitted)}: this round cannot be repeated, or run elsewhere")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    journal = RoundJournal(
        started=now, commit=plan.inputs.commit(), inputs=plan.inputs.digest(), uncommitted=tuple(uncommitted)
    )
    write_journal(plan.root / STATE, journal)
    return journal


def _resumed(plan: RoundSetting, journal: RoundJournal) -> RoundJournal:
    """The journal of a round that was stopped, if its inputs are those that it began with."""
    if plan.inputs.digest() != journal.inputs:
        changed = _listed(plan.inputs.changed(own=False)) or "another commit"
        fix = "bring back what it began with, or begin another with --restart"
        raise InputError(f"inputs have changed since the round of {journal.started} began", got=changed, fix=fix)
    done = ", ".join(journal.steps) or "nothing"
    say(f"round: going on with the round of {journal.started}; done so far: {done}")
    return journal


@dataclass(frozen=True)
class RoundStep:
    """A step, and what it is a function of."""

    words: Callable[[RoundSetting], list[str]]
    given: Callable[[RoundSetting, RoundJournal], Any]
    made: Callable[[RoundSetting], Any]
    """A hash of its results: where that changes, the step is run again."""


def _steps_done(plan: RoundSetting, journal: RoundJournal, token: str) -> RoundJournal:
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


def _ended(plan: RoundSetting, journal: RoundJournal) -> WholeRound:
    """The round's record and page, written."""
    earlier = [each for each in read_whole_rounds(plan.rounds) if each.started != journal.started]
    before = earlier[-1] if earlier else None
    requests = load_requests_params(plan.root / PARAMS_NAME)  # as they were pinned
    facts = gather(plan.places, requests, before.ended if before else "")
    waiting = [each for each in read_requests(Path(requests.folder)) if each.state.now == "waiting"]
    facts["drift"] = _drift(plan, earlier)
    facts["next"] = [request_facts(request) for request in waiting]
    facts["seconds"] = {name: step.seconds for name, step in journal.steps.items()}
    ended = WholeRound(
        number=facts["decided"]["number"] if facts["decided"] else 1 + len(earlier),
        started=journal.started,
        ended=max(step.at for step in journal.steps.values()),
        commit=journal.commit,
        inputs=journal.inputs,
        uncommitted=journal.uncommitted,
        facts=facts,
    )
    write_whole_round(plan.rounds, ended)
    write_page(plan.out, ended, before.facts if before else None, plan.places)
    return ended


def _drift(plan: RoundSetting, earlier: Sequence[WholeRound]) -> dict[str, Any] | None:
    """The pool against the training set; a film is new that no earlier round had in its pool."""
    selection = plan.places.of("select", "--out")
    films = {film for each in earlier for film in (each.facts.get("drift") or {}).get("films", ())}
    return None if selection is None else drift_of(selection, sorted(films))


def _commit(plan: RoundSetting, ended: WholeRound) -> None:
    """Commit what the round wrote, and nothing else."""
    names = [name for name in (PARAMS_NAME, *plan.inputs.own) if (plan.root / name).exists()]
    verdict = (ended.facts["decided"] or {}).get("verdict", "no comparison")
    try:
        subprocess.run(["git", "add", "--", *names], cwd=plan.root, check=True, capture_output=True, text=True)
        if subprocess.run(["git", "diff", "--cached", "--quiet", "--", *names], cwd=plan.root).returncode:
            words = ["git", "commit", "-q", "-m", f"Round {ended.number}: {verdict}", "--", *names]
            subprocess.run(words, cwd=plan.root, check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        got = " ".join(str(error.stderr).split())[-300:]
        fix = "the same command commits it once git can"
        raise EnvironmentFault("what the round wrote cannot be committed", got=got, fix=fix) from error


def _report(plan: RoundSetting, ended: WholeRound, is_committed: bool) -> None:
    decided = ended.facts["decided"]
    verdict = f"{decided['verdict']}: {decided['reason']}" if decided else "ended"
    answer(f"round {ended.number}: {verdict}")
    bill = ended.facts["to_label"]
    if bill:
        minutes = "" if bill["minutes"] is None else f", about {bill['minutes']:g} minutes"
        answer(f"to label: {bill['images']} images{minutes}; requests to the next round: {len(ended.facts['next'])}")
    after = "" if is_committed else "; commit what it wrote before the next round"
    answer(f"page: {plan.out / 'index.html'}{after}")


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
