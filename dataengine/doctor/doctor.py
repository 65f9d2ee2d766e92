"""Command `doctor`: what this machine has or what the project keeps, and how to fix what is wrong."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from dataengine.errors import ParamsError
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import answer

from .__main__ import show
from .diagnosis import LIMIT_S


def command(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object (docs/doctor.md) instead of text.")
    ] = False,
    project: Annotated[
        bool, typer.Option("--project", help="Check what the project keeps instead of the machine.")
    ] = False,
    fix: Annotated[
        bool, typer.Option("--fix", help="With --project: put right what needs no decision; nothing is lost by it.")
    ] = False,
    limit_s: Annotated[float, typer.Option(min=0.1, help="Time limit of each check, seconds.")] = LIMIT_S,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Show what this machine has, what will be used of it, and how to fix what is wrong.

    Takes a few seconds and changes nothing. It checks this machine against the params of the run. A `fault` stops the
    default run, and the exit code is then 2; a `note` means that it is slower or limited, or that something else does
    not work. Before set-up, run it as `python3.11 -m dataengine.doctor`.

    With --project it checks whether registry, store, labels, records of rounds, pins, dvc.lock and files agree, and
    lists what killed processes have left; --fix removes drafts and locks without an owner, and brings back bytes that
    git or DVC know by their hash. What it replaces is kept in .dvc/tmp/set-aside. What needs a decision it lists.

    Example: dataengine doctor

    Example: dataengine doctor --project --fix
    """
    if fix and not project:
        raise ParamsError("--fix needs --project", fix="dataengine doctor --project --fix")
    if project:
        raise typer.Exit(_show_project(Path.cwd(), params, as_json=as_json, fix=fix))
    raise typer.Exit(show(root=Path.cwd(), params=params, as_json=as_json, limit_s=limit_s))


def _show_project(root: Path, params: Path, *, as_json: bool, fix: bool) -> int:
    """Print what is wrong with what the project keeps; returns the exit code."""
    from .project_state.examination import examine, examine_and_fix
    from .project_state.pages import examination_lines

    examination = examine_and_fix(root, params) if fix else examine(root, params)
    if as_json:
        answer(json.dumps(examination.as_json(), indent=1))
    else:
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        answer("\n".join(examination_lines(examination, colour=colour)))
    return examination.exit_code
