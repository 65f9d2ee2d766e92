"""Command `doctor`: what this machine has, what will be used, and how to fix what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .__main__ import show
from .diagnosis import LIMIT_S


def command(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object (docs/doctor.md) instead.")] = False,
    limit_s: Annotated[float, typer.Option(min=0.1, help="Most seconds that one question may take.")] = LIMIT_S,
    params: Annotated[Path, typer.Option(help="Parameters of the run that is asked about.")] = Path("params.yaml"),
) -> None:
    """Say what this machine has, what will be used of it, and how to fix what is wrong.

    Nothing is changed. A `fault` stops the default run, and the exit code is then 2; a `note` slows or limits it, or
    stops something else. Takes a few seconds; works before set-up as `python3.11 -m dataengine.doctor`.

    Example: dataengine doctor
    """
    raise typer.Exit(show(Path.cwd(), params, as_json=as_json, limit_s=limit_s))
