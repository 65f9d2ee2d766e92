"""Labels of turned pictures: kept where they are upright, refused by name where that cannot be known."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from dataengine.crops.spec import CropSpec
from dataengine.crops.training.augment import NO_AUGMENTATION
from dataengine.crops.training.samples import CropSamples
from dataengine.formats.coco import read_coco
from dataengine.formats.reading.content import Limits
from dataengine.formats.yolo import read_yolo
from dataengine.pictures.reading.decoding import read_picture
from dataengine.pictures.reading.header import PictureHeader
from dataengine.pictures.stated_sizes import size_faults

from ..helpers.made_pictures import saved

WIDTH, HEIGHT = 240, 320
JOINTS = np.stack([np.linspace(60, 180, 17), np.linspace(40, 290, 17)], axis=1).round()
ORIENTATIONS = (1, 2, 3, 6, 8)


def stored_joints(orientation: int) -> np.ndarray:
    x, y = JOINTS.T
    places = {
        1: (x, y),
        2: (WIDTH - 1 - x, y),
        3: (WIDTH - 1 - x, HEIGHT - 1 - y),
        6: (y, WIDTH - 1 - x),
        8: (HEIGHT - 1 - y, x),
    }
    return np.stack(places[orientation], axis=1)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """One figure, a white spot at each joint, stored in five orientations."""
    folder = tmp_path / "images"
    folder.mkdir()
    upright = Image.new("RGB", (WIDTH, HEIGHT))
    for x, y in JOINTS:
        ImageDraw.Draw(upright).ellipse((x - 3, y - 3, x + 3, y + 3), "white")
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        6: Image.Transpose.ROTATE_90,
        8: Image.Transpose.ROTATE_270,
    }
    for orientation in ORIENTATIONS:
        stored = upright.transpose(turns[orientation]) if orientation in turns else upright
        (folder / f"o{orientation}.jpg").write_bytes(saved(stored, "JPEG", orientation, quality=95))
    return folder


def coco_file(path: Path, joints: str, sizes: str) -> Path:
    images, annotations = [], []
    for number, orientation in enumerate(ORIENTATIONS, 1):
        size = (HEIGHT, WIDTH) if sizes == "stored" and orientation in (6, 8) else (WIDTH, HEIGHT)
        points = stored_joints(orientation) if joints == "stored" else JOINTS
        images.append({"id": number, "file_name": f"o{orientation}.jpg", "width": size[0], "height": size[1]})
        low, extent = points.min(axis=0), np.ptp(points, axis=0)
        annotation: dict[str, Any] = {"id": number, "image_id": number, "category_id": 1, "iscrowd": 0}
        annotation["bbox"], annotation["area"] = [*low.tolist(), *extent.tolist()], float(extent.prod())
        annotation["keypoints"] = np.column_stack([points, np.full(17, 2)]).ravel().tolist()
        annotations.append(annotation | {"num_keypoints": 17})
    category = {"id": 1, "name": "person"}
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": [category]}))
    return path


def darkest_joint(people: Any, images: Any) -> int:
    """The brightness of the pixels under the joints, where every one of them shows a white spot."""
    darkest = 255
    for row, place in enumerate(images.rows_of(people.image_id)):
        picture = read_picture(images.path[place])
        x, y = people.keypoints_px[row].round().astype(int).T
        darkest = min(darkest, int(picture[y, x].min()))
    return darkest


def test_upright_labels_of_turned_pictures_lie_on_the_figure(images: Path, tmp_path: Path) -> None:
    content = read_coco(coco_file(tmp_path / "a.json", "upright", "upright"), images, Limits())
    assert len(content.people) == 5 and not content.bad
    assert darkest_joint(content.people, content.images) > 200


def test_so_they_do_in_what_is_trained_on(images: Path, tmp_path: Path) -> None:
    content = read_coco(coco_file(tmp_path / "a.json", "upright", "upright"), images, Limits())
    spec = CropSpec(96, 96, 1.25)
    for crop_px in (spec, CropSpec(48, 48, 1.25)):  # decoded whole, and at half the size
        samples = CropSamples(content.people, content.images, crop_px, NO_AUGMENTATION)
        for row in range(len(content.people)):
            sample = samples.sample(row, (row,))
            x, y = sample.keypoints_px.round().astype(int).T
            assert sample.crop_rgb[y, x].min() > 60 and np.median(sample.crop_rgb) < 10


def test_shares_of_an_upright_picture_lie_on_the_figure(images: Path, tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    joints = " ".join(f"{x / WIDTH:.6f} {y / HEIGHT:.6f} 2" for x, y in JOINTS)
    for orientation in ORIENTATIONS:
        (tmp_path / "labels" / f"o{orientation}.txt").write_text(f"0 0.5 0.5 0.6 0.9 {joints}\n")
    content = read_yolo(tmp_path / "labels", images, Limits())
    assert len(content.people) == 5 and not content.bad
    assert darkest_joint(content.people, content.images) > 200


@pytest.mark.parametrize("joints", ["stored", "upright"])
def test_stored_sizes_are_refused_with_the_orientation(images: Path, tmp_path: Path, joints: str) -> None:
    """Label Studio states stored sizes for upright joints; by the sizes alone the two cannot be told apart."""
    content = read_coco(coco_file(tmp_path / "a.json", joints, "stored"), images, Limits())
    reasons = {Path(bad.file).name: bad.reason for bad in content.bad if bad.table == "images"}
    assert sorted(reasons) == ["o2.jpg", "o3.jpg", "o6.jpg", "o8.jpg"]
    for orientation in (2, 3, 6, 8):
        assert f"EXIF orientation {orientation}" in reasons[f"o{orientation}.jpg"]
    assert "stated 320x240, its stored size: upright it is 240x320" in reasons["o6.jpg"]
    assert len(content.people) == 1 and darkest_joint(content.people, content.images) > 200


def header(width: int, height: int, orientation: int) -> PictureHeader:
    return PictureHeader("JPEG", width, height, orientation)


def test_squares_and_half_turns_count_as_upright_without_evidence_against_it() -> None:
    headers = [header(50, 50, 6), header(40, 30, 3), header(40, 30, 1)]
    assert size_faults([(50, 50), (40, 30), (40, 30)], headers) == ["", "", ""]
    faults = size_faults([(50, 50), (40, 30), (40, 30), (60, 20)], [*headers, header(20, 60, 8)])
    assert [bool(fault) for fault in faults] == [True, True, False, True]


def test_other_sizes_and_no_sizes() -> None:
    headers = [header(40, 30, 1), header(40, 30, 6)]
    assert size_faults([(41, 30), None], headers) == ["stated 41x30, is 40x30", ""]
