"""ONNX files of a network: `write_fp32` traces it, `write_fp16` halves its weights, `exact_runner` runs a file as is.

The files map float32 ``images (batch, 3, H, W)`` of any batch size to the float32 outputs of the network's head.
"""

import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from dataengine.inference.exported import INPUT
from dataengine.inference.in_graph import OPSET
from dataengine.inference.running.predict import Runner
from dataengine.nets.checkpoint import ModelMeta
from dataengine.terminal.speech import say

FP16_MAX = float(np.finfo(np.float16).max)  # 65504


def write_fp32(net: nn.Module, meta: ModelMeta, path: Path) -> None:
    """Trace `net` in evaluation mode (batch norm folds into the convolutions) and write it."""
    example = torch.zeros(2, 3, meta.input_height_px, meta.input_width_px)
    with warnings.catch_warnings():
        # The exporter that replaces this one needs onnxscript, a dependency that nothing else here has.
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        # ViTPose compares sizes of maps, which are constants: the file takes one size of crop
        warnings.filterwarnings("ignore", category=torch.jit.TracerWarning, module="transformers")
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


def write_fp16(fp32: Path, path: Path) -> int:
    """Write `fp32` with weights and arithmetic in half precision; only the casts at both ends have float32.

    A strongly typed TensorRT network takes its precision from this file, so the engine is built from it. Weights beyond
    the range of half precision are clipped to it: returns how many, and reports them in a warning.
    """
    from onnxconverter_common import float16

    model = onnx.load(str(fp32))
    clipped = sum(_beyond_fp16(tensor) for tensor in model.graph.initializer)
    of_the_network = {output for node in model.graph.node if node.op_type == "Cast" for output in node.output}
    with warnings.catch_warnings():
        # Silences two warnings: weights below 1e-7 become 1e-7, which no sum notices, and those counted above.
        warnings.filterwarnings("ignore", message="the float32 number")
        halved = float16.convert_float_to_float16(model, keep_io_types=True, max_finite_val=FP16_MAX)
    if clipped:
        say(f"warning: {clipped} weights are beyond +-{FP16_MAX:g} and are clipped to it in {path.name}")
    _halve_casts(halved.graph, of_the_network)
    onnx.save(halved, str(path))
    onnx.checker.check_model(str(path), full_check=True)
    return clipped


def _halve_casts(graph: onnx.GraphProto, of_the_network: set[str]) -> None:
    """Casts to float in the midst of a network, of a sum's square root say, go to half as well; the converter leaves
    them, and their results then have two types. Its own casts, around what it keeps in float (Resize), stay."""
    ends = {each.name for each in graph.output}
    for node in graph.node:
        if node.op_type == "Cast" and of_the_network & set(node.output) - ends:
            for attribute in node.attribute:
                if attribute.name == "to" and attribute.i == onnx.TensorProto.FLOAT:
                    attribute.i = onnx.TensorProto.FLOAT16


def exact_runner(path: Path, threads: int) -> Runner:
    """Run a file node by node, in float between Q/DQ pairs: gives the sums of 32-bit integers on any device."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda images: tuple(session.run(None, {INPUT: images}))


def _beyond_fp16(tensor: onnx.TensorProto) -> int:
    if tensor.data_type != onnx.TensorProto.FLOAT:
        return 0
    return int(np.count_nonzero(np.abs(onnx.numpy_helper.to_array(tensor)) > FP16_MAX))
