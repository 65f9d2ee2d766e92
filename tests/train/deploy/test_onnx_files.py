import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from dataengine.inference.running.predict import onnx_runner
from dataengine.nets.checkpoint import ModelMeta
from dataengine.train.deploy.onnx_files import FP16_MAX, exact_runner, write_fp16, write_fp32


def scaled(folder: Path, weight: float) -> Path:
    """A network that multiplies images by a weight."""
    make, kind = onnx.helper, onnx.TensorProto.FLOAT
    weights = np.array([[[weight]], [[1.0]], [[1e-9]]], dtype=np.float32)
    graph = make.make_graph(
        [make.make_node("Mul", ["images", "weight"], ["heatmaps"])],
        "scaled",
        [make.make_tensor_value_info("images", kind, ["batch", 3, 2, 2])],
        [make.make_tensor_value_info("heatmaps", kind, ["batch", 3, 2, 2])],
        [onnx.numpy_helper.from_array(weights, "weight")],
    )
    path = folder / "scaled.onnx"
    onnx.save(make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8), str(path))
    return path


def test_weights_above_10000_are_kept_as_far_as_half_precision_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert write_fp16(scaled(tmp_path, 40_000.0), tmp_path / "half.onnx") == 0
    assert capsys.readouterr().err == ""
    images = np.full((1, 3, 2, 2), 0.5, np.float32)
    assert onnx_runner(tmp_path / "half.onnx")(images)[0][0, 0, 0, 0] == pytest.approx(20_000)


@pytest.mark.parametrize("weight", [70_000.0, -1e6])
def test_weights_that_are_clipped_are_reported(
    tmp_path: Path, weight: float, capsys: pytest.CaptureFixture[str]
) -> None:
    assert write_fp16(scaled(tmp_path, weight), tmp_path / "half.onnx") == 1
    assert "warning: 1 weights are beyond +-65504 and are clipped to it in half.onnx" in capsys.readouterr().err
    images = np.full((1, 3, 2, 2), 0.5, np.float32)
    assert abs(onnx_runner(tmp_path / "half.onnx")(images)[0][0, 0, 0, 0]) == pytest.approx(FP16_MAX / 2)


def test_a_file_runs_as_it_is(tmp_path: Path) -> None:
    images = np.full((2, 3, 2, 2), 3.0, np.float32)
    (answer,) = exact_runner(scaled(tmp_path, 7.0), 1)(images)
    np.testing.assert_allclose(answer[:, 0], 21.0)


def test_gated_attention_is_halved_with_its_norms(tmp_path: Path) -> None:
    """Its norms cast to float on the way; ONNX Runtime takes the file, which answers as that in FP32 does."""
    kwargs = {"channels": [8, 8], "blocks": [1, 1], "hidden": 16}
    meta = ModelMeta("residual", kwargs, input_width_px=48, input_height_px=64, head="rtmcc")
    torch.manual_seed(0)
    write_fp32(meta.build(), meta, tmp_path / "whole.onnx")
    assert write_fp16(tmp_path / "whole.onnx", tmp_path / "half.onnx") == 0
    images = np.random.default_rng(0).normal(size=(2, 3, 64, 48)).astype(np.float32)
    whole, half = (onnx_runner(tmp_path / name)(images) for name in ("whole.onnx", "half.onnx"))
    for one, other in zip(whole, half, strict=True):
        np.testing.assert_allclose(other, one, atol=2e-2 * np.abs(one).max())


def enlarging(mode: str) -> torch.nn.Module:
    """Maps enlarged on the way, as in HRNet ("nearest") and in ViTPose's decoder ("bilinear")."""
    enlarge = torch.nn.Upsample(scale_factor=2, mode=mode)
    return torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), enlarge, torch.nn.Conv2d(8, 17, 3))


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_what_stays_in_float_is_cast_on_its_way_in_and_out(tmp_path: Path, mode: str) -> None:
    """The converter keeps enlarging in float, between casts of its own."""
    meta = ModelMeta("residual", {}, input_width_px=32, input_height_px=32, head="heatmap")
    torch.manual_seed(0)
    write_fp32(enlarging(mode), meta, tmp_path / "whole.onnx")
    assert write_fp16(tmp_path / "whole.onnx", tmp_path / "half.onnx") == 0
    images = np.random.default_rng(0).normal(size=(2, 3, 32, 32)).astype(np.float32)
    (whole,), (half,) = (onnx_runner(tmp_path / name)(images) for name in ("whole.onnx", "half.onnx"))
    np.testing.assert_allclose(half, whole, atol=2e-2 * np.abs(whole).max())
