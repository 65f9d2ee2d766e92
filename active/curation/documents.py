"""FiftyOne's labels and samples as the documents that its database keeps.

Going through `fiftyone.Sample` costs 15 to 20 ms for each sample, most of it in validating what is known to be right;
documents made here cost 1 ms. `check_format` compares them with what the installed FiftyOne itself makes, so that
another version is refused rather than fed with what it does not understand.

Ids follow from the picture's sha256, so that a dataset that is built again has the same ones, and none can be twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import EnvironmentFault
from dataengine.keypoints import UNLABELLED

Document = dict[str, Any]
LISTS = {"Keypoints": "keypoints", "Detections": "detections"}
OWN_TAGS = frozenset({"train", "val", "synthetic", "unlabelled", "to_label"})
"""Tags that builds set; all others are somebody's own."""


@dataclass
class SampleRecord:
    """What a build says about one picture."""

    sha256: str
    filepath: str
    width: int
    height: int
    tags: list[str] = field(default_factory=list)
    fields: Document = field(default_factory=dict)

    def tag(self, name: str) -> None:
        """Add a tag once."""
        if name not in self.tags:
            self.tags.append(name)

    def contents(self) -> Document:
        """All that this build sets, by field; None is the same as nothing."""
        metadata = {"_cls": "ImageMetadata", "width": self.width, "height": self.height}
        values = {"filepath": self.filepath, "metadata": metadata, "tags": sorted(self.tags), **self.fields}
        for name, value in values.items():
            _set_ids(value, f"{self.sha256} {name}")
        return {name: value for name, value in values.items() if value is not None}


def sample_id(sha256: str) -> Any:
    """The id of the picture's sample."""
    from bson import ObjectId

    return ObjectId(sha256[:24])


def shares(points_px: NDArray[Any], visibility: NDArray[Any] | None, size: NDArray[Any]) -> NDArray[np.float64]:
    """Joints (n, 17, 2) over the picture's size (2,) as FiftyOne reads COCO's; NaN for joints that are not there.

    Zeros would draw bones to the corner (voxel51/fiftyone#5896).
    """
    points = np.asarray(points_px, dtype=np.float64) / np.asarray(size, dtype=np.float64)
    if visibility is not None:
        points[np.asarray(visibility) == UNLABELLED] = np.nan
    return points


def keypoint(points: NDArray[np.float64], confidence: Sequence[Any] | None = None, **attributes: Any) -> Document:
    """A person's joints. `points` (17, 2) as shares of the picture."""
    own = {} if confidence is None else {"confidence": np.asarray(confidence, dtype=np.float64).tolist()}
    head = {"_cls": "Keypoint", "attributes": {}, "tags": [], "label": "person"}
    given = {name: value for name, value in attributes.items() if value is not None}
    return {**head, "points": points.tolist(), **own, **given}


def detection(box: Sequence[float], confidence: float, **attributes: Any) -> Document:
    """A person's box: x, y, width, height as shares of the picture."""
    head = {"_cls": "Detection", "attributes": {}, "tags": [], "label": "person"}
    given = {name: value for name, value in attributes.items() if value is not None}
    return {**head, "bounding_box": [float(v) for v in box], "confidence": confidence, **given}


def keypoints(people: list[Document]) -> Document:
    """The field of several people's joints."""
    return {"_cls": "Keypoints", "keypoints": people}


def detections(people: list[Document]) -> Document:
    """The field of several people's boxes."""
    return {"_cls": "Detections", "detections": people}


def check_format(fiftyone: Any, record: SampleRecord) -> None:
    """Compare the record's document with what the installed FiftyOne makes of the same.

    Raises:
        EnvironmentFault: it stores samples in another way.
    """
    ours = record.contents()
    labels = {
        name: getattr(fiftyone, value["_cls"]).from_dict(value) if _is_label(value) else value
        for name, value in ours.items()
        if name not in ("filepath", "metadata", "tags")
    }
    metadata = fiftyone.ImageMetadata(width=record.width, height=record.height)
    sample = fiftyone.Sample(filepath=record.filepath, metadata=metadata, tags=sorted(record.tags), **labels)
    theirs = {name: value for name, value in sample.to_mongo_dict().items() if name in ours}
    if repr(_plain(theirs)) != repr(_plain(ours)):
        raise EnvironmentFault(
            "this FiftyOne stores samples in another way",
            got=f"fiftyone {fiftyone.__version__}",
            fix="install the version that constraints.txt pins",
        )


def _is_label(value: Any) -> bool:
    return isinstance(value, dict) and value.get("_cls") in LISTS


def _set_ids(value: Any, seed: str) -> None:
    from bson import ObjectId

    if _is_label(value):
        for row, label in enumerate(value[LISTS[value["_cls"]]]):
            label["_id"] = ObjectId(hashlib.sha256(f"{seed} {row}".encode()).digest()[:12])


def _plain(value: Any) -> Any:
    """Without ids and what is None, and in one order of keys."""
    if isinstance(value, dict):
        return {name: _plain(value[name]) for name in sorted(value) if name != "_id" and value[name] is not None}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def absolute(path: str) -> str:
    """A picture's place, but not where a link of DVC leads: its cache knows no suffixes."""
    return str(Path(path).absolute())
