"""INT8 by explicit QuantizeLinear/DequantizeLinear pairs, calibrated on real crops.

Symmetric int8 everywhere and one scale per output channel of every weight: what TensorRT's explicit quantisation
accepts (biases stay in float for the same reason). The logits stay in float too: a joint's place is read between
neighbouring bins, finer than 8 bits tell them apart. ONNX Runtime runs the same file.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray

from dataengine.errors import InputError

from .onnx_files import INPUT

CalibrationMethod = Literal["minmax", "entropy", "percentile"]
_BATCH = 16
_PRODUCTS = ("MatMul", "Gemm")


def write_int8(fp32: Path, path: Path, crops: NDArray[np.float32], method: CalibrationMethod) -> None:
    """Quantise `fp32`, taking the ranges of its activations from normalised `crops` (n, 3, H, W).

    Raises:
        InputError: there is no crop to calibrate on.
    """
    from onnxruntime.quantization import CalibrationMethod as Method
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    if not len(crops):
        raise InputError("there is no crop to calibrate INT8 on", mend="give a calibration file with people in it")
    methods = {"minmax": Method.MinMax, "entropy": Method.Entropy, "percentile": Method.Percentile}
    with tempfile.TemporaryDirectory() as scratch:
        prepared = Path(scratch) / "prepared.onnx"
        quant_pre_process(str(fp32), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(path),
            _reader(crops),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            calibrate_method=methods[method],
            nodes_to_exclude=_adding_to_logits(prepared),
            extra_options={
                "ActivationSymmetric": True,
                "WeightSymmetric": True,
                "QuantizeBias": False,
                "OpTypesToExcludeOutputQuantization": list(_PRODUCTS),
            },
        )
    onnx.checker.check_model(str(path))


def count_quantised(path: Path) -> dict[str, int]:
    """How many QuantizeLinear and DequantizeLinear nodes a file has."""
    kinds = [node.op_type for node in onnx.load(str(path)).graph.node]
    return {kind: kinds.count(kind) for kind in ("QuantizeLinear", "DequantizeLinear")}


def _adding_to_logits(path: Path) -> list[str]:
    """Names of the nodes that give the network's outputs and are no products: the bias additions of its head."""
    graph = onnx.load(str(path)).graph
    outputs = {output.name for output in graph.output}
    return [node.name for node in graph.node if outputs & set(node.output) and node.op_type not in _PRODUCTS]


def _reader(crops: NDArray[np.float32]) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Crops(CalibrationDataReader):  # type: ignore[misc]
        """Hands out batches until they are used up."""

        def __init__(self) -> None:
            self.batches: Iterator[NDArray[np.float32]] = iter(
                [crops[start : start + _BATCH] for start in range(0, len(crops), _BATCH)]
            )

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            batch = next(self.batches, None)
            return None if batch is None else {INPUT: batch}

    return Crops()
