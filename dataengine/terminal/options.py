"""Options that several commands share, so that they are worded once."""

from pathlib import Path
from typing import Annotated

import typer

from dataengine.errors import InputError

ParamsFile = Annotated[
    Path, typer.Option("--params", help="YAML file with the params; a command reads the sections that it needs.")
]
PARAMS_FILE = Path("params.yaml")
"""Default of `ParamsFile`."""

Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        envvar="DATAENGINE_CLUSTER",
        help="Address of a Ray cluster to work on, HOST:PORT, or auto for the one that runs here.",
    ),
]


def named_folder(text: str) -> Path:
    """The folder that an option names; an empty name, which `Path` takes for the working folder, is an `InputError`."""
    if not text.strip():
        raise InputError("a folder to write has no name", expected="--out FOLDER", got="an empty text")
    return Path(text)
