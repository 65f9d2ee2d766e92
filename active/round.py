"""Run one whole round: begin it, run the pipeline, ask the next one, and leave a page.

`run` holds the project's lock (`rounds/lock.py`), refuses inputs that no commit holds (`rounds/committed.py`) and runs
the steps (`rounds/order.py`), each of which is skipped where the journal says that it is done (`rounds/journal.py`).
What a round does is in those steps' own commands.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from dataengine.doctor.project_state.examination import fix_left_behind
from dataengine.errors import EnvironmentFault, InputError
from dataengine.requests.folder import read_requests
from dataengine.requests.pinned import load_requests_params
from dataengine.rounds.whole import WholeRound, due_at, parse_every, read_whole_rounds, write_whole_round
from dataengine.studies.dvc_project import PARAMS_NAME
from dataengine.terminal.folders import out_folder_option
from dataengine.terminal.speech import answer, say

from .drift.drift import drift_of
from .rounds.facts import gather, request_facts
from .rounds.journal import RoundJournal, read_journal, remove_journal, write_journal
from .rounds.lock import only_round
from .rounds.order import run_steps
from .rounds.page import write_page
from .rounds.setting import STATE, RoundSetting, read_setting

_NAMED = 5  # files that a line names


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
    out: Annotated[Path, out_folder_option(help="Folder for the page, its JSON and the log.")] = Path("reports/round"),
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
    plan = read_setting(root, out)
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
        journal = run_steps(plan, journal, holder.token)
        ended = _ended(plan, journal)
        if commit:
            _commit(plan, ended)
        remove_journal(root / STATE)
    _report(plan, ended, commit)


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
