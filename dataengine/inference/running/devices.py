"""The device and the precision that a network predicts in: chosen by what this machine has, and described in words."""

from typing import Literal

import torch

from dataengine.errors import EnvironmentFault
from dataengine.hardware.dtypes import DTYPES

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "fp32", "fp16", "bf16"]
HALF_SINCE = (7, 0)  # compute capability from which FP16 convolutions run on tensor cores (Volta)


def choose_device(device: Device = "auto") -> torch.device:
    """`auto` takes the current CUDA device where PyTorch sees one.

    Raises:
        EnvironmentFault: CUDA is asked for and not there.
    """
    present = torch.cuda.is_available()
    if device == "cuda" and not present:
        raise EnvironmentFault("device: cuda", got="no GPU that PyTorch sees", fix="take auto or cpu")
    return torch.device("cuda", torch.cuda.current_device()) if present and device != "cpu" else torch.device("cpu")


def choose_precision(precision: Precision, device: torch.device) -> torch.dtype:
    """`auto`: FP16 on a GPU with tensor cores, which costs joints far less than a pixel, else FP32.

    Raises:
        EnvironmentFault: FP16 on a CPU, where PyTorch has no fast kernels for it, or bf16 on a GPU without it.
    """
    if precision == "auto":
        fast = device.type == "cuda" and torch.cuda.get_device_capability(device) >= HALF_SINCE
        return torch.float16 if fast else torch.float32
    if precision == "fp16" and device.type == "cpu":
        raise EnvironmentFault("precision: fp16 needs a GPU", got="the CPU", fix="take fp32, or bf16 where it has it")
    if precision == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise EnvironmentFault("precision: bf16", got="a GPU without it", fix="take auto, fp16 or fp32")
    return DTYPES[precision]


def in_words(device: torch.device, dtype: torch.dtype) -> str:
    """Such as ``NVIDIA H100 (cuda:0), fp16``."""
    precision = next(name for name, known in DTYPES.items() if known == dtype)
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)} ({device}), {precision}"
    threads = torch.get_num_threads()
    return f"the CPU ({threads} thread{'s' if threads > 1 else ''}), {precision}"
