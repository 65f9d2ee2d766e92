"""A good COCO file to be damaged, and files that were made to hurt."""

import struct
import zlib
from pathlib import Path
from typing import Any

from dataengine.keypoints import COCO_KEYPOINTS

from .writing_samples import HEIGHT, WIDTH


def good_document(count: int = 4) -> dict[str, Any]:
    """`count` images with a person each."""
    keypoints = [value for joint in range(17) for value in (10.0 + joint, 20.0, 2)]
    return {
        "images": [{"id": i, "file_name": f"{i}.png", "width": WIDTH, "height": HEIGHT} for i in range(count)],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 1, "bbox": [5, 5, 40, 40], "keypoints": keypoints, "iscrowd": 0}
            for i in range(count)
        ],
        "categories": [{"id": 1, "name": "person", "keypoints": list(COCO_KEYPOINTS)}],
    }


def written(images: Path, text: str) -> Path:
    """An annotation file next to the folder of images."""
    path = images.parent / "a.json"
    path.write_text(text)
    return path


def bomb(width: int, height: int) -> bytes:
    """A PNG of that size in a few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
