"""One request: what went wrong, who says so, example poses, and how many renders and labels are asked for.

The file ``request-<id>.json`` is COCO person_keypoints JSON whose people are the example poses, so that `dataengine
render --like` reads it as it is; the key ``request`` says the rest. The id is a hash of all of that. Only the key
``state`` may change afterwards: it says how far the request has come and, once it was served, what it brought.

Example poses are of people in the pool, in training or in validation, never of the test set: a slice of the test set
may be named, its people may not be shown to what learns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from dataengine.coco_json import people_document, read_people
from dataengine.errors import InputError
from dataengine.files import read_json, short_sha256, write_json
from dataengine.people import Images, People
from dataengine.registry.ledger import digest_of
from dataengine.typed_record import RECORDS

REQUEST_FORMAT = "dataengine.request/1"
ORIGIN = "origin"
"""Extra column of example people: the split that each is from, one of `ORIGINS`."""
ORIGINS = ("train", "val", "pool", "shadow", "person")
Asker = Literal["gate", "selection", "shadow", "person"]
Stage = Literal["waiting", "open", "served", "withdrawn"]


@dataclass(frozen=True, kw_only=True)
class AskedFor:
    """What a request says, apart from its example poses."""

    round: int
    """The round whose failures ask; a later one serves it."""
    asked_by: Asker
    """The gate's slices, selection's clusters, a shadow's disagreements, or a person."""
    reason: str
    """One sentence for people."""
    part: str
    """The slice that is meant, as verdicts name it (``cluster=3``, ``occlusion=most``); "" for just these poses."""
    clusters_id: str
    """Id of the pose clusters that a number in `part` counts; "" where none does."""
    renders: int
    """Images to render like the examples."""
    labels: int
    """Images of the pool to have labelled."""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """The figures behind the reason; for the gate, AP in the slice with its interval."""


@dataclass(frozen=True, kw_only=True)
class RequestState:
    """How far a request has come."""

    now: Stage = "waiting"
    """waiting for a round to begin, open in one, served by one, or withdrawn by a person."""
    served_in: int | None = None
    """The round that served it."""
    brought: Mapping[str, Any] = field(default_factory=dict)
    """Renders made, labels answered, and what became of the slice."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PoseRequest:
    """A request as it lies in its file."""

    asked: AskedFor
    people: People
    """The example poses (n), with the column `ORIGIN`."""
    images: Images
    """Sizes of the pictures that they stand in; the pictures themselves are not kept."""
    state: RequestState = field(default_factory=RequestState)

    @property
    def id(self) -> str:
        """Short hash of everything but the state."""
        return short_sha256(digest_of(_content(self)))

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"request-{self.id}.json"


def write_request(folder: Path, request: PoseRequest) -> Path:
    """Write the request into `folder`, atomically; the same request gives the same file."""
    path = folder / request.name
    write_json(path, {**_content(request), "id": request.id, "state": asdict(request.state)})
    return path


def read_request(path: Path) -> PoseRequest:
    """Read a request.

    Raises:
        InputError: it is something else, or was changed after it was written, apart from its state.
    """
    document = read_json(path)
    stated = document.get("request") if isinstance(document, dict) else None
    if not isinstance(stated, dict) or stated.get("format") != REQUEST_FORMAT:
        raise InputError(f"{path} is not a request", expected=REQUEST_FORMAT, fix="use a file of `dataengine request`")
    asked = RECORDS.record(AskedFor, {k: v for k, v in stated.items() if k != "format"}, f"{path}: request")
    state = RECORDS.record(RequestState, document.get("state", {}), f"{path}: state")
    people, images = read_people(path)
    request = PoseRequest(asked=asked, people=people, images=images, state=state)
    if document.get("id") != request.id or path.name != request.name:
        raise InputError(
            f"{path} was changed after it was written", expected=request.name, fix="bring it back from git"
        )
    return request


def _content(request: PoseRequest) -> dict[str, Any]:
    """What the id is a hash of. Pictures are named without their folder: nothing there is read."""
    names = [Path(path).name for path in request.images.path.tolist()]
    document = people_document(Path(), request.people, request.images.replace(path=names))
    return {**document, "request": {"format": REQUEST_FORMAT, **asdict(request.asked)}}
