"""ONNX files of a network: `write_fp32` traces it, `write_fp16` halves the weights of that file.

Both take and give float32 tensors, ``images (batch, 3, H, W)`` to the outputs of the network's head, any batch size.
"""

import warnings
from pathlib import Path

import onnx
import torch
from torch import nn

from dataengine.nets.checkpoint import ModelMeta

INPUT = "images"
OPSET = 17  # the newest that the TorchScript exporter, ONNX Runtime's quantiser and TensorRT all know


def write_fp32(net: nn.Module, meta: ModelMeta, path: Path) -> None:
    """Trace `net` in evaluation mode (batch norm folds into the convolutions) and write it."""
    example = torch.zeros(2, 3, meta.input_height_px, meta.input_width_px)
    with warnings.catch_warnings():
        # The exporter that replaces this one wants onnxscript, a dependency that nothing else here needs.
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        torch.onnx.export(
            net.eval(),
            (example,),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=list(meta.reader.outputs),
            dynamic_axes={name: {0: "batch"} for name in (INPUT, *meta.reader.outputs)},
        )
    onnx.checker.check_model(str(path), full_check=True)


def write_fp16(fp32: Path, path: Path) -> None:
    """Write `fp32` with weights and arithmetic in half precision; only the casts at both ends know float32.

    A strongly typed TensorRT network takes its precision from this file, so the engine is built from it.
    """
    from onnxconverter_common import float16

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="the float32 number")  # weights below 1e-7 become 1e-7
        halved = float16.convert_float_to_float16(onnx.load(str(fp32)), keep_io_types=True)
    onnx.save(halved, str(path))
    onnx.checker.check_model(str(path), full_check=True)
