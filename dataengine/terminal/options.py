"""Options that several commands share, so that they are worded once."""

from pathlib import Path
from typing import Annotated

import typer

ParamsFile = Annotated[
    Path, typer.Option("--params", help="YAML file with the params; a command reads the sections that it needs.")
]
PARAMS_FILE = Path("params.yaml")
"""Default of `ParamsFile`."""
