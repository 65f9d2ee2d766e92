"""Command `doctor`: what this machine has, what will be used, and how to fix what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dataengine.terminal.options import PARAMS_FILE, ParamsFile

from .__main__ import show
from .diagnosis import LIMIT_S


def command(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object (docs/doctor.md) instead of text.")
    ] = False,
    limit_s: Annotated[float, typer.Option(min=0.1, help="Time limit of each check, seconds.")] = LIMIT_S,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Show what this machine has, what will be used of it, and how to fix what is wrong.

    Takes a few seconds and changes nothing. It checks this machine against the params of the run. A `fault` stops the
    default run, and the exit code is then 2; a `note` means that it is slower or limited, or that something else does
    not work. Before set-up, run it as `python3.11 -m dataengine.doctor`.

    Example: dataengine doctor
    """
    raise typer.Exit(show(root=Path.cwd(), params=params, as_json=as_json, limit_s=limit_s))
