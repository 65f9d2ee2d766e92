"""Which number format a network is fitted in: bf16 where the hardware multiplies in it, else fp32.

`choose_precision` is what to call. It asks `bf16_unit` for the instructions, lets `seconds_per_step` time a small
convolution where there are any, and hands both to `judge_precision`, which decides. Instructions alone do not decide:
oneDNN says that it supports bf16 on every CPU with AVX-512, and without AVX512-BF16 that takes 1.6 times as long as
fp32; emulated with AVX2 it takes 9 times as long.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from dataengine.hardware.dtypes import DTYPES

PRECISIONS = ("auto", "bf16", "fp16", "fp32")
_CPU_UNITS = {"amx_bf16": "AMX", "avx512_bf16": "AVX512-BF16"}  # names of cpuinfo, as PyTorch gives them
_SECONDS, _MOST_ROUNDS = 0.8, 12
CLEARLY_SLOWER = 1.2  # below it two timings of a busy machine may fall either way, and the instructions decide


@dataclass(frozen=True)
class ChosenPrecision:
    """A precision and why it was taken."""

    name: str
    """bf16, fp16 or fp32."""
    reason: str
    """Half a sentence for a person, without a full stop."""


def choose_precision(wish: str, device: torch.device) -> ChosenPrecision:
    """The precision to fit in on `device`; `wish` is one of `PRECISIONS`.

    Anything but auto is granted, and the reason then says what bf16 costs here. Takes a second or two the first time in
    a process, unless nothing has to be measured.
    """
    assert wish in PRECISIONS, wish
    if wish not in ("auto", "bf16"):
        return ChosenPrecision(wish, "asked for by name")
    unit = bf16_unit(device)
    if unit is None and wish == "auto":
        return ChosenPrecision("fp32", f"{_name(device)} has no instructions for bf16")
    chosen = judge_precision(unit, seconds_per_step(device))
    return chosen if wish == "auto" else ChosenPrecision("bf16", f"asked for by name; {chosen.reason}")


def judge_precision(unit: str | None, seconds: Mapping[str, float]) -> ChosenPrecision:
    """bf16 where it was no slower than fp32; where there are instructions for it, not clearly slower.

    `unit` names the instructions, None where bf16 is emulated; `seconds` has the time of a step in fp32 and in bf16.
    """
    ratio = seconds["bf16"] / seconds["fp32"]
    how = unit or "emulated here"
    if ratio <= (CLEARLY_SLOWER if unit else 1):
        return ChosenPrecision("bf16", f"{how}: a convolution takes {ratio:.2f} of fp32's time")
    return ChosenPrecision("fp32", f"bf16 ({how}) makes a convolution {ratio:.1f} times slower")


def bf16_unit(device: torch.device) -> str | None:
    """What multiplies in bf16 on `device`, by its instruction set; None where nothing does.

    oneDNN's own limit, ``ONEDNN_MAX_CPU_ISA``, counts as the CPU's.
    """
    if device.type == "cuda":
        with torch.cuda.device(device):
            return _name(device) if torch.cuda.is_bf16_supported(including_emulation=False) else None
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return None
    capabilities = torch.cpu.get_capabilities()
    if capabilities.get("architecture") != "x86_64":
        return "this CPU"  # elsewhere oneDNN's answer is that of the instruction set
    return next((name for flag, name in _CPU_UNITS.items() if capabilities.get(flag)), None)


@lru_cache(maxsize=8)
def seconds_per_step(device: torch.device) -> Mapping[str, float]:
    """Shortest time of a forward and backward pass through one convolution, in fp32 and in bf16.

    They take turns, so that other work on the machine slows both down: for a second in all, or one turn where that
    takes longer. On a CPU it is the time that one thread computed, which waiting for a busy core does not lengthen.
    """
    with _one_thread(device):
        return _fastest(device)


def _fastest(device: torch.device) -> Mapping[str, float]:
    steps = {name: _convolution(DTYPES[name], device) for name in ("fp32", "bf16")}
    for step in steps.values():
        step()  # oneDNN and cuDNN build their kernels in the first pass
    taken: dict[str, list[float]] = {name: [] for name in steps}
    started = time.perf_counter()
    for _ in range(_MOST_ROUNDS):
        for name, step in steps.items():
            taken[name].append(_timed(step, device))
        if time.perf_counter() - started > _SECONDS:
            break
    return {name: min(times) for name, times in taken.items()}


def _convolution(dtype: torch.dtype, device: torch.device) -> Callable[[], None]:
    """3x3, 64 channels to 64, of 4 maps of 32x32, as in the networks here. Draws no random numbers."""
    images = torch.linspace(-1, 1, 4 * 64 * 32 * 32, device=device).reshape(4, 64, 32, 32)
    kernel = torch.linspace(-0.1, 0.1, 64 * 64 * 9, device=device).reshape(64, 64, 3, 3)
    inputs, weight = (_learnable(tensor) for tensor in (images, kernel))

    def step() -> None:
        with torch.enable_grad(), torch.autocast(device.type, dtype=dtype, enabled=dtype is not torch.float32):
            answer = conv2d(inputs, weight, padding=1)
        torch.autograd.grad(answer.float().square().mean(), [inputs, weight])

    return step


def _learnable(tensor: Tensor) -> Tensor:
    return tensor.contiguous(memory_format=torch.channels_last).requires_grad_()


def _timed(step: Callable[[], None], device: torch.device) -> float:
    clock = time.thread_time if device.type == "cpu" else time.perf_counter
    started = clock()
    step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return clock() - started


@contextmanager
def _one_thread(device: torch.device) -> Iterator[None]:
    threads = torch.get_num_threads()
    if device.type == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if device.type == "cpu":
            torch.set_num_threads(threads)


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "this CPU"
