"""Which device and precision are taken; the machine's capabilities are made up."""

from pathlib import Path

import pytest
import torch

from dataengine.errors import EnvironmentFault, InputError
from dataengine.hardware.dtypes import DTYPES
from dataengine.inference.running.devices import choose_device, choose_precision, in_words
from dataengine.inference.running.predict import load_runner, torch_runner
from dataengine.nets.checkpoint import ModelMeta, save_checkpoint

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)
META = ModelMeta("residual", {"channels": [8, 8], "blocks": [1, 1]}, input_width_px=32, input_height_px=32)


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine with one GPU of compute capability 9.0, as far as questions go."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA H100")
    return monkeypatch


def test_a_gpu_is_taken_where_there_is_one(pretend: pytest.MonkeyPatch) -> None:
    assert choose_device("auto") == choose_device("cuda") == GPU
    assert choose_device("cpu") == CPU
    assert choose_precision("auto", GPU) == torch.float16
    assert choose_precision("fp32", GPU) == torch.float32
    assert in_words(GPU, torch.float16) == "NVIDIA H100 (cuda:0), fp16"


def test_an_old_gpu_keeps_full_precision(pretend: pytest.MonkeyPatch) -> None:
    pretend.setattr(torch.cuda, "get_device_capability", lambda device: (6, 1))
    assert choose_precision("auto", GPU) == torch.float32


def test_a_gpu_without_bf16_is_reported(pretend: pytest.MonkeyPatch) -> None:
    pretend.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    with pytest.raises(EnvironmentFault, match="precision: bf16: got a GPU without it"):
        choose_precision("bf16", GPU)
    pretend.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    assert choose_precision("bf16", GPU) == torch.bfloat16


def test_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert choose_device("auto") == CPU
    assert choose_precision("auto", CPU) == torch.float32
    assert choose_precision("bf16", CPU) == torch.bfloat16
    assert in_words(CPU, torch.float32) == "the CPU (2 threads), fp32"
    with pytest.raises(EnvironmentFault, match="device: cuda: got no GPU that PyTorch sees; take auto or cpu"):
        choose_device("cuda")
    with pytest.raises(EnvironmentFault, match="fp16 needs a GPU"):
        choose_precision("fp16", CPU)


def test_all_precisions_have_words() -> None:
    assert {in_words(CPU, dtype).rsplit(", ", 1)[1] for dtype in DTYPES.values()} == set(DTYPES)


def test_a_checkpoint_says_where_it_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_checkpoint(tmp_path / "model", META.build(), META)
    runner, meta = load_runner(tmp_path / "model", device="cpu")
    assert meta == META
    assert runner.device == CPU
    said = capsys.readouterr().err
    assert said.startswith(f"{tmp_path / 'model'} predicts on the CPU")
    assert said.endswith(", fp32\n")


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing"):
        load_runner(tmp_path / "nothing")


def test_a_network_stays_where_it_lies() -> None:
    net = META.build()
    assert torch_runner(net).device == CPU
    assert next(net.parameters()).device == CPU
