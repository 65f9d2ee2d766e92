"""INT8 by explicit QuantizeLinear/DequantizeLinear pairs, calibrated on real crops: one file for each of two runtimes.

ONNX Runtime on a CPU gets unsigned activations and weights of 7 bits. Without VNNI its kernels multiply by
``vpmaddubsw``, which adds two products of a uint8 and an int8 and saturates the sum at 16 bits: at 8 bits a pair is up
to 2 * 255 * 127 = 64,770, and what exceeds 32,767 is lost without warning. At 7 bits it is at most 2 * 255 * 64 =
32,640, so every CPU gives the same integers. (Unsigned weights are exact too, by kernels of 16 bits that take twice the
time.) An unsigned range that begins at zero also holds a ReLU, which then needs no node: each convolution runs in
integers with its ReLU, and half of the range is not spent on values that never occur.

TensorRT gets symmetric int8 throughout and biases in float: its parser refuses zero points and int32 biases.

In both files every output channel of a weight has a scale of its own. The logits stay in float: a joint's place is read
between neighbouring bins, finer than 8 bits resolve. So do the operations on the images before the first
convolution, where a second rounding would only cost accuracy. In networks with attention everything but the products
does, and the products of softmaxes, too (`attention`).
"""

import contextlib
import io
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray

from dataengine.errors import EnvironmentFault, InputError
from dataengine.inference.exported import INPUT

from .attention import attends, attention_sums

CalibrationMethod = Literal["minmax", "entropy", "percentile"]
BATCH = 8  # crops; the histograms of two methods hold all activations of a batch
PAIR_LIMIT = 2**15 - 1  # what the 16-bit sum of two products holds
_PRODUCTS = ("MatMul", "Gemm")
LAYERS = ("Conv", "ConvTranspose", *_PRODUCTS)
"""Kinds of nodes whose products run in 8 bits."""


@dataclass(frozen=True)
class Scheme:
    """How 8-bit numbers are laid out in one of the files."""

    signed_activations: bool
    seven_bit_weights: bool
    fits_16_bits: bool
    """Sums of two products have to fit 16 bits, which is checked."""
    options: dict[str, bool]
    """Extra options of ONNX Runtime's quantiser."""


ONNX_RUNTIME = Scheme(
    signed_activations=False, seven_bit_weights=True, fits_16_bits=True, options={"WeightSymmetric": True}
)
TENSORRT = Scheme(
    signed_activations=True,
    seven_bit_weights=False,
    fits_16_bits=False,
    options={"ActivationSymmetric": True, "WeightSymmetric": True, "QuantizeBias": False},
)


class Int8Writer:
    """Writes INT8 files of one network, all by the same ranges of its activations."""

    def __init__(self, fp32: Path, crops: NDArray[np.float32], method: CalibrationMethod, scratch: Path) -> None:
        """Ranges are those on normalised `crops` (n, 3, H, W); the folder `scratch` is for what is made on the way.

        Raises:
            InputError: `crops` is empty.
        """
        from onnxruntime.quantization.shape_inference import quant_pre_process

        if not len(crops):
            raise InputError("no crop to calibrate INT8 on", fix="give a calibration file with people in it")
        self._crops, self._method = crops, method
        self.prepared, self._ranges = scratch / "prepared.onnx", scratch / "ranges.json"
        quant_pre_process(str(fp32), str(self.prepared), skip_symbolic_shape=True)
        self.graph: Any = onnx.load(str(self.prepared)).graph

    @property
    def layers(self) -> list[str]:
        """Names of the nodes whose products are of 8 bits, in order of computation."""
        in_float = _kept_in_float(self.graph)
        return [node.name for node in self.graph.node if node.op_type in LAYERS and node.name not in in_float]

    def write(self, path: Path, scheme: Scheme, kept: Collection[str] = (), *, answers: bool = False) -> None:
        """Write the file for one runtime; the layers `kept` stay in float.

        With `answers` a convolution that gives an output is of 8 bits, too, and no convolution's output is rounded:
        to see what that does where all others are kept.

        Raises:
            EnvironmentFault: the quantiser wrote weights whose products do not fit 16 bits.
        """
        free = ("Conv", *_PRODUCTS) if answers else _PRODUCTS
        excluded = [*_kept_in_float(self.graph, free), *kept]
        # the first call measures the ranges and leaves them in a file, the next ones read them
        _quantise(
            self.prepared,
            path,
            scheme,
            self._crops,
            self._method,
            excluded=excluded,
            free=free,
            kinds=LAYERS if attends(self.graph) else None,
            ranges=self._ranges,
        )
        largest = largest_pair(path)
        if scheme.fits_16_bits and largest > PAIR_LIMIT:
            fix = "install the onnxruntime that constraints.txt names"
            raise EnvironmentFault("INT8 weights saturate", expected=f"at most {PAIR_LIMIT}", got=str(largest), fix=fix)


def write_int8(
    fp32: Path,
    crops: NDArray[np.float32],
    method: CalibrationMethod,
    *,
    onnx_runtime: Path,
    tensorrt: Path,
) -> None:
    """Quantise every layer of `fp32` for both runtimes. Errors as those of `Int8Writer`."""
    with tempfile.TemporaryDirectory() as scratch:
        writer = Int8Writer(fp32, crops, method, Path(scratch))
        writer.write(onnx_runtime, ONNX_RUNTIME)
        writer.write(tensorrt, TENSORRT)


def largest_pair(path: Path) -> int:
    """The largest sum of two products of an activation and a weight that the weights in an INT8 file allow."""
    tensors = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(str(path)).graph.initializer}
    weights = [tensor for tensor in tensors.values() if tensor.dtype == np.int8 and tensor.ndim > 1]
    return max((2 * 255 * int(np.abs(weight.astype(np.int64)).max()) for weight in weights), default=0)


def count_quantised(path: Path) -> dict[str, int]:
    """Number of QuantizeLinear and of DequantizeLinear nodes in a file."""
    kinds = [node.op_type for node in onnx.load(str(path)).graph.node]
    return {kind: kinds.count(kind) for kind in ("QuantizeLinear", "DequantizeLinear")}


def _quantise(
    prepared: Path,
    path: Path,
    scheme: Scheme,
    crops: NDArray[np.float32],
    method: CalibrationMethod,
    *,
    excluded: list[str],
    free: Collection[str],
    kinds: Collection[str] | None,
    ranges: Path,
) -> None:
    """Write the file with nodes of `kinds` (None: all) in 8 bits, but for those `excluded`."""
    from onnxruntime.quantization import CalibrationMethod as Method
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    methods = {"minmax": Method.MinMax, "entropy": Method.Entropy, "percentile": Method.Percentile}
    with contextlib.redirect_stdout(io.StringIO()):  # the collector of histograms prints
        quantize_static(
            str(prepared),
            str(path),
            _reader(crops),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QInt8 if scheme.signed_activations else QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=scheme.seven_bit_weights,
            calibrate_method=methods[method],
            op_types_to_quantize=None if kinds is None else list(kinds),
            nodes_to_exclude=excluded,
            calibration_cache_path=ranges,
            extra_options={
                **scheme.options,
                "OpTypesToExcludeOutputQuantization": list(free),
                # for all methods: one batch at a time, else all must be of one size and in memory
                "CalibStridedMinMax": 1,
            },
        )
    onnx.checker.check_model(str(path))


def _kept_in_float(graph: Any, free: Collection[str] = _PRODUCTS) -> list[str]:
    """Names of the nodes before the first convolution, of those that give the outputs, and of what attends.

    Kinds of nodes whose outputs are not rounded, `free`, may give outputs in 8 bits.
    """
    outputs = {output.name for output in graph.output}
    output_nodes = [node.name for node in graph.node if outputs & set(node.output) and node.op_type not in free]
    constants = {tensor.name for tensor in graph.initializer} | {""}
    image_like, input_nodes = {INPUT}, []
    for node in graph.node:  # in order of computation
        variables = set(node.input) - constants
        if node.op_type in ("Mul", "Add", "Sub", "Div") and variables and variables <= image_like:
            image_like |= set(node.output)
            input_nodes.append(node.name)
    return input_nodes + output_nodes + attention_sums(graph)


def _reader(crops: NDArray[np.float32]) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Crops(CalibrationDataReader):  # type: ignore[misc]
        """Yields the batches of a range, each once."""

        def __init__(self) -> None:
            self.batches = [crops[start : start + BATCH] for start in range(0, len(crops), BATCH)]
            self.next_one: Callable[[], NDArray[np.float32] | None]
            self.set_range(0, len(self.batches))

        def __len__(self) -> int:
            return len(self.batches)

        def set_range(self, start_index: int, end_index: int) -> None:
            rest = iter(self.batches[start_index:end_index])
            self.next_one = lambda: next(rest, None)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            batch = self.next_one()
            return None if batch is None else {INPUT: batch}

    return Crops()
