"""Command `curate`: the FiftyOne dataset of a finished run, built or brought up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from dataengine.params import load_section
from dataengine.terminal.folders import folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import say

from .curation.app_params import AppParams
from .query.select_params import SelectParams


def command(
    selection: Annotated[
        Path | None, folder_option(help="Folder that select wrote.", show_default="app.selection of params.yaml")
    ] = None,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Build the FiftyOne dataset of the last run, or bring it up to date: labels, both models, pseudo-labels, figures.

    Needs a folder that select wrote. What other stages wrote comes on top: rendered people and where poses stand (mix,
    balance), pseudo-labels with the reasons (pseudo-label), the registry's champion, which is asked about every person
    once. What is missing is left out, and a line says so. Saved views: to_label, likely_mistakes, rare_poses,
    models_differ, pseudo_accepted, pseudo_rejected; the panel Embeddings has the map pose_map.

    The files are the truth: the dataset can be dropped and is built again with the same content. A second call changes
    nothing; after another run only what changed is written. Tags, fields and views of your own stay; where a label
    that you edited would change, the dataset is first copied under another name. `dataengine app` does all this, too,
    and opens the App.

    Example: dataengine curate
    """
    from .curation.curating import curated, lines_about
    from .curation.database import database_faults_as_one_line
    from .curation.fiftyone_view import ensure_dataset

    folder = selection or Path(load_section(params, "app", AppParams).selection)
    tables = curated(folder, params)
    dataset = ensure_dataset(tables, load_section(params, "select", SelectParams).dataset)
    counts = ", ".join(f"{count} {name}" for name, count in lines_about(tables).items())
    with database_faults_as_one_line():
        say(f"curate: {len(dataset)} samples in FiftyOne dataset {dataset.name!r} ({counts})")
        say(f"curate: views {', '.join(dataset.list_saved_views())}; open: dataengine app")
