"""Every backbone under every head: shapes, gradients, the checkpoint on disk, and the exported file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dataengine.errors import InputError, ParamsError
from dataengine.inference.running.predict import onnx_runner, predict_crops, torch_runner
from dataengine.keypoints import FLIP_INDEX
from dataengine.nets.checkpoint import ModelMeta, load_checkpoint, save_checkpoint
from dataengine.nets.heads import HEADS
from dataengine.nets.layout import Layout
from dataengine.nets.table import FORMER_NAMES, NETWORKS, build_network
from dataengine.train.deploy.onnx_files import write_fp32

SMALL: dict[str, dict[str, Any]] = {
    "residual": {"channels": [8, 8, 8], "blocks": [1, 1, 1]},
    "vitpose": {
        "config": {
            "num_labels": 17,
            "backbone_config": {
                "model_type": "vitpose_backbone",
                "hidden_size": 24,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "image_size": [96, 64],
                "out_indices": [2],
            },
        }
    },
}
# Widths differ in channels alone; the widest would only take longer.
EVERY = [(name, head) for name in NETWORKS if not name.startswith("hrnet") or name == "hrnet-w18" for head in HEADS]


def meta_of(name: str, head: str) -> ModelMeta:
    if name == "vitpose":
        pytest.importorskip("transformers")
    return ModelMeta(name, SMALL.get(name, {}), input_width_px=64, input_height_px=96, head=head)


def lively(net: torch.nn.Module) -> torch.nn.Module:
    """Batch norm with statistics of its own and a final layer that says something, as after a fit."""
    generator = torch.Generator().manual_seed(5)
    for name, tensor in net.state_dict().items():
        if name.endswith(("running_mean", "final_layer.weight")):
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.1)
        if name.endswith("running_var"):
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
    return net


@pytest.mark.parametrize(("name", "head"), EVERY)
def test_shapes_and_gradients(name: str, head: str) -> None:
    torch.manual_seed(0)
    meta = meta_of(name, head)
    net = meta.build()
    images = torch.randn(2, 3, 96, 64)
    answer = net.train()(images)
    bins = [(2, 17, 128), (2, 17, 192)]
    shapes = {"simcc": bins, "rtmcc": bins, "heatmap": [(2, 17, 24, 16)]}[head]
    assert [tuple(tensor.shape) for tensor in answer] == shapes
    assert len(answer) == len(meta.reader.outputs)
    assert net.features(images).ndim == 4
    meta.reader.expected_px(answer).square().mean().backward()
    silent = [name for name, p in net.named_parameters() if p.grad is None]
    assert not silent, "parameters that the answer does not depend on"


@pytest.mark.parametrize(
    ("name", "head"),
    # tracing a deep network takes the exporter half a minute
    [pytest.param(*pair, marks=[pytest.mark.slow] if pair[0][:3] in ("hrn", "eff") else []) for pair in EVERY],
)
def test_checkpoint_and_exported_file_answer_as_the_network(name: str, head: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    meta = meta_of(name, head)
    net = lively(meta.build()).eval()
    save_checkpoint(tmp_path / "model", net, meta)
    loaded, loaded_meta = load_checkpoint(tmp_path / "model")
    assert loaded_meta.head == head
    write_fp32(loaded, loaded_meta, tmp_path / "net.onnx")
    crops = np.random.default_rng(0).normal(size=(5, 3, 96, 64)).astype(np.float32)
    runners = (onnx_runner(tmp_path / "net.onnx"), torch_runner(loaded), torch_runner(net))
    exported, ours, original = (runner(crops) for runner in runners)
    for got, want, before in zip(exported, ours, original, strict=True):
        assert want.std() > 1e-6
        np.testing.assert_allclose(want, before, atol=1e-5)
        np.testing.assert_allclose(got, want, atol=2e-4 * max(1, np.abs(want).max()))


@pytest.mark.parametrize("head", HEADS)
def test_a_prediction_is_in_image_pixels_and_flip_test_agrees_with_a_mirrored_person(head: str) -> None:
    torch.manual_seed(0)
    meta = meta_of("residual", head)
    runner = torch_runner(lively(meta.build()))
    crops = np.random.default_rng(1).integers(0, 255, (3, 96, 64, 3), dtype=np.uint8)
    matrices = np.tile([[0.5, 0, 3.0], [0, 0.5, 4.0]], (3, 1, 1))
    plain = predict_crops(runner, meta, crops, matrices)
    assert plain.keypoints_px.shape == (3, 17, 2)
    assert (plain.spread_px > 0).all()
    both = predict_crops(runner, meta, crops, matrices, flip_test=True)
    mirrored = predict_crops(runner, meta, np.ascontiguousarray(crops[:, :, ::-1]), matrices, flip_test=True)
    np.testing.assert_allclose(mirrored.confidence, both.confidence[:, FLIP_INDEX], atol=1e-5)
    crop_x = both.keypoints_px[:, FLIP_INDEX, 0] * 0.5 + 3
    np.testing.assert_allclose(mirrored.keypoints_px[..., 0] * 0.5 + 3, 63 - crop_x, atol=0.05)


def test_a_network_may_be_called_by_its_former_name() -> None:
    for former, current in FORMER_NAMES.items():
        assert type(build_network(former)) is NETWORKS[current].kind


@pytest.mark.parametrize(
    ("head", "kwargs", "fault"),
    [("dice", {}, "simcc | heatmap"), ("simcc", {"colour": 1}, "colour"), ("simcc", {"blur_sigma": 1.0}, "blur_sigma")],
)
def test_unknown_heads_and_options_are_refused(head: str, kwargs: dict[str, Any], fault: str) -> None:
    with pytest.raises(ParamsError, match=fault):
        build_network("residual", head=head, kwargs=kwargs)


@pytest.mark.parametrize(
    "kwargs", [{"channels": [8, 16, 32, 64]}, {"channels": []}, {"blocks": [1]}, {"maps_per_joint": -1}]
)
def test_senseless_shapes_are_refused(kwargs: dict[str, Any]) -> None:
    with pytest.raises(ParamsError, match=r"residual does not take.*" + next(iter(kwargs))):
        build_network("residual", kwargs=kwargs)


def test_a_width_is_not_for_users_to_change() -> None:
    with pytest.raises(ParamsError, match="width"):
        build_network("hrnet-w18", Layout(64, 64), kwargs={"width": 7})


def test_networks_without_published_weights_say_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        build_network("residual").take_pretrained("imagenet")
