"""What 8 bits do to the last layers of a head: the layers whose answer a joint's place is read from.

A place is read between neighbouring bins or cells, from how far the answer falls from its peak to the next one. So an
error that both share moves nothing, and one that they do not share moves the joint. `last_layer_errors` measures both
on crops, and how far joints move with the last layers alone in 8 bits, their weights alone, and their inputs alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from dataengine.inference.running.predict import Runner, onnx_runner

from .quantise import LAYERS, ONNX_RUNTIME, Int8Writer

Arrays = Sequence[NDArray[np.floating[Any]]]


@dataclass(frozen=True)
class Falls:
    """The fall of an answer from its peaks to their neighbours, as shares of the answer's whole range (0..1)."""

    fall: float
    """Mean in FP32."""
    at_peak: float
    """RMS error of the peaks' heights."""
    of_fall: float
    """RMS error of the falls: what peak and neighbour do not share."""


@dataclass(frozen=True)
class LastLayerErrors:
    """What the last layers' 8 bits do on the crops that they were calibrated on."""

    layers: tuple[str, ...]
    moved_px: dict[str, float]
    """What is in 8 bits -> mean distance of joints from FP32's, image px."""
    falls: dict[str, Falls]
    """The same of the answers; only of `ALONE`, `WEIGHTS` and `INPUTS`."""
    step_px: float
    """From one bin or cell to the next, crop px."""


EVERYTHING, OTHERS, ALONE = (
    "all layers (a last convolution stays in float)",
    "all but the last layers",
    "the last layers alone",
)
WEIGHTS, INPUTS = "the last layers' weights alone", "the last layers' inputs alone"


def last_layers(graph: Any) -> tuple[str, ...]:
    """Names of the products from which no other product leads to an output, in order of computation."""
    made_by = {name: node for node in graph.node for name in node.output}
    open_names, found = [output.name for output in graph.output], set()
    while open_names:
        node = made_by.get(open_names.pop())
        if node is None:
            continue
        if node.op_type in LAYERS:
            found.add(node.name)
        else:
            open_names += node.input
    return tuple(node.name for node in graph.node if node.name in found)


def last_layer_errors(
    writer: Int8Writer,
    crops: NDArray[np.float32],
    moved_px: Callable[[Runner], float],
    scratch: Path,
    *,
    threads: int,
) -> LastLayerErrors:
    """Errors on normalised `crops` (n, 3, H, W); `moved_px` says how far a runner's joints are from FP32's."""
    graph, path = writer.graph, scratch / "last_layers.onnx"
    last = last_layers(graph)
    plain = onnx_runner(writer.prepared, threads)(crops)
    every = [node.name for node in graph.node]
    written: dict[str, Callable[[], None]] = {
        EVERYTHING: lambda: writer.write(path, ONNX_RUNTIME),
        OTHERS: lambda: writer.write(path, ONNX_RUNTIME, last),
        ALONE: lambda: writer.write(path, ONNX_RUNTIME, [name for name in every if name not in last], answers=True),
        WEIGHTS: lambda: _in_float(path, last, graph, inputs=True),
        INPUTS: lambda: _in_float(path, last, graph, inputs=False),
    }
    moved, falls = {}, {}
    for name, write in written.items():
        if name == INPUTS:
            written[ALONE]()
        write()
        runner = onnx_runner(path, threads)
        moved[name] = moved_px(runner)
        if name in (ALONE, WEIGHTS, INPUTS):
            falls[name] = falls_of(plain, runner(crops))
    return LastLayerErrors(last, moved, falls, crops.shape[-1] / plain[0].shape[-1])


def falls_of(wanted: Arrays, given: Arrays) -> Falls:
    """How answers (n, k, bins) or (n, k, h, w) fall around the peaks of `wanted`, and how far `given` is off there.

    Each axis counts by itself, and both neighbours on it; single numbers (n, k) have none.
    """
    fall, at_peak, of_fall, ranges = [], [], [], []
    for one, other in zip(wanted, given, strict=True):
        if one.ndim < 3:
            continue
        cells = one.reshape(-1, *one.shape[2:]).astype(np.float64)
        error = other.reshape(cells.shape) - cells
        peak = np.stack(np.unravel_index(cells.reshape(len(cells), -1).argmax(axis=1), cells.shape[1:]), axis=1)
        ranges.append(cells.max() - cells.min())
        for axis in range(peak.shape[1]):
            for step in (-1, 1):
                neighbour = peak + step * np.eye(peak.shape[1], dtype=np.int64)[axis]
                rows = np.flatnonzero((neighbour[:, axis] >= 0) & (neighbour[:, axis] < cells.shape[1 + axis]))
                here, there = (rows, *peak[rows].T), (rows, *neighbour[rows].T)
                fall.append((cells[here] - cells[there]) / ranges[-1])
                at_peak.append(error[here] / ranges[-1])
                of_fall.append((error[here] - error[there]) / ranges[-1])
    joined = [np.concatenate(each) for each in (fall, at_peak, of_fall)]
    return Falls(float(joined[0].mean()), *(float(np.sqrt((each**2).mean())) for each in joined[1:]))


def _in_float(path: Path, layers: Sequence[str], plain: Any, *, inputs: bool) -> None:
    """Give the layers in the INT8 file `path` their inputs in float, or else their weights, as `plain` has them."""
    model = onnx.load(str(path))
    made_by = {name: node for node in model.graph.node for name in node.output}
    float_names = {node.name: node.input[1] for node in plain.node if node.name in layers}
    tensors = {tensor.name: tensor for tensor in plain.initializer}
    for node in model.graph.node:
        if node.name not in layers:
            continue
        if inputs:
            quantised = made_by[node.input[0]]  # DequantizeLinear of QuantizeLinear of what the layer is given
            node.input[0] = made_by[quantised.input[0]].input[0]
        else:
            weight = onnx.TensorProto()
            weight.CopyFrom(tensors[float_names[node.name]])
            weight.name = f"{node.name}_float_weight"
            model.graph.initializer.append(weight)
            node.input[1] = weight.name
    onnx.save(model, str(path))
