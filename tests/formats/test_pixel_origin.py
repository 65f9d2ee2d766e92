"""What each format's numbers count from: one joint on a known pixel, as the file says it and as it is read."""

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from dataengine.format_table import FORMATS
from dataengine.formats.reading.content import Limits
from dataengine.formats.writing import copy_images
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.people import People

from .writing_samples import HEIGHT, WIDTH, image_table

PIXEL = (17.0, 40.0)  # column and row of the pixel on whose centre the left wrist lies
WRIST = COCO_KEYPOINTS.index("left_wrist")


def number_in_file(name: str, path: Path) -> tuple[float, ...]:
    """The joint's place as the file has it."""
    if name == "lsp":
        return tuple(loadmat(str(path))["joints"][11, :2, 0].tolist())
    if name == "yolo":
        shares = next(path.rglob("*.txt")).read_text().split()[5:]
        return float(shares[3 * WRIST]) * WIDTH, float(shares[3 * WRIST + 1]) * HEIGHT
    if name == "cvat":
        joint = next(each for each in ElementTree.parse(path).iter("points") if each.get("label") == "left_wrist")
        return tuple(map(float, joint.attrib["points"].split(",")))
    document = json.loads(path.read_text())
    if name == "label-studio":
        (joint,) = [each for each in document[0]["annotations"][0]["result"] if each["type"] == "keypointlabels"]
        return joint["value"]["x"] / 100 * WIDTH, joint["value"]["y"] / 100 * HEIGHT
    if name == "mpii":
        return tuple(document[0]["joints"][15])
    names = [each.lower().replace(" ", "_") for each in document["categories"][0]["keypoints"]]
    triple = 3 * names.index("left_wrist")
    return tuple(document["annotations"][0]["keypoints"][triple : triple + 2])


@pytest.mark.parametrize("name", [name for name, known in FORMATS.items() if known.write is not None])
def test_a_joint_on_a_pixel_has_its_number(name: str, tmp_path: Path) -> None:
    """MATLAB counts from 1, most others from 0, CVAT and Label Studio from the corner: centres lie on a half."""
    visibility = np.zeros((1, 17), dtype=np.uint8)
    visibility[0, WRIST] = 2
    points = np.where(visibility[..., None] > 0, np.array(PIXEL), 0.0)
    people = People.build(image_id=1, bbox_xywh_px=[[5, 5, 30, 50]], keypoints_px=points, visibility=visibility)
    known = FORMATS[name]
    source, folder = tmp_path / "source", tmp_path / "images"
    images = copy_images(image_table(source, 1), source, folder, known.image_names)
    assert known.write is not None
    known.write(tmp_path / known.annotations, people, images, folder)
    first = {"mpii": 1.0, "lsp": 1.0, "cvat": 0.5, "label-studio": 0.5}.get(name, 0.0)
    stated = number_in_file(name, tmp_path / known.annotations)
    np.testing.assert_allclose(stated, np.array(PIXEL) + first, atol=1e-4)
    found = known.read(tmp_path / known.annotations, tmp_path if name == "dataengine" else folder, Limits()).people
    np.testing.assert_allclose(found.keypoints_px[0, WRIST], PIXEL, atol=1e-3)


def test_lsp_itself_counts_from_one(tmp_path: Path) -> None:
    """The older set's matrix, which is read and never written."""
    copy_images(image_table(tmp_path / "source", 1), tmp_path / "source", tmp_path, FORMATS["lsp"].image_names)
    joints = np.tile([[WIDTH], [HEIGHT], [0.0]], (1, 14))[..., None]  # the last pixel of all
    savemat(str(tmp_path / "joints.mat"), {"joints": joints})
    found = FORMATS["lsp"].read(tmp_path / "joints.mat", tmp_path, Limits()).people
    np.testing.assert_array_equal(found.keypoints_px[0, WRIST], [WIDTH - 1, HEIGHT - 1])
