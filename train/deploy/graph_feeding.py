"""From pixels to a network's input, as ONNX graphs of standard operators.

Crops are cut as `crops.spec.extract_crop` cuts them, by two RoiAligns, whose bins lie edge to edge as boxes do. The
first averages blocks of pixels, as many a side as the crop shrinks the picture (one: the pixels themselves), cell by
cell of a grid with room for the largest that there can be; the second samples that grid bilinearly at the crop's pixel
centres. Where a cell is not a whole number of pixels wide, its average differs a little from OpenCV's.
"""

from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from dataengine.inference.exported import INPUT
from dataengine.inference.in_graph import BOXES, CROPS, OPSET, PICTURE
from dataengine.nets.checkpoint import ModelMeta

from .graph_reading import PLACE

BORDER_PX = 2  # of black, so that samples next to the picture's edge fade to it as they do in OpenCV
FEWER = 1 - 1e-6  # of a region's size: a bin that rounding makes larger than whole pixels would get a sample more


def crops_to_images(meta: ModelMeta) -> onnx.ModelProto:
    """Crops (batch, H, W, 3) uint8 RGB to normalised images (batch, 3, H, W)."""
    parts = _Parts()
    parts.add("Cast", [CROPS], "floats", to=onnx.TensorProto.FLOAT)
    parts.add("Transpose", ["floats"], "planes", perm=[0, 3, 1, 2])
    _normalise(parts, meta, "planes")
    height, width = meta.input_height_px, meta.input_width_px
    crops = helper.make_tensor_value_info(CROPS, onnx.TensorProto.UINT8, ["batch", height, width, 3])
    return parts.model([crops], [_images(meta)])


def picture_to_images(meta: ModelMeta) -> onnx.ModelProto:
    """A picture (height, width, 3) uint8 RGB and boxes (batch, 4) to normalised images, and where each crop lies.

    The latter are `PLACE`: picture pixels in a crop pixel (batch, 1), and the crop's middle (batch, 2), picture pixels.
    """
    parts, size = _Parts(), np.array([meta.input_width_px, meta.input_height_px], dtype=np.float32)
    border = np.array([BORDER_PX, BORDER_PX, 0] * 2, dtype=np.int64)
    parts.add("Pad", [PICTURE, parts.constant("border", border)], "padded", mode="constant")
    parts.add("Cast", ["padded"], "floats", to=onnx.TensorProto.FLOAT)
    parts.add("Transpose", ["floats"], "planes", perm=[2, 0, 1])
    parts.add("Unsqueeze", ["planes", parts.constant("first", np.array([0]))], "pictures")
    _place(parts, meta.crop_padding, size)
    _cells(parts)
    cells = 2 * size.astype(int) + 6  # twice the crop, where it almost halves the picture, and a cell around it
    parts.add("Sub", ["first_edge", "cell"], "before")
    parts.add("Add", ["before", parts.constant("shift", np.float32(BORDER_PX))], "grid_from")
    parts.add("Mul", ["cell", parts.constant("cells", np.float32(cells * FEWER))], "grid_size")
    parts.add("Add", ["grid_from", "grid_size"], "grid_to")
    parts.add("Concat", ["grid_from", "grid_to"], "grid_regions", axis=1)
    parts.add("Shape", [BOXES], "count", start=0, end=1)
    parts.add("ConstantOfShape", ["count"], "of_picture", value=numpy_helper.from_array(np.zeros(1, dtype=np.int64)))
    _align(parts, ["pictures", "grid_regions", "of_picture"], "averaged", cells, samples=0)
    parts.add("Round", ["averaged"], "grids")
    for end, edge in (("from", "reach_from"), ("to", "reach_to")):
        parts.add("Sub", [edge, "first_edge"], f"{end}_low")
        parts.add("Div", [f"{end}_low", "cell"], f"{end}_cells")
        parts.add("Add", [f"{end}_cells", parts.constant(f"cell_before_{end}", np.float32(1))], f"crop_{end}")
    parts.add("Concat", ["crop_from", "crop_to"], "crop_regions", axis=1)
    one, zero = parts.constant("one", np.array(1)), parts.constant("zero", np.array(0))
    parts.add("Squeeze", ["count"], "people")
    parts.add("Range", [zero, "people", one], "of_grid")
    _align(parts, ["grids", "crop_regions", "of_grid"], "sampled", size.astype(int), samples=1)
    parts.add("Round", ["sampled"], "crops")
    _normalise(parts, meta, "crops")
    float_kind = onnx.TensorProto.FLOAT
    inputs = [
        helper.make_tensor_value_info(PICTURE, onnx.TensorProto.UINT8, ["height", "width", 3]),
        helper.make_tensor_value_info(BOXES, float_kind, ["batch", 4]),
    ]
    places = [helper.make_tensor_value_info(n, float_kind, ["batch", w]) for n, w in zip(PLACE, (1, 2), strict=True)]
    return parts.model(inputs, [_images(meta), *places])


class _Parts:
    """Nodes and constants of a graph in the making."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> None:
        """A node; its output's name is its own as well."""
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))

    def constant(self, name: str, values: np.ndarray | np.floating) -> str:
        """A tensor of the graph; returns its name."""
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def model(self, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]) -> onnx.ModelProto:
        """The whole graph."""
        graph = helper.make_graph(self.nodes, "feed", inputs, outputs, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])


def _place(parts: _Parts, padding: float, size: np.ndarray) -> None:
    """`PLACE`, and where the crop begins and ends, picture pixels edge to edge, as `crops.spec.crop_matrix` has it."""
    step, middle = PLACE
    for name, start in (("corner", 0), ("extent", 2)):
        bounds = [parts.constant(f"{name}_{end}", np.array([at])) for end, at in (("from", start), ("to", start + 2))]
        parts.add("Slice", [BOXES, *bounds, parts.constant(f"{name}_axis", np.array([1]))], name)
    parts.add("Mul", ["extent", parts.constant("half", np.float32(0.5))], "half_extent")
    parts.add("Add", ["corner", "half_extent"], "middle_edges")
    parts.add("Mul", ["extent", parts.constant("per_px", np.float32(padding) / size)], "steps")
    parts.add("ReduceMax", ["steps"], step, axes=[1], keepdims=1)
    parts.add("Sub", ["middle_edges", "half"], middle)
    parts.add("Mul", [step, parts.constant("half_size", size / 2)], "reach")
    parts.add("Sub", ["middle_edges", "reach"], "reach_from")
    parts.add("Add", ["middle_edges", "reach"], "reach_to")


def _cells(parts: _Parts) -> None:
    """The first pixel (batch, 2) of the blocks to average, and their size: those of `crops.spec.extract_crop`.

    It counts from pixel centres: what begins at the edge e of a pixel is e - 0.5 there.
    """
    parts.add("Floor", [PLACE[0]], "shrinks")
    parts.add("Max", ["shrinks", parts.constant("least", np.float32(1))], "shrink")
    parts.add("Shape", [PICTURE], "shape", start=0, end=2)
    parts.add("Gather", ["shape", parts.constant("turned", np.array([1, 0]))], "extents")
    parts.add("Cast", ["extents"], "limit", to=onnx.TensorProto.FLOAT)
    parts.add("Sub", ["limit", "least"], "last")
    for end, rounding, outwards, edges in (
        ("low", "Floor", "Sub", ("nothing", "last")),
        ("high", "Ceil", "Add", ("low_and_one", "limit")),
    ):
        parts.add("Sub", ["reach_from" if end == "low" else "reach_to", "half"], f"{end}_centre")
        parts.add(rounding, [f"{end}_centre"], f"{end}_whole")
        parts.add(outwards, [f"{end}_whole", "shrink"], f"{end}_wide")
        if end == "high":
            parts.add("Add", ["low", "least"], "low_and_one")
        else:
            parts.constant("nothing", np.float32(0))
        parts.add("Max", [f"{end}_wide", edges[0]], f"{end}_inside")
        parts.add("Min", [f"{end}_inside", edges[1]], end)
    parts.add("Sub", ["high", "low"], "width")
    parts.add("Div", ["width", "shrink"], "blocks")
    parts.add("Floor", ["blocks"], "whole_blocks")
    parts.add("Max", ["whole_blocks", "least"], "number")
    _trim(parts)
    parts.add("Sub", ["last_edge", "first_edge"], "trimmed")
    parts.add("Div", ["trimmed", "number"], "cell")


def _trim(parts: _Parts) -> None:
    """What is left over beyond whole blocks goes from a margin, not from where the picture ends on both sides."""
    for name, kind, inputs in (("has_after", "Less", ["high", "limit"]), ("has_before", "Greater", ["low", "nothing"])):
        parts.add(kind, inputs, f"{name}_bool")
        parts.add("Cast", [f"{name}_bool"], name, to=onnx.TensorProto.FLOAT)
    parts.add("Mul", ["number", "shrink"], "whole")
    parts.add("Sub", ["width", "whole"], "left_over")
    parts.add("Max", ["left_over", "nothing"], "rest")
    parts.add("Mul", ["rest", "has_after"], "off_high")
    parts.add("Sub", ["high", "off_high"], "last_edge")
    parts.add("Sub", ["rest", "off_high"], "not_off_high")
    parts.add("Mul", ["not_off_high", "has_before"], "off_low")
    parts.add("Add", ["low", "off_low"], "first_edge")


def _align(parts: _Parts, inputs: list[str], output: str, size: np.ndarray, *, samples: int) -> None:
    """RoiAlign to `size` (width, height); 0 `samples` are as many a bin as there are pixels along it."""
    parts.add(
        "RoiAlign",
        inputs,
        output,
        coordinate_transformation_mode="half_pixel",
        output_width=int(size[0]),
        output_height=int(size[1]),
        sampling_ratio=samples,
    )


def _normalise(parts: _Parts, meta: ModelMeta, brightness: str) -> None:
    """From values 0..255 (batch, 3, H, W) to the network's input, by the arithmetic of `crops.pixels.normalise`."""
    std = np.asarray(meta.std, dtype=np.float32).reshape(1, 3, 1, 1)
    mean = np.asarray(meta.mean, dtype=np.float32).reshape(1, 3, 1, 1)
    parts.add("Mul", [brightness, parts.constant("scale", 1 / (255 * std))], "scaled")
    parts.add("Sub", ["scaled", parts.constant("mean", mean / std)], INPUT)


def _images(meta: ModelMeta) -> onnx.ValueInfoProto:
    shape: list[str | int | None] = ["batch", 3, meta.input_height_px, meta.input_width_px]
    return helper.make_tensor_value_info(INPUT, onnx.TensorProto.FLOAT, shape)
