"""A tiny export and its bundle, for the tests of bundles."""

from pathlib import Path

import numpy as np
import torch

from dataengine.inference.exported import ONNX_FP16, ONNX_FP32, ONNX_INT8, ONNX_INT8_TRT, file_record, write_sidecar
from dataengine.nets.checkpoint import WEIGHTS_NAME, ModelMeta, save_checkpoint
from dataengine.nets.person_score import ExpectedOks
from dataengine.train.deploy.onnx_files import write_fp16, write_fp32
from dataengine.train.deploy.quantise import write_int8

META = ModelMeta(
    "residual",
    {"channels": (8, 8), "blocks": (1, 1)},
    input_width_px=24,
    input_height_px=32,
    score=ExpectedOks(confidence=3.0, log_spread=-0.5, entropy=-1.0, bias=-2.0),
)


def made_network() -> torch.nn.Module:
    """A network whose answers are far from flat, the same on each call."""
    torch.manual_seed(1)
    net = META.build().eval()
    with torch.no_grad():
        for name, tensor in net.named_parameters():
            tensor.mul_(40 if name.startswith(("final_layer", "to_")) else 1)
    return net


def write_export(folder: Path) -> Path:
    """FP32, FP16, INT8 and the weights of `made_network`."""
    net = made_network()
    folder.mkdir()
    save_checkpoint(folder, net, META)
    write_fp32(net, META, folder / ONNX_FP32)
    write_fp16(folder / ONNX_FP32, folder / ONNX_FP16)
    crops = np.random.default_rng(0).normal(size=(8, 3, 32, 24)).astype(np.float32)
    write_int8(folder / ONNX_FP32, crops, "minmax", onnx_runtime=folder / ONNX_INT8, tensorrt=folder / ONNX_INT8_TRT)
    names = (WEIGHTS_NAME, ONNX_FP32, ONNX_FP16, ONNX_INT8)
    write_sidecar(folder, META, {name: file_record(folder / name) for name in names}, {})
    return folder
