"""Options of the commands that ask teachers about labelled films."""

from pathlib import Path
from typing import Annotated

import typer

SecondTeacher = Annotated[Path | None, typer.Option(help="Checkpoint folder, or adopted network: a second teacher.")]
Calibration = Annotated[Path | None, typer.Option(help="Qualisys calibration of cameras that films are named after.")]
Fetched = Annotated[Path, typer.Option(help="Folder that the stage fetch wrote, with BlazePose's models.")]
FETCHED = Path("data/fetch")
