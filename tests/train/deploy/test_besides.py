"""Files of a network that says a spread and presence: FP32, FP16 and INT8 against PyTorch, and the sidecar."""

from pathlib import Path

import numpy as np
import onnx
import torch

from dataengine.inference.exported import ONNX_FP32, file_record, load_exported, write_sidecar
from dataengine.inference.running.predict import onnx_runner, torch_runner
from dataengine.nets.checkpoint import ModelMeta
from dataengine.train.deploy.last_layer import falls_of, last_layers
from dataengine.train.deploy.onnx_files import write_fp16, write_fp32
from dataengine.train.deploy.quantise import ONNX_RUNTIME, TENSORRT, Int8Writer

from ...helpers.fitting_project import one_torch_thread

META = ModelMeta(
    "residual",
    {"channels": [8, 8], "blocks": [1, 1], "maps_per_joint": 1, "spread": True, "presence": True},
    input_width_px=32,
    input_height_px=32,
)
NAMES = ["simcc_x", "simcc_y", "log_spread", "presence"]


def test_files_say_what_the_network_says(tmp_path: Path) -> None:
    with one_torch_thread():
        torch.manual_seed(0)
        net = META.build().eval()
        for layer in (net.to_log_spread, net.to_presence):
            torch.nn.init.normal_(layer.weight, std=0.5)  # type: ignore[arg-type]
        write_fp32(net, META, tmp_path / ONNX_FP32)
        write_fp16(tmp_path / ONNX_FP32, tmp_path / "fp16.onnx")
        crops = np.random.default_rng(0).normal(size=(6, 3, 32, 32)).astype(np.float32)
        writer = Int8Writer(tmp_path / ONNX_FP32, crops, "minmax", tmp_path)
        writer.write(tmp_path / "int8.onnx", ONNX_RUNTIME)
        writer.write(tmp_path / "trt.onnx", TENSORRT)
        wanted = torch_runner(net)(crops)
    assert [each.name for each in onnx.load(str(tmp_path / ONNX_FP32)).graph.output] == NAMES
    assert len(last_layers(writer.graph)) == 4, "each output has a product of its own"
    for name, share in ((ONNX_FP32, 1e-5), ("fp16.onnx", 0.01), ("int8.onnx", 0.1), ("trt.onnx", 0.1)):
        for got, want in zip(onnx_runner(tmp_path / name, 1)(crops), wanted, strict=True):
            assert want.std() > 1e-3
            assert np.abs(got - want).max() <= share * (want.max() - want.min()), name
    eight_bits = onnx_runner(tmp_path / "int8.onnx", 1)(crops)
    assert falls_of(wanted, eight_bits) == falls_of(wanted[:2], eight_bits[:2]), "a single number has no neighbour"

    write_sidecar(tmp_path, META, {ONNX_FP32: file_record(tmp_path / ONNX_FP32)}, {})
    model = load_exported(tmp_path)
    assert model.sidecar["outputs"] == NAMES and model.meta.reader == META.reader
    assert model.sidecar["decode"]["presence"] == "logit of lying in the crop"
    assert "log_spread" in model.sidecar["decode"]
