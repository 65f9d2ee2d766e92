"""Options that several commands share, so that they are worded once."""

from pathlib import Path
from typing import Annotated, Any

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

HeldOut = Annotated[
    Path | None,
    typer.Option("--held-out", help="held_out.json of ingest: pictures of validation and test are refused."),
]


def seed_option(*, help: str) -> Any:
    """An option for the seed of draws, which numpy takes from 0 on."""
    return typer.Option(help=help, callback=seed_given)


def seed_given(value: int | None) -> int | None:
    """The value as it is; `InputError` for a negative one."""
    if value is not None and value < 0:
        raise InputError("--seed is negative", expected="0 or more", got=str(value))
    return value
