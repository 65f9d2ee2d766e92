import sys
from types import SimpleNamespace

import pytest

from dataengine.hardware.gpus import Gpu, parse_nvidia_smi, torch_gpus


def test_what_nvidia_smi_prints() -> None:
    text = "NVIDIA H200, 9.0, 143771, 570.86.15\nTesla T4, 7.5, 15360, 570.86.15\n"
    assert parse_nvidia_smi(text) == (
        Gpu("NVIDIA H200", "9.0", 143_771 * 2**20, "570.86.15"),
        Gpu("Tesla T4", "7.5", 15_360 * 2**20, "570.86.15"),
    )


@pytest.mark.parametrize("text", ["", "No devices were found\n", "a, b, [N/A], d\n", "NVIDIA-SMI has failed\n"])
def test_a_driver_without_devices(text: str) -> None:
    assert parse_nvidia_smi(text) == ()


def test_devices_of_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answers are those of PyTorch on an L4; only the library's own calls are replaced."""
    device = SimpleNamespace(name="NVIDIA L4", major=8, minor=9, total_memory=23_580_639_232)
    cuda = SimpleNamespace(
        is_available=lambda: True, device_count=lambda: 1, get_device_properties=lambda index: device
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    assert torch_gpus() == (Gpu("NVIDIA L4", "8.9", 23_580_639_232),)


def test_without_pytorch_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert torch_gpus() == ()


@pytest.mark.gpu
def test_pytorch_and_the_driver_name_the_same_device() -> None:
    import subprocess

    import torch

    from dataengine.hardware.gpus import NVIDIA_SMI

    if not torch.cuda.is_available():
        pytest.skip("PyTorch sees no CUDA device here")
    shown = subprocess.run(NVIDIA_SMI, capture_output=True, text=True, check=True).stdout
    assert {(gpu.name, gpu.capability) for gpu in torch_gpus()} <= {
        (g.name, g.capability) for g in parse_nvidia_smi(shown)
    }
