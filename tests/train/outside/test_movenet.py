"""MoveNet's contract on networks built here: one that finds the reddest pixel, and some with another contract."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from dataengine.errors import InputError
from dataengine.people import Images, People
from dataengine.train.outside.movenet import movenet_in_boxes

SIDE = 64


def reddest_pixel_network(path: Path, *, joints: int = 17, pixels: int = TensorProto.INT32) -> Path:
    """An ONNX file that answers with the middle of the pixel whose first channel is greatest, for every joint."""
    ints, floats = TensorProto.INT64, TensorProto.FLOAT
    constants = [
        helper.make_tensor("channel", ints, [1], [0]),
        helper.make_tensor("row", ints, [4], [1, SIDE * SIDE, 1, 1]),
        helper.make_tensor("side", floats, [1], [SIDE]),
        helper.make_tensor("half", floats, [1], [0.5]),
        helper.make_tensor("sure", floats, [1, 1, 1, 1], [0.75]),
        helper.make_tensor("shape", ints, [4], [1, 1, joints, 3]),
        helper.make_tensor("one", ints, [4], [1, 1, 1, 1]),
    ]
    steps: list[tuple[str, list[str], str, dict[str, Any]]] = [
        ("Gather", ["input", "channel"], "red_int", {"axis": 3}),
        ("Cast", ["red_int"], "red", {"to": floats}),
        ("Reshape", ["red", "row"], "flat", {}),
        ("ArgMax", ["flat"], "place_int", {"axis": 1, "keepdims": 1}),
        ("Cast", ["place_int"], "place", {"to": floats}),
        ("Div", ["place", "side"], "lines", {}),
        ("Floor", ["lines"], "line", {}),
        ("Mul", ["line", "side"], "before", {}),
        ("Sub", ["place", "before"], "column", {}),
        ("Add", ["line", "half"], "y_px", {}),
        ("Add", ["column", "half"], "x_px", {}),
        ("Div", ["y_px", "side"], "y", {}),
        ("Div", ["x_px", "side"], "x", {}),
        ("Concat", ["y", "x", "sure"], "joint", {"axis": 3}),
        ("Expand", ["joint", "shape"], "output", {}),
    ]
    graph = helper.make_graph(
        [helper.make_node(op, inputs, [output], **settings) for op, inputs, output, settings in steps],
        "reddest",
        [helper.make_tensor_value_info("input", pixels, [1, SIDE, SIDE, 3])],
        [helper.make_tensor_value_info("output", floats, [1, 1, joints, 3])],
        constants,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), path)
    return path


@pytest.mark.parametrize("pixels", [TensorProto.INT32, TensorProto.FLOAT])
def test_a_red_dot_is_found_where_it_is_and_a_blue_one_is_not(tmp_path: Path, pixels: int) -> None:
    image = np.zeros((200, 300, 3), dtype=np.uint8)
    image[90, 140], image[80, 120] = (0, 0, 255), (255, 0, 0)  # BGR: a red pixel, and a blue one
    cv2.imwrite(str(tmp_path / "a.png"), image)
    images = Images.build(id=[1], path=[str(tmp_path / "a.png")], width=300, height=200)
    box = np.array([[110.5, 70.5, SIDE / 1.25, SIDE / 1.25]])  # its padded crop is one to one
    people = People.build(
        image_id=[1], bbox_xywh_px=box, keypoints_px=np.zeros((1, 17, 2)), visibility=np.ones((1, 17))
    )
    found = movenet_in_boxes(people, images, reddest_pixel_network(tmp_path / "net.onnx", pixels=pixels))
    np.testing.assert_allclose(found.keypoints_px[0], np.tile([140, 90], (17, 1)), atol=0.51)
    np.testing.assert_allclose(found.score, 0.75)
    np.testing.assert_allclose(found.extras["joint_confidence"], np.full((len(found), 17), 0.75))
    assert (found.visibility == 2).all()


def test_what_is_no_movenet_is_refused(tmp_path: Path) -> None:
    images = Images.build(id=[], path=[], width=[], height=[])
    with pytest.raises(InputError, match="does not exist"):
        movenet_in_boxes(People.empty(), images, tmp_path / "missing.onnx")
    (tmp_path / "text.onnx").write_text("not a model")
    with pytest.raises(InputError, match="ONNX Runtime opens"):
        movenet_in_boxes(People.empty(), images, tmp_path / "text.onnx")
    with pytest.raises(InputError, match="is not a MoveNet"):
        movenet_in_boxes(People.empty(), images, reddest_pixel_network(tmp_path / "many.onnx", joints=16))
