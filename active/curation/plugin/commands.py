"""dataengine's own commands, run in the project's folder, which FiftyOne's server does not run in."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from dataengine.errors import InputError
from dataengine.files import locked_folder

from .answer_file import EXPORTED, record_path
from .place import ProjectPlace

PATIENCE_S = 600.0


def run_command(project: Path, arguments: Sequence[str]) -> list[str]:
    """Run `dataengine ARGUMENTS` in the project's folder; returns the lines that it said.

    Raises:
        InputError: it failed; the error is the command's own line.
    """
    command = [sys.executable, "-m", "dataengine", *arguments]
    environment = {key: value for key, value in os.environ.items() if key != "FIFTYONE_DISABLE_SERVICES"}
    try:
        done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=PATIENCE_S)
    except subprocess.TimeoutExpired as fault:
        raise InputError(f"dataengine {arguments[0]} has not ended", got=f"{PATIENCE_S:g} s") from fault
    said = [line for line in done.stderr.splitlines() if line.strip()]
    if done.returncode:
        raise InputError(
            (said or [f"dataengine {arguments[0]} failed"])[-1].removeprefix("dataengine: ").removeprefix("error: ")
        )
    return said


def ensure_record(place: ProjectPlace) -> Path:
    """The record of what goes out for these picks, with copies of their pictures; made where it is missing.

    Raises:
        InputError: a picture is gone or has changed; then nothing is written.
    """
    record = record_path(place.answers)
    if record.is_file():
        return record
    with locked_folder(place.answers):
        if not record.is_file():
            out = place.short(place.answers / EXPORTED)
            run_command(place.project, ["label-export", "--selection", place.short(place.selection), "--out", out])
    return record
