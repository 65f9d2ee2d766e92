"""Four pictures that were sent to be labelled, two of them of one base name, and what a tool might write about them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataengine.active.label_import import Imported
from dataengine.active.label_import import run as label_import
from dataengine.active.labelling.sent import Sent, pictures_path, sent_path, with_copied_pictures, write_sent
from dataengine.active.labelling.untouched import LabelImportParams
from dataengine.boxes import box_from_keypoints
from dataengine.files import sha256_file
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.labels.label_file import LabelFile, read_label_file
from dataengine.people import Images, People

from ...helpers.made_pictures import photo
from ..conftest import STANDING

SIZE = (160, 120)
NAMES = ("pool/0/clip_10.png", "pool/0/clip_20.png", "pool/1/clip_10.png", "pool/1/clip_30.png")
OUT, LABELS, TOOL = Path("out.json"), Path("labels"), Path("tool/back.json")
PARAMS = LabelImportParams(moved_px=1.0, max_untouched_share=1.0, untouched="mark", untouched_weight=0.5)


@dataclass(frozen=True)
class Round:
    """A round of labelling, in the working folder."""

    sent: Sent

    @property
    def names(self) -> list[str]:
        """What the copies of the pictures are called."""
        return [Path(path).name for path in self.sent.images.path.tolist()]

    def joints(self, image: int) -> np.ndarray:
        """(17, 3) x, y, flag of the person who stands in a picture: of each picture at another place."""
        points = STANDING * 100 + (10.0 + 8 * image, 5.0 + 2 * image) + 0.125
        return np.column_stack([points, np.where(np.arange(17) % 5 == 1, 1, 2)])

    def tool_file(self, order: Sequence[int] = range(17), path: Path = TOOL, **changes: Any) -> dict[str, Any]:
        """Write what comes back of every picture, its joints in some order, and return it."""
        document: dict[str, Any] = {
            "images": [
                {"id": row + 1, "file_name": f"../{name}", "width": SIZE[0], "height": SIZE[1]}
                for row, name in enumerate(NAMES)
            ],
            "annotations": [
                {
                    "id": row + 1,
                    "image_id": row + 1,
                    "category_id": 1,
                    "iscrowd": 0,
                    "keypoints": self.joints(row)[list(order)].ravel().tolist(),
                }
                for row in range(len(NAMES))
            ],
            "categories": [{"id": 1, "name": "person", "keypoints": [COCO_KEYPOINTS[joint] for joint in order]}],
        } | changes
        save(document, path)
        return document


def save(document: dict[str, Any], path: Path = TOOL) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))


def bring_back(path: Path = TOOL, **options: Any) -> Imported:
    return label_import(PARAMS, labels=path, sent=sent_path(OUT), out=LABELS, **options)


def kept(done: Imported) -> LabelFile:
    return read_label_file(done.path)


@pytest.fixture
def sent_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Round:
    """The pictures and their record; the model puts every joint where it belongs."""
    monkeypatch.chdir(tmp_path)
    for row, name in enumerate(NAMES):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        photo(*SIZE, seed=row).save(name)
    images = Images.build(id=np.arange(1, 5), path=list(NAMES), width=SIZE[0], height=SIZE[1])
    sha256 = np.array([sha256_file(Path(name)) for name in NAMES], dtype="<U64")
    empty = Round(Sent(images=images, sha256=sha256, prelabels=People.empty(), gold=People.empty()))
    triples = np.stack([empty.joints(row) for row in range(4)])
    people = People.build(
        image_id=np.arange(1, 5),
        bbox_xywh_px=box_from_keypoints(triples[..., :2], triples[..., 2].astype(int)),
        keypoints_px=triples[..., :2],
        visibility=triples[..., 2],
        extras={"sha256": sha256},
    )
    sent = Sent(images=images, sha256=sha256, prelabels=people, gold=people.take([]))
    sent = with_copied_pictures(sent, pictures_path(OUT))
    write_sent(sent_path(OUT), sent, "")
    return Round(sent)
