"""Command `app`: the FiftyOne App on what `select` chose, served to this machine only."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from dataengine.errors import DataEngineError, EnvironmentFault
from dataengine.params import load_section
from dataengine.terminal.folders import folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import say

from .curation.app_params import SECTION, AppParams
from .curation.curating import curated
from .curation.database import database_faults_as_one_line, is_answering, open_fiftyone
from .curation.fiftyone_view import ensure_dataset
from .curation.plugin_link import PANEL, link_plugin
from .curation.run_tables import RunTables
from .curation.views import TO_LABEL
from .query.select_params import SelectParams

BETWEEN_LOOKS_S = 10.0
"""How often the App's database is looked after."""


def command(
    selection: Annotated[
        Path | None, folder_option(help="Folder that select wrote.", show_default="app.selection of params.yaml")
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open a browser window.")] = True,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Open the FiftyOne App on the saved view to_label: the images to label next, most wanted first.

    Needs a folder that select wrote; the dataset is brought up to date first, as by `dataengine curate`. The App
    listens on app.address and app.port of params.yaml (127.0.0.1 and 5151 as shipped) and has no password: any address
    but loopback shows your images to the network. Ctrl-C ends the App; tags and labels stay in the database.

    Next to the pictures stands the panel Pose curation, which accepts, fixes and rejects joints and tries other rules.
    It belongs to the plugin @dataengine/pose, which this command links into FiftyOne's folder of plugins.

    Example: dataengine app
    """
    settings = load_section(params, SECTION, AppParams)
    dataset_name = load_section(params, "select", SelectParams).dataset
    folder = Path(selection or settings.selection)
    run(settings, tables=curated(folder, params), dataset_name=dataset_name, browser=browser)


def run(settings: AppParams, *, tables: RunTables, dataset_name: str, browser: bool) -> None:
    """Serve the App until it is interrupted.

    Raises:
        EnvironmentFault: the database does not work, or has ended since, or the port is taken.
    """
    dataset = ensure_dataset(tables, dataset_name)
    _check_port(settings)
    fiftyone = open_fiftyone()
    with database_faults_as_one_line():
        session = fiftyone.launch_app(
            view=dataset.load_saved_view(TO_LABEL),
            spaces=_spaces(fiftyone),
            address=settings.address,
            port=settings.port,
            auto=False,
        )
    url = f"http://{settings.address}:{settings.port}/datasets/{dataset.name}?view={TO_LABEL.replace('_', '-')}"
    say(f"FiftyOne App: {url}   (Ctrl-C ends it)")
    if browser:
        typer.launch(url)
    try:
        while is_answering():
            time.sleep(BETWEEN_LOOKS_S)
    except KeyboardInterrupt:
        return
    finally:
        session.close()
    raise EnvironmentFault(
        "FiftyOne's database has ended while the App was open",
        fix="run `dataengine app` again: decisions are on disk, and the dataset is brought up to date",
    )


def _spaces(fiftyone: Any) -> Any:
    """The pictures, and the plugin's panel next to them; the pictures alone, and a line, where it cannot be linked."""
    pictures = _space(fiftyone, fiftyone.Panel(type="Samples", pinned=True))
    try:
        link_plugin(Path(fiftyone.config.plugins_dir))
    except DataEngineError as fault:
        say(f"app: without the panel {PANEL}: {fault}")
        return pictures
    panel = _space(fiftyone, fiftyone.Panel(type=PANEL))
    return fiftyone.Space(children=[pictures, panel], orientation="horizontal")


def _space(fiftyone: Any, panel: Any) -> Any:
    """A space that shows its one panel; without an active child it would show the tab alone."""
    return fiftyone.Space(children=[panel], active_child=panel.component_id)


def _check_port(settings: AppParams) -> None:
    """FiftyOne would silently take another App on the same port for its own."""
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.address, settings.port))
        except OSError as fault:
            url = f"http://{settings.address}:{settings.port}"
            if _is_app(url):
                raise EnvironmentFault(
                    f"a FiftyOne App is open already at {url}",
                    fix="reload it to see what is new, end it with Ctrl-C, or change app.port in params.yaml",
                ) from fault
            raise EnvironmentFault(
                f"the App cannot listen on {settings.address}:{settings.port}",
                got=fault.strerror or str(fault),
                fix="stop the program that listens there, or change app.port in params.yaml",
            ) from fault


def _is_app(url: str) -> bool:
    """Whether a FiftyOne server answers there."""
    import json
    import urllib.request

    try:
        with urllib.request.urlopen(f"{url}/fiftyone", timeout=2) as response:  # noqa: S310  our own address
            return "version" in json.load(response)
    except (OSError, ValueError, TypeError):
        return False
