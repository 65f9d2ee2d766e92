"""Options of the commands that ask teachers about labelled films."""

from pathlib import Path
from typing import Annotated

import typer

from dataengine.terminal.folders import folder_option

SecondTeacher = Annotated[Path | None, folder_option(help="Checkpoint folder, or adopted network: a second teacher.")]
Calibration = Annotated[Path | None, typer.Option(help="Qualisys calibration of cameras that films are named after.")]
Fetched = Annotated[Path, folder_option(help="Folder that the stage fetch wrote, with BlazePose's models.")]
FETCHED = Path("data/fetch")
