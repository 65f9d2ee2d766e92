"""What an INT8 file means, in exact integers and float64; and what a CPU without VNNI makes of its products.

`run_exactly` follows the Q/DQ graph node by node in float64. `IntegerConvolution` takes one convolution out of it as
the integers that a kernel multiplies: `exact` sums them in int64, `saturating` as ``vpmaddubsw`` does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

Values = dict[str, NDArray[Any]]


def run_exactly(path: Path, images: NDArray[np.float32]) -> list[NDArray[np.float64]]:
    """The outputs of the graph in float64: a quantised value is an integer times its scale, without rounding."""
    values = intermediate_values(path, images)
    return [values[output.name] for output in onnx.load(str(path)).graph.output]


def intermediate_values(path: Path, images: NDArray[np.float32]) -> Values:
    """Every value of the graph by name."""
    graph = onnx.load(str(path)).graph
    values: Values = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    values["images"] = images.astype(np.float64)
    for node in graph.node:
        options = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
        values[node.output[0]] = _OPERATIONS[node.op_type]([values[name] for name in node.input], options)
    return values


def saturating_products(activations: NDArray[np.uint8], weights: NDArray[np.int8]) -> NDArray[np.int64]:
    """(m, k) uint8 by (k, n) int8 as ``vpmaddubsw`` and ``vpmaddwd`` multiply them: two products meet in 16 bits.

    Intel's manual: each uint8 by the int8 across from it, neighbours added, the sum saturated to int16.
    """
    products = activations.astype(np.int64)[:, :, None] * weights.astype(np.int64)[None]
    if products.shape[1] % 2:
        products = np.concatenate([products, np.zeros_like(products[:, :1])], axis=1)
    pairs = products[:, 0::2] + products[:, 1::2]
    return np.asarray(np.clip(pairs, -(2**15), 2**15 - 1).sum(axis=1))


@dataclass(frozen=True)
class IntegerConvolution:
    """The integers of one convolution: patches (m, k) less the zero point give, times the weights (k, n), the sums."""

    patches: NDArray[np.int64]
    zero_point: int
    weights: NDArray[np.int8]
    signed: bool
    """Activations are int8."""

    @property
    def exact(self) -> NDArray[np.int64]:
        """Sums without limit."""
        return (self.patches - self.zero_point) @ self.weights.astype(np.int64)

    @property
    def saturating(self) -> NDArray[np.int64]:
        """Signed activations move up by 128 and the zero point comes off later, as in ONNX Runtime's AVX2 kernels."""
        offset = 128 if self.signed else 0
        unsigned = (self.patches + offset).astype(np.uint8)
        column_sums = self.weights.astype(np.int64).sum(axis=0)
        return saturating_products(unsigned, self.weights) - (self.zero_point + offset) * column_sums


def quantised_convolutions(path: Path, images: NDArray[np.float32]) -> list[IntegerConvolution]:
    """All convolutions of the file whose inputs are quantised, in order, on the activations that `images` give."""
    graph, values = onnx.load(str(path)).graph, intermediate_values(path, images)
    makers = {name: node for node in graph.node for name in node.output}
    found = []
    for node in graph.node:
        sources = [makers.get(name) for name in node.input[:2]]
        if node.op_type != "Conv" or any(s is None or s.op_type != "DequantizeLinear" for s in sources):
            continue
        activations, weights = (values[source.input[0]] for source in sources if source is not None)
        zero_point = int(values[sources[0].input[2]]) if sources[0] is not None else 0
        options = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        (top, left, bottom, right), kernel = options["pads"], options["kernel_shape"]
        border = ((0, 0), (0, 0), (top, bottom), (left, right))
        padded = np.pad(activations.astype(np.float64), border, constant_values=zero_point)
        patches = torch.nn.functional.unfold(torch.from_numpy(padded), kernel, stride=options["strides"])
        rows = patches.permute(0, 2, 1).reshape(-1, patches.shape[1]).round().to(torch.int64).numpy()
        signed = activations.dtype == np.int8
        found.append(IntegerConvolution(rows, zero_point, weights.reshape(len(weights), -1).T, signed))
    return found


def _quantise(inputs: list[NDArray[Any]], options: Mapping[str, Any]) -> NDArray[Any]:
    value, scale, zero_point = inputs
    limits = np.iinfo(zero_point.dtype)
    # the scale is float32 in the file; dividing in float32 as kernels do decides ties the same way
    whole = np.rint((value.astype(np.float32) / scale).astype(np.float64)) + zero_point
    return np.clip(whole, limits.min, limits.max).astype(zero_point.dtype)


def _dequantise(inputs: list[NDArray[Any]], options: Mapping[str, Any]) -> NDArray[Any]:
    value, scale, zero_point = inputs
    shape = [1] * value.ndim
    if scale.ndim:
        shape[options.get("axis", 1)] = -1
    return (value.astype(np.float64) - zero_point.reshape(shape)) * scale.astype(np.float64).reshape(shape)


def _convolve(inputs: list[NDArray[Any]], options: Mapping[str, Any]) -> NDArray[Any]:
    (top, left, bottom, right) = options["pads"]
    padded = np.pad(inputs[0], ((0, 0), (0, 0), (top, bottom), (left, right)))
    image, *weights = (torch.from_numpy(np.asarray(each, dtype=np.float64)) for each in (padded, *inputs[1:]))
    return torch.nn.functional.conv2d(image, *weights, stride=options["strides"]).numpy()


_OPERATIONS: dict[str, Callable[[list[NDArray[Any]], Mapping[str, Any]], NDArray[Any]]] = {
    "QuantizeLinear": _quantise,
    "DequantizeLinear": _dequantise,
    "Conv": _convolve,
    "Relu": lambda inputs, _: np.maximum(inputs[0], 0),
    "Add": lambda inputs, _: inputs[0] + inputs[1],
    "MatMul": lambda inputs, _: inputs[0] @ inputs[1],
    "Reshape": lambda inputs, _: inputs[0].reshape(
        [inputs[0].shape[axis] if size == 0 else size for axis, size in enumerate(inputs[1].tolist())]
    ),
}
