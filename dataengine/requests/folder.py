"""All requests of a project: ``data/requests/`` in git, one file each, so that branches merge without conflict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from dataengine.requests.record import PoseRequest, RequestState, read_request, write_request

PATTERN = "request-*.json"


def read_requests(folder: Path) -> list[PoseRequest]:
    """All requests in `folder`, by round and then by id; none where it does not exist.

    Raises:
        InputError: a file is damaged.
    """
    found = [read_request(path) for path in folder.glob(PATTERN)]
    return sorted(found, key=lambda request: (request.asked.round, request.id))


def add_requests(folder: Path, requests: Iterable[PoseRequest]) -> list[Path]:
    """Write those that are new; one that is there keeps its state. The paths of all."""
    paths = []
    for request in requests:
        path = folder / request.name
        paths.append(path if path.exists() else write_request(folder, request))
    return paths


def set_state(folder: Path, request: PoseRequest, state: RequestState) -> PoseRequest:
    """The request with another state, written where that differs."""
    changed = replace(request, state=state)
    if state != request.state:
        write_request(folder, changed)
    return changed
