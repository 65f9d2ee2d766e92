"""Tries in which something outside the project is lost under a round: FiftyOne's database, the remote of DVC."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import yaml

from dataengine.bench.kill_resume.killing import Try, Undisturbed, resumed
from dataengine.bench.kill_resume.workshop import PATIENCE_S, Workshop, kill_group
from dataengine.doctor.database import URI
from dataengine.errors import EnvironmentFault

_GIVES_UP_MS = 3000
"""After which the driver takes the database for gone; 30 s by default."""


def try_lost_database(workshop: Workshop, words: Sequence[str], after_s: float, right: Undisturbed) -> Try:
    """Run a round that shows its picks in FiftyOne, and kill the database after `after_s`; the round has to end well.

    Raises:
        EnvironmentFault: FiftyOne or its database is not installed, or does not start.
    """
    workshop.begin_again()
    shutil.rmtree(workshop.folder / "database", ignore_errors=True)
    with _database(workshop.folder / "database") as (mongod, address):
        shown = replace(workshop, environment={**workshop.environment, URI: address})
        _show_in_fiftyone(shown)
        round_ = shown.started(words)
        time.sleep(after_s)
        was_lost = round_.poll() is None
        mongod.kill()
        try:
            code = round_.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            kill_group(round_)
            return Try(after_s, was_lost, ("it hangs",), False)
        if code:
            return Try(after_s, was_lost, (f"it ends with exit code {code}",), False)
        return resumed(shown, ("dvc", "status"), right, after_s=after_s, was_killed=was_lost)


def try_lost_remote(workshop: Workshop, words: Sequence[str], right: Undisturbed, *, examined: bool = True) -> Try:
    """Run a round whose remote is gone: a file lies where its folder was, so that nothing can be written there."""
    workshop.begin_again()
    remote = workshop.folder / "remote"
    shutil.rmtree(remote, ignore_errors=True)
    remote.write_bytes(b"")
    try:
        return resumed(workshop, words, right, examined=examined)
    finally:
        remote.unlink()


def _show_in_fiftyone(workshop: Workshop) -> None:
    """Switch the view on, in a commit."""
    params = workshop.root / "params.yaml"
    sections = yaml.safe_load(params.read_text(encoding="utf-8"))
    sections["select"]["fiftyone"] = True
    params.write_text(yaml.safe_dump(sections, sort_keys=False))
    workshop.run(("git", "commit", "-q", "-a", "-m", "shown in FiftyOne"))


@contextmanager
def _database(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A database of our own at a free port, and its address."""
    spec = find_spec("fiftyone")
    if spec is None or not spec.submodule_search_locations:
        raise EnvironmentFault("FiftyOne is not installed", fix="run `make setup`")
    program = Path(next(iter(spec.submodule_search_locations))) / "db/bin/mongod"
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [
        str(program),
        "--dbpath",
        str(folder),
        "--port",
        str(port),
        "--bind_ip",
        "127.0.0.1",
        "--nounixsocket",
        "--quiet",
    ]
    try:
        mongod = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError as error:
        raise EnvironmentFault("no database starts", got=str(error), fix="run `make setup`") from error
    try:
        _wait_for(port, mongod)
        yield mongod, f"mongodb://127.0.0.1:{port}/?serverSelectionTimeoutMS={_GIVES_UP_MS}"
    finally:
        mongod.kill()
        mongod.wait()


def _wait_for(port: int, mongod: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError as error:
            if mongod.poll() is not None or time.monotonic() > deadline:
                raise EnvironmentFault("no database starts", got=f"exit code {mongod.poll()}") from error
            time.sleep(0.1)
