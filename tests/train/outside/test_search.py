"""The contract of each network built here is found again, from its file and ten labelled people."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from dataengine.adopted.contract import AnswerForm, Contract, Feed, Frame
from dataengine.adopted.opening import open_network
from dataengine.keypoints import FLIP_INDEX
from dataengine.people import Images, People
from dataengine.train.outside.orders import public_orders
from dataengine.train.outside.search import find_contract

from ...helpers.dots.dot_networks import fitted_dot_network
from ...helpers.dots.dotted_people import draw_dotted_people

COCO = tuple(range(17))
CROWDPOSE = tuple(int(i) for i in dict(public_orders(14))["CrowdPose"])
SIDES_EXCHANGED = tuple(int(i) for i in FLIP_INDEX)
TOP_LEFT: Frame = "image at the top left"
CONTRACTS = {
    "RTMPose": (
        Contract(Feed(192, 256), AnswerForm("simcc", 17, "simcc_x", "simcc_y", decode="argmax", grid="stride"), COCO),
        (384, 512),
    ),
    "ViTPose": (
        Contract(Feed(192, 256), AnswerForm("heatmap", 17, "maps", decode="dark", grid="align corners"), COCO),
        (48, 64),
    ),
    "stretched, channels last, sides exchanged": (
        Contract(
            Feed(160, 160, "NHWC", channels="BGR", normalisation="symmetric", frame="stretched box", padding=1.1),
            AnswerForm("heatmap", 17, "maps", layout="channels last", decode="dark", grid="stride"),
            SIDES_EXCHANGED,
        ),
        (40, 40),
    ),
    "MoveNet, with a wider crop": (
        Contract(
            Feed(160, 160, "NHWC", "int32", normalisation="bytes", padding=1.5),
            AnswerForm("points", 17, "out", per_joint=3, units="shares", axes="yx", grid="corner"),
            COCO,
        ),
        (0, 0),
    ),
    "CrowdPose's joints": (
        Contract(Feed(96, 128, normalisation="unit"), AnswerForm("points", 14, "out"), CROWDPOSE),
        (0, 0),
    ),
    "RTMO": (
        Contract(
            Feed(256, 256, channels="BGR", normalisation="bytes", frame=TOP_LEFT, padding=1.0),
            AnswerForm("detections", 17, "keypoints", "dets", layout="channels last", per_joint=3, score=4),
            COCO,
        ),
        (0, 0),
    ),
    "YOLO-pose": (
        Contract(
            Feed(256, 256, normalisation="unit", frame="image", padding=1.0),
            AnswerForm("detections", 17, "output0", per_joint=3, first=5, score=4),
            COCO,
        ),
        (0, 0),
    ),
    "YOLO-pose with its own NMS": (
        Contract(
            Feed(256, 256, normalisation="unit", frame="image", padding=1.0),
            AnswerForm("detections", 17, "output0", layout="channels last", per_joint=3, first=6, score=4),
            COCO,
        ),
        (0, 0),
    ),
    "MoveNet for several people": (
        Contract(
            Feed(256, 256, "NHWC", "int32", normalisation="bytes", frame="image", padding=1.0),
            AnswerForm(
                "detections", 17, "out", layout="channels last", per_joint=3, score=55, units="shares", axes="yx"
            ),
            COCO,
        ),
        (0, 0),
    ),
    "RF-DETR": (
        Contract(
            Feed(224, 224, frame="stretched image", padding=1.0),
            AnswerForm(
                "detections",
                17,
                "keypoints",
                "labels",
                layout="channels last",
                per_joint=8,
                sigmoid=True,
                units="shares",
            ),
            COCO,
        ),
        (0, 0),
    ),
}
Drawn = tuple[People, Images]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    return draw_dotted_people(tmp_path_factory.mktemp("drawn"), 10, aspect=(0.55, 0.72))


@pytest.fixture(scope="module")
def of_one_size(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """For networks that do not scale each person alike, and were made for people as large as these."""
    folder = tmp_path_factory.mktemp("one_size")
    return draw_dotted_people(folder, 10, long_px=(170, 171), aspect=(0.68, 0.72))


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_contract_is_found(name: str, drawn: Drawn, of_one_size: Drawn, tmp_path: Path) -> None:
    contract, cells = CONTRACTS[name]
    people, images = drawn if contract.feed.frame == "box" else of_one_size
    network = open_network(fitted_dot_network(tmp_path / "net.onnx", contract, people, images, cells=cells))
    found = find_contract(network, people, images)
    assert found.oks.mean() > 0.97
    if contract.feed.frame == TOP_LEFT:  # these pictures look the same wherever they are put: both are right
        (frame,) = (choice for choice in found.choices if choice.coordinate == "frame")
        assert frame.is_tie or found.contract == contract
        contract = replace(contract, feed=replace(contract.feed, frame=found.contract.feed.frame))
    assert found.contract == contract


def test_a_size_that_the_file_leaves_open_is_found(drawn: Drawn, tmp_path: Path) -> None:
    people, images = drawn
    contract, cells = CONTRACTS["RTMPose"]
    path = fitted_dot_network(tmp_path / "net.onnx", contract, people, images, cells=cells)
    model = onnx.load(path)
    for dimension, name in zip(model.graph.input[0].type.tensor_type.shape.dim[2:], ("height", "width"), strict=True):
        dimension.dim_param = name
    onnx.save(model, path)
    network = open_network(path)
    assert network.image.width_px is None
    assert find_contract(network, people, images).contract == contract


def test_a_network_that_finds_nobody_has_no_good_contract(drawn: Drawn, tmp_path: Path) -> None:
    people, images = drawn
    contract, _ = CONTRACTS["CrowdPose's joints"]
    network = open_network(fitted_dot_network(tmp_path / "net.onnx", contract, people, images))
    rng = np.random.default_rng(0)
    elsewhere = people.replace(
        keypoints_px=(people.keypoints_px + rng.normal(0, 60, people.keypoints_px.shape)).astype(np.float32)
    )
    assert find_contract(network, elsewhere, images).oks.mean() < 0.3
