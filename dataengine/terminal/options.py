"""Options that several commands share, so that they are worded once."""

from pathlib import Path
from typing import Annotated

import typer

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
