"""A small COCO set for ingest, and ways to damage it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dataengine.datasets.cameras.label_views import MultiviewParams
from dataengine.datasets.ingest import IngestParams
from dataengine.datasets.sources.user_sources import SourceParams
from dataengine.datasets.splits.assign import SplitParams
from dataengine.keypoints import COCO_KEYPOINTS

PARAMS = IngestParams(
    sources=[],
    pool_videos=[],
    pool_every=40,
    longest_side_px=320,
    max_bad_share=0.5,
    split=SplitParams(val_share=0.2, test_share=0.2, gap_frames=4),
    multiview=MultiviewParams(
        max_error_px=25, min_views=3, min_confidence=0.3, visible_confidence=0.7, alignment_rounds=3
    ),
)


def small_set(folder: Path, count: int = 30, seed: int = 0) -> Path:
    """A well-formed COCO file with one person in each of `count` images."""
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(seed)
    images, annotations = [], []
    for number in range(count):
        name = f"{number:03d}.jpg"
        cv2.imwrite(str(folder / "images" / name), rng.integers(0, 255, (48, 64, 3), dtype=np.uint8))
        images.append({"id": number + 1, "file_name": name, "width": 64, "height": 48})
        triples = [[8.0 + joint, 20.0, 1 + joint % 2] for joint in range(17)]
        annotations.append(
            {
                "id": 100 + number,
                "image_id": number + 1,
                "category_id": 1,
                "bbox": [5, 10, 30, 25],
                "area": 400.0,
                "iscrowd": 0,
                "keypoints": [value for triple in triples for value in triple],
                "num_keypoints": 17,
            }
        )
    document = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person", "keypoints": list(COCO_KEYPOINTS), "skeleton": []}],
    }
    path = folder / "annotations.json"
    path.write_text(json.dumps(document))
    return path


def edit(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change the document of an annotation file."""
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def own(path: Path, **changes: Any) -> IngestParams:
    """The params that take this annotation file as the only source."""
    return replace(PARAMS, sources=[SourceParams(annotations=str(path), images=str(path.parent / "images"))], **changes)


def annotation(key: str, value: Any) -> Callable[[Path], None]:
    """Set a key of the fourth annotation."""
    return lambda path: edit(path, lambda d: d["annotations"][3].__setitem__(key, value))


def image(key: str, value: Any) -> Callable[[Path], None]:
    """Set a key of the fourth image."""
    return lambda path: edit(path, lambda d: d["images"][3].__setitem__(key, value))


def truncate(path: Path) -> None:
    """Cut the fourth picture's end off."""
    broken = path.parent / "images/003.jpg"
    broken.write_bytes(broken.read_bytes()[:-600])  # the header is whole
