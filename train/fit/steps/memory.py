"""A batch that does not fit into memory: how it is recognised, how it is cut up, and when that does not help."""

from typing import NoReturn

import torch

from dataengine.errors import EnvironmentFault
from dataengine.terminal.speech import say

# PyTorch's CPU allocator has no exception of its own.
_CPU_MEMORY_FAULTS = ("can't allocate memory", "not enough memory", "bad_alloc")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that memory ran out, on the CPU or a GPU."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return any(fault in str(error) for fault in _CPU_MEMORY_FAULTS)


def first_line(error: BaseException) -> str:
    """First line of the error's text; allocator statistics follow it."""
    return str(error).splitlines()[0] if str(error) else "out of memory"


def halved(pieces: int, batch: int, fault: str, device: torch.device) -> int:
    """Twice as many pieces for a batch of `batch` samples, at most one a sample; reports it.

    Raises:
        EnvironmentFault: each piece was a single sample already.
    """
    if device.type == "cuda":
        torch.cuda.empty_cache()
    if pieces >= batch:
        raise EnvironmentFault(
            "not even one sample fits into memory", got=fault, fix="take a smaller network or smaller crops"
        )
    pieces = min(2 * pieces, batch)
    share = -(-batch // pieces)
    say(f"out of memory ({fault}): going on with {share} samples at a time")
    return pieces


def refuse_rank(error: BaseException) -> NoReturn:
    """The other ranks are waiting for this one's gradients, so it cannot take smaller pieces alone."""
    raise EnvironmentFault(
        "a rank is out of memory", got=first_line(error), fix="halve batch in params.yaml"
    ) from error


def refuse_optimizer(error: BaseException) -> NoReturn:
    """The optimizer's own tensors are made in the first step, and no smaller batch makes them smaller."""
    got, fix = first_line(error), "take a smaller network"
    raise EnvironmentFault("the optimizer does not fit into memory", got=got, fix=fix) from error
