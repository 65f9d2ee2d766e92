"""The database behind FiftyOne: a mongod that FiftyOne starts itself, or a server that the user named."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from dataengine.doctor.asking.programs import Reply, ask

URI = "FIFTYONE_DATABASE_URI"
_PORT = 27017


@dataclass(frozen=True)
class Database:
    """What answers, or why nothing does."""

    where: str
    """Path of the program, or host and port of the named server, without the password in its address."""
    named: bool
    """A server named by the user in `URI`; FiftyOne starts none."""
    answer: Reply
    folder_fault: str = ""
    """Why FiftyOne cannot write where it keeps its databases."""


def find_database(limit_s: float, environment: Mapping[str, str] = os.environ) -> Database | None:
    """The database that FiftyOne would use; None where FiftyOne is not installed."""
    if environment.get(URI):
        try:
            host, port = parse_uri(environment[URI])
        except ValueError as error:
            return Database(URI, True, Reply(fault=str(error)))
        return Database(f"{host}:{port}", True, _reach(host, port, limit_s))
    spec = find_spec("fiftyone")
    if spec is None or not spec.submodule_search_locations:
        return None
    mongod = Path(next(iter(spec.submodule_search_locations))) / "db" / "bin" / "mongod"
    folder = Path(environment.get("FIFTYONE_DATABASE_DIR") or "~/.fiftyone/var/lib/mongo")
    return Database(str(mongod), False, _version(ask([str(mongod), "--version"], limit_s)), _folder_fault(folder))


def parse_uri(uri: str) -> tuple[str, int]:
    """Host and port of a MongoDB address, the first of several; without user and password. ValueError: it is none."""
    first = urlsplit(uri).netloc.rpartition("@")[2].partition(",")[0]
    host, colon, port = first.rpartition(":")
    if not first:
        raise ValueError("not an address such as mongodb://host:27017")
    return (host, int(port)) if colon and port.isdigit() else (first, _PORT)


def _version(answer: Reply) -> Reply:
    """`mongod --version` in two words: "mongod 6.0.9"."""
    first = (answer.text.splitlines() or [""])[0]
    return answer if answer.fault else Reply("mongod " + first.removeprefix("db version").strip(" v"))


def _reach(host: str, port: int, limit_s: float) -> Reply:
    try:
        socket.create_connection((host, port), timeout=limit_s).close()
    except (OSError, UnicodeError) as error:
        return Reply(fault=str(error))
    return Reply("a server that answers")


def _folder_fault(folder: Path) -> str:
    """Why nothing can be written to a folder, which may not be there yet."""
    try:
        full = folder.expanduser()
        there = next(path for path in (full, *full.parents) if path.exists())
    except (OSError, RuntimeError) as error:  # a folder that may not be entered, or no home
        return str(error)
    return "" if os.access(there, os.W_OK) else f"{there} cannot be written to"
