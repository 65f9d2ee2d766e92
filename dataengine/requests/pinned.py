"""Section `requests` of params.yaml: which requests a run follows.

`dataengine begin-round` pins them as file names, and a file is named by its content, so the params stand for the files:
requests that come later change nothing that `dvc repro` depends on until the next round begins.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from dataengine.errors import ParamsError
from dataengine.params import has_section, load_section
from dataengine.requests.folder import read_requests, set_state
from dataengine.requests.record import PoseRequest, RequestState, read_request

SECTION = "requests"


@dataclass(frozen=True, kw_only=True)
class RequestsParams:
    """Section `requests` of params.yaml, shared by `render` and `select`."""

    folder: str
    """Where they lie."""
    open: list[str] = field(default_factory=list)
    """Files of the requests that this round serves: their renders are made, their pictures are proposed."""
    kept: list[str] = field(default_factory=list)
    """Files of requests that earlier rounds served: their renders stay in the mix."""
    keep_rounds: int = 3
    """For how many rounds after its own a request's renders stay."""
    label_share: float = 0.5
    """Largest share of `select.budget` that open requests get together."""

    def __post_init__(self) -> None:
        if self.keep_rounds < 0:
            raise ParamsError("keep_rounds", expected="0 or more", got=str(self.keep_rounds))
        if not 0 <= self.label_share <= 1:
            raise ParamsError("label_share", expected="0 to 1", got=str(self.label_share))


NO_REQUESTS = RequestsParams(folder="")


def load_requests_params(params: Path) -> RequestsParams:
    """The section; a project without it has no requests."""
    return load_section(params, SECTION, RequestsParams) if has_section(params, SECTION) else NO_REQUESTS


def open_requests(params: RequestsParams) -> list[PoseRequest]:
    """The requests that this run serves, in the order of their pins."""
    return [read_request(Path(name)) for name in dict.fromkeys(params.open)]


def rendered_requests(params: RequestsParams) -> list[PoseRequest]:
    """The requests whose renders belong to the mix: open ones, and those that earlier rounds served."""
    names = dict.fromkeys([*params.open, *params.kept])
    return [request for request in (read_request(Path(name)) for name in names) if request.asked.renders]


def requests_to_pin(params: RequestsParams, number: int) -> dict[str, list[str]]:
    """What `dataengine begin-round` writes into the section for the round with this number; marks what it opens.

    Asking for the same round again gives the same: what is open stays so until it was served.
    """
    folder = Path(params.folder)
    opened, kept = list[str](), list[str]()
    for request in read_requests(folder) if params.folder else ():
        path = (folder / request.name).as_posix()
        if request.state.now in ("waiting", "open"):
            set_state(folder, request, replace(request.state, now="open"))
            opened.append(path)
        elif request.state.now == "served" and number - (request.state.served_in or 0) <= params.keep_rounds:
            kept.append(path)
    return {"open": opened, "kept": kept}


def serve(params: RequestsParams, request: PoseRequest, state: RequestState) -> PoseRequest:
    """Note what became of a pinned request."""
    return set_state(Path(params.folder), request, state)
