from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from dataengine.errors import EnvironmentFault, InputError
from dataengine.inference.exported import ExportedModel
from dataengine.inference.onnx_cuda import PROVIDER, onnx_cuda_runner
from dataengine.inference.running.predict import onnx_runner
from dataengine.inference.torch_cuda import torch_cuda_runner
from dataengine.nets.checkpoint import ModelMeta, save_checkpoint
from dataengine.train.deploy.onnx_files import write_fp32

META = ModelMeta("residual", {"channels": (4, 4, 4), "blocks": (1, 1, 1)}, input_width_px=32, input_height_px=32)


@pytest.fixture
def model(tmp_path: Path) -> ExportedModel:
    torch.manual_seed(0)
    net = META.build().eval()
    save_checkpoint(tmp_path, net, META)
    write_fp32(net, META, tmp_path / "model.onnx")
    return ExportedModel(tmp_path, "", META, {})


def test_a_library_without_cuda_is_reported(model: ExportedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(EnvironmentFault, match="built for the CPU alone; pip install onnxruntime-gpu"):
        onnx_cuda_runner(model.folder / "model.onnx")
    with pytest.raises(InputError, match="does not exist"):
        onnx_cuda_runner(model.folder / "absent.onnx")


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_silent_fall_back_to_the_cpu_is_reported(model: ExportedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library offers CUDA, and then runs on the CPU: as where the driver or cuDNN is missing."""
    if PROVIDER in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has CUDA")
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [PROVIDER, "CPUExecutionProvider"])
    with pytest.raises(EnvironmentFault, match="does not start"):
        onnx_cuda_runner(model.folder / "model.onnx")


def test_pytorch_without_a_device_is_reported(model: ExportedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(EnvironmentFault, match="PyTorch sees no CUDA device"):
        torch_cuda_runner(model)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device that PyTorch sees")
def test_pytorch_on_cuda_answers_as_on_the_cpu(model: ExportedModel) -> None:
    images = np.random.default_rng(0).normal(size=(3, 3, 32, 32)).astype(np.float32)
    expected = onnx_runner(model.folder / "model.onnx")(images)
    for got, want in zip(torch_cuda_runner(model)(images), expected, strict=True):
        np.testing.assert_allclose(got, want, atol=0.02 * np.abs(want).max())


@pytest.mark.gpu
@pytest.mark.skipif(PROVIDER not in onnxruntime.get_available_providers(), reason="onnxruntime has no CUDA provider")
def test_onnx_runtime_on_cuda_answers_as_on_the_cpu(model: ExportedModel) -> None:
    images = np.random.default_rng(0).normal(size=(3, 3, 32, 32)).astype(np.float32)
    path = model.folder / "model.onnx"
    for got, want in zip(onnx_cuda_runner(path)(images), onnx_runner(path)(images), strict=True):
        np.testing.assert_allclose(got, want, atol=0.02 * np.abs(want).max())
