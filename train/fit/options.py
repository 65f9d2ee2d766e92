"""Options that both stages which fit on the mix have, so that they are worded once."""

from pathlib import Path
from typing import Annotated

import typer

from dataengine.terminal.folders import folder_option, replaced_folder_option

from .params import CHECKPOINT_FILES, REPORT_FILES

MixFolder = Annotated[Path, folder_option(help="Folder that the stage mix wrote: train.json and recipe.json.")]
Validation = Annotated[Path, typer.Option("--val", help="Labelled people to validate on, COCO JSON.")]
CheckpointFolder = Annotated[
    Path,
    replaced_folder_option(holds=CHECKPOINT_FILES, help="Checkpoint folder to write: model.safetensors, model.json."),
]
ReportFolder = Annotated[
    Path, replaced_folder_option(holds=REPORT_FILES, help="Folder for curves, metrics.json and a picture.")
]
