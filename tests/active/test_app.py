"""`dataengine app` served on loopback and shown by a real browser."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import cast

import cv2
import numpy as np
import pytest

from dataengine.active.app import run
from dataengine.active.curation.app_params import AppParams
from dataengine.active.curation.plugin_link import PLUGIN
from dataengine.active.curation.run_tables import RunTables, selection_tables
from dataengine.active.selection import run as select
from dataengine.errors import EnvironmentFault, InputError, ParamsError

from ..helpers.browser import CHROMIUM
from ..helpers.devtools import seen
from .conftest import Project
from .selecting import OUT, PARAMS, REPORT

pytestmark = pytest.mark.usefixtures("fiftyone_turn")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def served(project: Project) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The App of a selection whose dataset the database does not have yet."""
    port = free_port()
    select(
        replace(PARAMS, dataset="people"),
        student=project.student, candidates=project.candidates, labelled=project.labelled, val=project.val,
        out=OUT, report=REPORT,
    )  # fmt: skip
    Path("params.yaml").write_text(
        "select: {budget: 4, strategy: random, min_gap_frames: 10, appearance_weight: 0.3, seed: 0, fiftyone: true, "
        f"dataset: people}}\napp: {{selection: {OUT}, port: {port}}}\ncurate: {{}}\noks: {{sigmas: ''}}\n"
        "compare: {round: 1}\nregistry: {file: models/registry.json, store: models/registry}\n"
    )
    environment = {
        **os.environ,
        "FIFTYONE_DATABASE_DIR": str(project.root / "mongo"),
        "FIFTYONE_PLUGINS_DIR": str(project.root / "plugins"),
    }
    environment.pop("FIFTYONE_DATABASE_URI", None)
    command = [sys.executable, "-m", "dataengine", "app", "--no-browser"]
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # a shell that starts the tests in the background has them, and so the App, ignore Ctrl-C
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    ) as process:
        yield process, port
        process.kill()


def wait_for_url(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("FiftyOne App: "):
            return line.split()[2]
    raise AssertionError("the App ended: " + "".join(said))


@pytest.mark.slow
def test_app_shows_the_picks_in_a_browser_and_ends_on_ctrl_c(
    served: tuple[subprocess.Popen[str], int], tmp_path: Path
) -> None:
    process, port = served
    url = wait_for_url(process)
    assert url == f"http://127.0.0.1:{port}/datasets/people?view=to-label"
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
        assert b"FiftyOne" in answer.read()
    assert (tmp_path / "plugins" / PLUGIN / "fiftyone.yml").is_file(), "one command installs the plugin"
    if CHROMIUM:
        check_screenshot(url, tmp_path)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0
    if not CHROMIUM:
        pytest.skip("served, but not looked at: no Chromium or Chrome is installed")


def check_screenshot(url: str, folder: Path) -> None:
    """The pictures of the grid, coloured skeletons on a dark ground, and next to them the plugin's panel."""
    words, shot = ("4 samples", "0 of 4 picks finished.", "Teacher's"), folder / "app.png"
    text = seen(url, folder / "profile", until=words, picture=shot, size=(1200, 800), seconds=150)
    assert all(each in text for each in words), text[-1500:]
    grid = cv2.imread(str(shot))[130:330, 280:1190].astype(int)
    assert grid.std() > 20 and np.ptp(grid, axis=2).max() > 100, f"the App's grid is blank: {shot}"


def test_a_taken_port_is_one_clear_line(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dataengine.active.app.ensure_dataset", lambda tables, name: None)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(EnvironmentFault, match=r"change app\.port"):
            params = AppParams(selection="x", port=other.getsockname()[1])
            run(params, tables=cast(RunTables, None), dataset_name="people", browser=False)


class AnotherApp(BaseHTTPRequestHandler):
    """What FiftyOne's server says of itself."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"version": "1.22.1"}')

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_an_app_that_is_open_already_is_one_clear_line(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dataengine.active.app.ensure_dataset", lambda tables, name: None)
    with HTTPServer(("127.0.0.1", 0), AnotherApp) as other:
        serving = Thread(target=other.serve_forever)
        serving.start()
        try:
            params = AppParams(selection="x", port=other.server_port)
            with pytest.raises(EnvironmentFault, match=r"is open already at http://127.*; reload it"):
                run(params, tables=cast(RunTables, None), dataset_name="people", browser=False)
        finally:
            other.shutdown()
            serving.join()


def test_an_app_whose_database_dies_ends_with_a_line(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []
    answers = iter([True, False])
    dataset = SimpleNamespace(name="people", load_saved_view=lambda name: name)
    session = SimpleNamespace(close=lambda: closed.append(True))
    monkeypatch.setattr("dataengine.active.app.ensure_dataset", lambda tables, name: dataset)
    monkeypatch.setattr("dataengine.active.app.open_fiftyone", lambda: SimpleNamespace(launch_app=lambda **_: session))
    monkeypatch.setattr("dataengine.active.app._spaces", lambda fiftyone: None)
    monkeypatch.setattr("dataengine.active.app.is_answering", lambda: next(answers))
    monkeypatch.setattr("dataengine.active.app.BETWEEN_LOOKS_S", 0.0)
    params = AppParams(selection="x", port=free_port())
    with pytest.raises(
        EnvironmentFault, match=r"database has ended .*; run `dataengine app` again: decisions are on disk"
    ):
        run(params, tables=cast(RunTables, None), dataset_name="people", browser=False)
    assert closed == [True]


def test_without_a_selection_the_app_says_what_to_run(project: Project) -> None:
    with pytest.raises(InputError, match="does not exist; run the stage"):
        selection_tables(Path("nowhere"))


def test_port_out_of_range_is_refused() -> None:
    with pytest.raises(ParamsError, match=r"1 to 65535"):
        AppParams(selection="x", port=0)
