"""Every format gives every person a scale and says where it is from."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataengine.format_table import FORMATS
from dataengine.formats.reading.content import Limits, SourceContent
from dataengine.keypoints import COCO_KEYPOINTS

from .test_mat import joints, save
from .writing_samples import HEIGHT, WIDTH, write_image

BOX = [10.0, 12.0, 30.0, 20.0]


def read(folder: Path, name: str, annotation: dict[str, Any], names: tuple[str, ...]) -> SourceContent:
    """One person in one picture, in a format that is COCO JSON in shape."""
    write_image(folder / "images" / "a.jpg")
    keypoints = [number for joint in range(len(names)) for number in (11.0 + 2 * joint % 28, 13.0 + joint, 2)]
    record = {"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0, "bbox": BOX, "keypoints": keypoints}
    document = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": WIDTH, "height": HEIGHT}],
        "annotations": [record | annotation],
        "categories": [{"id": 1, "name": "person", "keypoints": list(names)}],
    }
    (folder / "people.json").write_text(json.dumps(document))
    return FORMATS[name].read(folder / "people.json", folder / "images", Limits())


@pytest.mark.parametrize(
    ("name", "annotation", "area", "origin"),
    [
        ("coco", {"area": 77.5}, 77.5, "given"),
        ("coco", {}, 0.53 * 600, "box"),
        ("coco", {"area": 0}, 0.53 * 600, "box"),
        ("coco", {"area": "large"}, 0.53 * 600, "box"),
        ("coco", {"area": 77.5, "area_from": "mask"}, 77.5, "given"),  # a key of ours, in a file that is not
        ("dataengine", {"area": 77.5, "area_from": "mask"}, 77.5, "mask"),
        ("dataengine", {"area": 77.5, "area_from": ["mask"]}, 77.5, "given"),
        ("dataengine", {"area_from": "mask"}, 0.53 * 600, "box"),
    ],
)
def test_a_records_own_area_counts_else_its_box(
    tmp_path: Path, name: str, annotation: dict[str, Any], area: float, origin: str
) -> None:
    people = read(tmp_path, name, annotation, COCO_KEYPOINTS).people
    assert people.extras["area"].tolist() == [pytest.approx(area)]
    assert people.extras["area_from"].tolist() == [origin]


def test_without_boxes_it_is_the_extent_of_all_the_sources_joints(tmp_path: Path) -> None:
    """LSP: head top and neck count, though they are no COCO joints."""
    matrix = joints(4)
    matrix[:, 2] = 1
    people = FORMATS["lsp"].read(save(tmp_path, matrix, 5), tmp_path / "images", Limits()).people
    extent = np.ptp(matrix[:, :2], axis=0).prod(axis=0)
    assert people.extras["area"] == pytest.approx(0.53 * extent, rel=1e-5)
    assert set(people.extras["area_from"].tolist()) == {"joints"}
    inside = (people.bbox_xywh_px[:, :2] > 0).all(axis=1)
    inside &= (people.bbox_xywh_px[:, :2] + people.bbox_xywh_px[:, 2:] < [WIDTH, HEIGHT]).all(axis=1)
    drawn = people.bbox_xywh_px[inside, 2:].prod(axis=1)
    assert drawn == pytest.approx(1.24**2 * extent[inside], rel=1e-4)
