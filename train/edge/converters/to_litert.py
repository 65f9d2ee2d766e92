"""Turns a network, and what reads its answer, into LiteRT files: `python to_litert.py FOLDER`.

FOLDER has `network.pt2` and `joints.pt2` as torch.export saved them, for one crop, and `images.npy` (n, 3, H, W),
normalised crops to take ranges from. Written there: `litert_fp32.tflite`, `litert_int8.tflite`, `litert_joints.tflite`
and `facts.json`.

The networks take images channels last (1, H, W, 3), as LiteRT's kernels do. INT8 has integers at both ends as well: the
caller stores and reads them by the scales in `facts.json`. Tensors are named by their places: `args_0`, `output_0`, ...
"""

import importlib.metadata
import json
import re
import sys
from pathlib import Path
from typing import Any

import litert_torch
import numpy as np
import torch
from ai_edge_litert.interpreter import Interpreter
from ai_edge_quantizer import quantizer, recipe
from ai_edge_quantizer.utils import tfl_flatbuffer_utils

SIGNATURE = "serving_default"
PRODUCTS = ("FULLY_CONNECTED", "BATCH_MATMUL", "CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D_TRANSPOSE")
PACKAGES = ("litert-torch", "litert-converter", "ai-edge-quantizer", "ai-edge-litert", "torch")


def convert(program: Path, path: Path, images: np.ndarray | None) -> None:
    """Write a program; `images` (n, 3, H, W), if given, are what it takes, and shall be channels last."""
    exported = torch.export.load(str(program))
    module, taken = exported.module(), exported.example_inputs[0]
    if images is not None:
        module = litert_torch.to_channel_last_io(module, args=[0])
        taken = (torch.zeros(1, *images.shape[2:], images.shape[1]),)
    litert_torch.convert(module, taken).export(str(path))


def quantise(fp32: Path, int8: Path, images: np.ndarray) -> None:
    """8-bit weights, a scale per channel, and 8-bit activations by the smallest and largest values on `images`.

    The answer stays in float, as in the other INT8 files: a joint's place is read between neighbouring bins, finer than
    8 bits resolve. For that neither the last products nor the model's outputs may be in 8 bits.
    """
    into = next(iter(Interpreter(model_path=str(fp32)).get_signature_list()[SIGNATURE]["inputs"]))
    shown = [{into: image.transpose(1, 2, 0)[None].copy()} for image in images]
    in_float = [_no_quantising(kind, regex) for kind, regex in (("OUTPUT", ".*"), *last_operations(fp32))]
    worker = quantizer.Quantizer(str(fp32), recipe.static_wi8_ai8() + in_float)
    ranges = worker.calibrate({SIGNATURE: shown}, num_threads=1)
    worker.quantize(ranges).export_model(str(int8), overwrite=True)


def last_operations(path: Path) -> list[tuple[str, str]]:
    """Kind and name, as an expression, of what stands between each output and the last products, these included."""
    model = tfl_flatbuffer_utils.read_model(str(path))
    graph, found = model.subgraphs[0], []
    made_by = {tensor: operation for operation in graph.operators for tensor in operation.outputs}
    waiting = list(graph.outputs)
    while waiting:
        operation = made_by.get(waiting.pop())
        if operation is None:
            continue
        code = model.operatorCodes[operation.opcodeIndex].builtinCode
        kind = tfl_flatbuffer_utils.TFL_OP_CODE_TO_NAME[code].value
        name = tfl_flatbuffer_utils.get_op_scope(operation, graph.tensors)
        found.append((kind, f"^{re.escape(name)}$"))
        if kind not in PRODUCTS:
            waiting += [tensor for tensor in operation.inputs if tensor >= 0]
    return found


def _no_quantising(kind: str, regex: str) -> dict[str, Any]:
    return {"regex": regex, "operation": kind, "algorithm_key": "no_quantize", "op_config": {}}


def described(path: Path) -> dict[str, Any]:
    """Names, shapes and types of what a file takes and answers."""
    runner = Interpreter(model_path=str(path)).get_signature_runner(SIGNATURE)
    both = {"inputs": runner.get_input_details(), "outputs": runner.get_output_details()}
    return {end: {name: _facts(details) for name, details in sorted(each.items())} for end, each in both.items()}


def _facts(details: dict[str, Any]) -> dict[str, Any]:
    scale, zero_point = details["quantization"]
    kind, shape = np.dtype(details["dtype"]).name, [int(length) for length in details["shape"]]
    return {"shape": shape, "dtype": kind, "scale": float(scale), "zero_point": int(zero_point)}


def main(folder: Path) -> None:
    """Write the files."""
    images = np.load(folder / "images.npy")
    files = {name: folder / f"litert_{name}.tflite" for name in ("fp32", "int8", "joints")}
    convert(folder / "network.pt2", files["fp32"], images)
    convert(folder / "joints.pt2", files["joints"], None)
    quantise(files["fp32"], files["int8"], images)
    facts = {
        "signature": SIGNATURE,
        "layout": "NHWC",
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        "files": {name: described(path) for name, path in files.items()},
    }
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
