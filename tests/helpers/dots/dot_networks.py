"""ONNX networks that find dotted people in pixels, built to any contract: fed or read otherwise, they answer worse.

The graph takes its input back to bytes of red, green and blue, weighs every pixel by its likeness to each joint's
colour, and takes the middle of what is alike. As a fitted network does, it loses accuracy on people of another size in
the input than it was made for (`fitted_dot_network`).
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from dataengine.adopted.contract import NORMALISATIONS, AnswerForm, Contract, Feed
from dataengine.adopted.folder import write_adopted
from dataengine.adopted.in_boxes import look
from dataengine.adopted.opening import open_network
from dataengine.people import Images, People

from .dotted_people import COLOURS_RGB
from .graph_builder import GraphBuilder

LIKENESS = 10.0  # standard deviation of a colour, of 255
MASS = "mass"
STEP_PX = 2  # every second pixel is looked at
BLUNDER = 1.0  # share of the place by which a network is off at twice the size
MAP_SIGMA_CELLS, AXIS_SIGMA_BINS = 2.0, 6.0
DECOYS, DECOY_SCORE, SCORE = 5, 0.05, 0.9
TYPES = {
    "float32": TensorProto.FLOAT,
    "float16": TensorProto.FLOAT16,
    "uint8": TensorProto.UINT8,
    "int32": TensorProto.INT32,
}


def dot_network(path: Path, contract: Contract, *, cells: tuple[int, int] = (0, 0), expected: float = 0.0) -> Path:
    """Write a network that keeps to `contract`; `cells` (w, h) are a heatmap's or the bins of both axes.

    `expected` is the sum of colour that it works best with, a measure of the area of dots; 0: it works equally well
    with any, and also answers that sum, as output `MASS`.
    """
    graph = GraphBuilder()
    places = _located(graph, contract.feed, expected)
    numbers = _in_units(graph, places, contract, cells)
    outputs = _answered(graph, numbers, contract.answers, cells)
    feed = contract.feed
    sides = [feed.height_px, feed.width_px]
    shape = [1, 3, *sides] if feed.layout == "NCHW" else [1, *sides, 3]
    outputs += [] if expected else [MASS]
    made = helper.make_graph(
        graph.nodes,
        "dots",
        [helper.make_tensor_value_info("input", TYPES[feed.dtype], shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        graph.constants,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.save(onnx.shape_inference.infer_shapes(model), path)
    return path


def _located(graph: GraphBuilder, feed: Feed, expected: float) -> str:
    """Middles (1, 17, 2) of the dots, x and y in input pixels."""
    mean, divisor = (np.array(values) for values in NORMALISATIONS[feed.normalisation])
    sides = np.array([2, 3] if feed.layout == "NCHW" else [1, 2])
    ends, steps = np.array([feed.height_px, feed.width_px]), np.array([STEP_PX, STEP_PX])
    pixels = graph.op("Slice", "input", np.array([0, 0]), ends, sides, steps)
    pixels = graph.op("Cast", pixels, to=TensorProto.FLOAT)
    if feed.layout == "NCHW":
        pixels = graph.op("Transpose", pixels, perm=[0, 2, 3, 1])
    pixels = graph.op("Reshape", pixels, np.array([1, -1, 3]))
    if feed.channels == "BGR":
        pixels = graph.op("Gather", pixels, np.array([2, 1, 0]), axis=2)
    rgb = graph.op("Add", graph.op("Mul", pixels, divisor), mean)
    square = graph.op("ReduceSum", graph.op("Mul", rgb, rgb), np.array([2]), keepdims=1)
    product = graph.op("MatMul", rgb, -2 * COLOURS_RGB.T)
    apart = graph.op("Add", graph.op("Add", square, product), (COLOURS_RGB**2).sum(axis=1))
    alike = graph.op("Exp", graph.op("Mul", apart, np.float32(-0.5 / LIKENESS**2)))
    mass = graph.op("ReduceSum", alike, np.array([1]), keepdims=0)  # (1, 17)
    y, x = np.mgrid[: feed.height_px : STEP_PX, : feed.width_px : STEP_PX]
    moments = graph.op(
        "MatMul", graph.op("Transpose", alike, perm=[0, 2, 1]), np.stack([x.ravel(), y.ravel()], axis=1) * 1.0
    )
    some = graph.op("Unsqueeze", graph.op("Add", mass, np.float32(1e-3)), np.array([2]))
    places = graph.op("Div", moments, some)
    # red beyond blue adds up to the same whatever the resampling does to edges; grey adds nothing
    colour = graph.op("MatMul", rgb, np.array([[1.0], [0.0], [-1.0]]))
    total = graph.op("Abs", graph.op("ReduceSum", colour, np.array([0, 1, 2]), keepdims=0), out=MASS)
    if not expected:
        return places
    size = graph.op("Sqrt", graph.op("Div", total, np.float32(expected)))
    factor = graph.op("Add", graph.op("Mul", size, np.float32(BLUNDER)), np.float32(1 - BLUNDER))
    middle = (np.array([feed.width_px, feed.height_px]) - 1) / 2
    return graph.op("Add", graph.op("Mul", graph.op("Sub", places, middle), factor), middle)


def _in_units(graph: GraphBuilder, places: str, contract: Contract, cells: tuple[int, int]) -> str:
    """The numbers (1, k, 2), x and y, by which the contract gives places, in the network's order of joints."""
    answers, size = contract.answers, np.array([contract.feed.width_px, contract.feed.height_px], dtype=float)
    if answers.kind in ("heatmap", "simcc"):
        units = np.array(cells, dtype=float)
    else:
        units = size if answers.units == "pixels" else np.ones(2)
    shift, scale = 0.0, units / size
    if answers.grid in ("half pixel", "corner"):
        shift = 0.5
    if answers.grid == "align corners":
        scale = (np.where(units > 1, units - 1, 1)) / (size - 1)
    numbers = graph.op("Mul", graph.op("Add", places, np.float32(shift)), scale)
    if answers.grid == "half pixel":
        numbers = graph.op("Sub", numbers, np.float32(0.5))
    # a joint that COCO lacks lies over the head, as far from the nose as the middle of all joints
    nose = graph.op("Gather", numbers, np.array([0]), axis=1)
    over = graph.op("Sub", graph.op("Add", nose, nose), graph.op("ReduceMean", numbers, axes=[1], keepdims=1))
    order = {place: joint for joint, place in enumerate(contract.order)}
    from_coco = [order.get(place, len(contract.order)) for place in range(answers.joints)]
    return graph.op("Gather", graph.op("Concat", numbers, over, axis=1), np.array(from_coco), axis=1)


def _answered(graph: GraphBuilder, numbers: str, answers: AnswerForm, cells: tuple[int, int]) -> list[str]:
    k = answers.joints
    if answers.kind in ("heatmap", "simcc"):
        sigma = MAP_SIGMA_CELLS if answers.kind == "heatmap" else AXIS_SIGMA_BINS
        axes = [_bump(graph, numbers, axis, cells[axis], sigma) for axis in (0, 1)]
        if answers.kind == "simcc":
            return [graph.op("Identity", axes[0], out=answers.places), graph.op("Identity", axes[1], out=answers.other)]
        maps = graph.op(
            "Mul", graph.op("Unsqueeze", axes[1], np.array([3])), graph.op("Unsqueeze", axes[0], np.array([2]))
        )
        perm = [0, 1, 2, 3] if answers.layout == "channels first" else [0, 2, 3, 1]
        return [graph.op("Transpose", maps, out=answers.places, perm=perm)]
    if answers.axes == "yx":
        numbers = graph.op("Gather", numbers, np.array([1, 0]), axis=2)
    more = np.full((1, k, answers.per_joint - 2), 0.8)
    joints = graph.op("Concat", numbers, more, axis=2) if answers.per_joint > 2 else numbers
    if answers.kind == "points":
        return [graph.op("Reshape", joints, np.array([1, 1, k, answers.per_joint]), out=answers.places)]
    return _detected(graph, joints, answers)


def _detected(graph: GraphBuilder, joints: str, answers: AnswerForm) -> list[str]:
    """The person among decoys of low score, somewhere else: in one table, or in two tensors."""
    k, d = answers.joints, answers.per_joint
    true = graph.op("Reshape", joints, np.array([1, 1, k * d]))
    decoys = np.random.default_rng(5).uniform(0, 0.2, (1, DECOYS, k * d))
    rows = graph.op("Concat", decoys, true, axis=1)
    scores = np.array([DECOY_SCORE] * DECOYS + [SCORE]).reshape(1, -1, 1)
    box = np.zeros((1, DECOYS + 1, 4))
    if not answers.other:
        parts = [box, scores] + ([np.zeros_like(scores)] if answers.first == 6 else [])
        table = (
            graph.op("Concat", *parts, rows, axis=2) if answers.first else graph.op("Concat", rows, box, scores, axis=2)
        )
        perm = [0, 2, 1] if answers.layout == "channels first" else [0, 1, 2]
        return [graph.op("Transpose", table, out=answers.places, perm=perm)]
    graph.op("Reshape", rows, np.array([1, DECOYS + 1, k, d]), out=answers.places)
    if answers.score >= 0:  # boxes with their score
        return [graph.op("Concat", box, scores, out=answers.other, axis=2), answers.places]
    logits = np.log(scores / (1 - scores)) + np.array([0.0, -4.0])  # two classes
    return [
        graph.op("Identity", box, out="boxes"),
        graph.op("Identity", logits, out=answers.other),
        answers.places,
    ]


def _bump(graph: GraphBuilder, numbers: str, axis: int, cells: int, sigma: float) -> str:
    """A Gaussian (1, k, cells) about each joint's number on an axis."""
    place = graph.op("Gather", numbers, np.array([axis]), axis=2)
    away = graph.op("Sub", place, np.arange(cells, dtype=float).reshape(1, 1, -1))
    return graph.op("Exp", graph.op("Mul", graph.op("Mul", away, away), np.float32(-0.5 / sigma**2)))


def fitted_dot_network(
    path: Path, contract: Contract, people: People, images: Images, *, cells: tuple[int, int] = (0, 0)
) -> Path:
    """A network that keeps to `contract` and works best with `people` as the contract shows them."""
    network = open_network(dot_network(path, contract, cells=cells))
    seen = [float(one.tensors[MASS]) for one in look(network, contract.feed, people, images)]
    return dot_network(path, contract, cells=cells, expected=float(np.median(seen)))


def adopted_dot_network(folder: Path) -> Path:
    """The folder of an adopted network that finds dotted people in their boxes."""
    contract = Contract(Feed(96, 128), AnswerForm("points", 17, "out", per_joint=3), tuple(range(17)))
    source = dot_network(folder.with_name(f"{folder.name}.onnx"), contract)
    write_adopted(folder, source, contract, {})
    return folder
