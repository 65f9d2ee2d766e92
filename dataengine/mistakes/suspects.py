"""mistakes.json: the labels that are likely wrong, the likeliest first, as `find-mistakes` writes and others read them.

A suspect names its picture and holds the joints that were judged: by these `current` finds the people it is about in
any file, and leaves out those whose labels were changed since.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dataengine.errors import InputError
from dataengine.files import read_json, write_json
from dataengine.keypoints import COCO_KEYPOINTS, UNLABELLED
from dataengine.people import Images, People
from dataengine.typed_record import TypedReader

KINDS: Mapping[str, str] = {
    "sides": "left and right are exchanged, of the whole body",
    "arms": "left and right arm are exchanged",
    "legs": "left and right leg are exchanged",
    "joint": "a joint lies elsewhere",
    "neighbour": "a joint lies on somebody else",
    "person": "the joints are those of another person",
    "flag": "a joint's flag, visible or occluded, is wrong",
    "missing": "somebody stands there without labels",
}
"""Kind of mistake -> what it means."""
_DECIMALS = 3
_RECORD = TypedReader(InputError, fix="run `dataengine find-mistakes` again")


@dataclass(frozen=True)
class Suspect:
    """One likely mistake."""

    kind: str
    """A key of KINDS."""
    probability: float
    """That this is so, 0..1."""
    file: str
    """The picture, relative to the folder of images."""
    id: str
    """The annotation's id as its file gave it; empty for somebody without labels."""
    joints: list[str]
    """Names of the joints that are wrong."""
    evidence: dict[str, float]
    """What speaks for it, by witness: above 0 for the mistake, below 0 against it."""
    bbox_xywh_px: list[float]
    """Where the person is."""
    suggested: dict[str, list[float]]
    """Joint -> x, y in pixels, where it may belong; empty where nothing can be said."""
    judged: list[float]
    """x, y, flag of each of the 17 joints as they were judged; empty for somebody without labels."""

    @property
    def reason(self) -> str:
        """One line for a page: what is wrong, how likely, and by whose word."""
        joints = f" ({', '.join(name.replace('_', ' ') for name in self.joints)})" if len(self.joints) == 1 else ""
        against = [name for name, value in self.evidence.items() if value > 0]
        by = f"; by {', '.join(against)}" if against else ""
        return f"{KINDS[self.kind]}{joints}, probability {self.probability:.2f}{by}"


def joints_judged(people: People, row: int) -> list[float]:
    """`Suspect.judged` of a person: coordinates to three decimals, unlabelled joints at 0."""
    flags = people.visibility[row]
    points = np.where((flags > UNLABELLED)[:, None], people.keypoints_px[row], 0).astype(np.float64).round(_DECIMALS)
    return [float(v) for v in np.concatenate([points, flags[:, None]], axis=1).ravel()]


def write_suspects(path: Path, suspects: Sequence[Suspect], info: Mapping[str, Any]) -> None:
    """Write them in the order of probability, with facts about the search."""
    ordered = sorted(suspects, key=lambda s: (-s.probability, s.file, s.id, s.kind))
    write_json(path, {"info": dict(info), "kinds": dict(KINDS), "suspects": [asdict(s) for s in ordered]})


def read_suspects(path: Path) -> list[Suspect]:
    """The suspects of a file, the likeliest first. A file of another form is an `InputError`."""
    document = read_json(path)
    if not isinstance(document, dict) or not isinstance(document.get("suspects"), list):
        raise InputError(f"{path} holds no suspects", expected="mistakes.json", fix="run `dataengine find-mistakes`")
    found = [_RECORD.record(Suspect, record, f"{path}: suspect {i}") for i, record in enumerate(document["suspects"])]
    strange = [s for s in found if s.kind not in KINDS or not set(s.joints) <= set(COCO_KEYPOINTS)]
    if strange:
        what = f"{path} has a suspect of unknown kind or joints"
        raise InputError(what, expected=" | ".join(KINDS), got=strange[0].kind)
    return found


def current(suspects: Sequence[Suspect], people: People, images: Images) -> list[tuple[Suspect, int]]:
    """Suspects whose labels are still those that were judged, each with its row in `people`, in their order.

    A person is found by the picture's name and by the joints: other files number the same people otherwise. Suspects of
    kind "missing" have no row and are left out.
    """
    paths = [f"/{path}" for path in images.path[images.rows_of(people.image_id)].tolist()]
    wanted = {Path(suspect.file).name for suspect in suspects}
    rows: dict[tuple[str, tuple[float, ...]], list[int]] = {}
    for row, path in enumerate(paths):
        if (name := Path(path).name) in wanted:
            rows.setdefault((name, tuple(joints_judged(people, row))), []).append(row)
    matches = [
        (suspect, [row for row in rows.get(_key(suspect), ()) if paths[row].endswith(f"/{suspect.file}")])
        for suspect in suspects
    ]
    return [(suspect, found[0]) for suspect, found in matches if found]


def _key(suspect: Suspect) -> tuple[str, tuple[float, ...]]:
    return Path(suspect.file).name, tuple(suspect.judged)
