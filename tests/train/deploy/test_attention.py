"""ViTPose in 8 bits: what attends stays in float, and the files answer as PyTorch does."""

import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from dataengine.inference.running.predict import onnx_runner
from dataengine.nets.checkpoint import ModelMeta
from dataengine.train.deploy.attention import attends, attention_sums
from dataengine.train.deploy.onnx_files import exact_runner, write_fp32
from dataengine.train.deploy.quantise import LAYERS, write_int8

WIDTH_PX, HEIGHT_PX, LAYER_COUNT = 96, 128, 2
BACKBONE = {
    "model_type": "vitpose_backbone",
    "hidden_size": 32,
    "num_hidden_layers": LAYER_COUNT,
    "num_attention_heads": 2,
    "image_size": [HEIGHT_PX, WIDTH_PX],
    "out_indices": [LAYER_COUNT],
}
META = ModelMeta(
    "vitpose",
    {"config": {"backbone_config": BACKBONE, "num_labels": 17}},
    input_width_px=WIDTH_PX,
    input_height_px=HEIGHT_PX,
    head="heatmap",
)
FILES = ("fp32.onnx", "ort.onnx", "trt.onnx")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vitpose")
    torch.manual_seed(0)
    net = META.build().eval()
    with torch.no_grad():  # equal tensors, as fresh biases are, would be one tensor in the file
        for tensor in net.parameters():
            tensor += 0.02 * torch.randn_like(tensor)
    with warnings.catch_warnings():
        warnings.simplefilter("error", torch.jit.TracerWarning)
        write_fp32(net, META, folder / FILES[0])
    write_int8(folder / FILES[0], crops(0), "minmax", onnx_runtime=folder / FILES[1], tensorrt=folder / FILES[2])
    np.save(folder / "answer.npy", net(torch.from_numpy(crops(1)))[0].detach().numpy())
    return folder


def crops(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(4, 3, HEIGHT_PX, WIDTH_PX)).astype(np.float32)


def test_each_layer_has_one_sum_by_attention(files: Path) -> None:
    graph = onnx.load(str(files / FILES[0])).graph
    sums = attention_sums(graph)
    assert attends(graph) and len(sums) == LAYER_COUNT
    assert [f"layer.{i}/" in name for i, name in enumerate(sums)] == [True] * LAYER_COUNT


@pytest.mark.parametrize("name", FILES[1:])
def test_attention_norms_and_sums_stay_in_float(files: Path, name: str) -> None:
    graph = onnx.load(str(files / name)).graph
    made_by = {made: node for node in graph.node for made in node.output}
    kinds = ("Softmax", "LayerNormalization", "Erf")
    left = [node for node in graph.node if node.name in attention_sums(graph) or node.op_type in kinds]
    assert len(left) == LAYER_COUNT * 5 + 1
    fed_by = {made_by[read].op_type for node in left for read in node.input if read in made_by}
    assert "DequantizeLinear" not in fed_by
    in_8_bits = [
        node
        for node in graph.node
        if node.op_type in LAYERS and all(made_by[read].op_type == "DequantizeLinear" for read in node.input[:2])
    ]
    assert len(in_8_bits) == LAYER_COUNT * 7 + 1, "six products with weights, queries by keys; and the patches"


@pytest.mark.parametrize("name", FILES)
def test_the_files_answer_as_pytorch(files: Path, name: str) -> None:
    run = exact_runner(files / name, 1) if name == "trt.onnx" else onnx_runner(files / name, 1)
    wanted = np.load(files / "answer.npy")
    error = np.sqrt(np.mean((run(crops(1))[0] - wanted) ** 2)) / wanted.std()
    assert error < (1e-3 if name == FILES[0] else 0.1)


def test_a_softmax_that_is_not_multiplied_in_is_no_attention() -> None:
    make = onnx.helper.make_node
    graph = onnx.helper.make_graph([make("Softmax", ["x"], ["y"], name="shares")], "answer", [], [])
    assert not attends(graph)
