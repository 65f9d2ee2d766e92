"""Batches of a few fixed sizes on a GPU, each replayed as a CUDA graph once it has run a few times.

A keypoint network is hundreds of small kernels; launched one by one they keep the GPU waiting for Python. A graph
launches them at once (HRNet-W32 at batch 1: seven times faster). It needs fixed shapes and addresses, so a batch is
copied into the memory of the smallest *bucket* that holds it, and answers to the rest of the bucket are thrown away.
The first runs of a bucket are ordinary ones: they warm the libraries up, and small sets never pay for a capture.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from dataengine.terminal.speech import say

Tensors = tuple[Tensor, ...]
Forward = Callable[[Tensor], Tensors]
WARM_UP_RUNS = 3  # what PyTorch's documentation asks for before a capture


def buckets_for(batch: int) -> tuple[int, ...]:
    """The sizes to keep: one crop, for callers that ask for one at a time, and the full batch."""
    return tuple(sorted({1, batch}))


def bucket_for(count: int, sizes: Sequence[int]) -> int:
    """The smallest of `sizes`, which rise, that holds `count` crops."""
    return next(size for size in sizes if size >= count)


class Bucket:
    """Fixed memory for batches of one size, and the graph that was captured on it."""

    def __init__(self, forward: Forward, crop_shape: tuple[int, ...], size: int, device: torch.device) -> None:
        self._forward = forward
        self._crops = torch.zeros((size, *crop_shape), dtype=torch.uint8, device=device)
        self._may_capture = device.type == "cuda"
        self._graph: torch.cuda.CUDAGraph | None = None
        self._outputs: Tensors = ()
        self._runs = 0

    @property
    def is_captured(self) -> bool:
        """Whether runs are replays by now."""
        return self._graph is not None

    def run(self, crops: Tensor) -> Tensors:
        """The answers to the whole bucket, whose first rows are `crops`; overwritten by the next run."""
        self._crops[: len(crops)].copy_(crops, non_blocking=True)
        if self._graph is None and self._may_capture and self._runs >= WARM_UP_RUNS:
            self._capture()
        self._runs += 1
        if self._graph is None:
            return self._forward(self._crops)
        self._graph.replay()
        return self._outputs

    def _capture(self) -> None:
        """Record a run on the current stream. A network that cannot be recorded goes on without, which is said once."""
        graph = torch.cuda.CUDAGraph()
        stream = torch.cuda.current_stream()
        stream.synchronize()
        try:
            # Other threads may use the GPU meanwhile: their calls are not part of the graph.
            with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
                outputs = self._forward(self._crops)
        except RuntimeError as fault:
            self._may_capture = False
            reason = next(iter(str(fault).splitlines()), "")
            say(f"no CUDA graph of this network, going on without: {reason}")
            return
        self._graph, self._outputs = graph, outputs


class HostCopies:
    """Pinned memory that answers are copied into, used in turn by as many batches as are in flight."""

    def __init__(self, in_flight: int) -> None:
        self._slots: list[Tensors | None] = [None] * in_flight
        self._turn = 0

    def take(self, outputs: Tensors) -> Tensors:
        """Begin to copy `outputs` to the host; the result holds them once the stream has come that far."""
        self._turn = (self._turn + 1) % len(self._slots)
        slot = self._slots[self._turn]
        if slot is None or [part.shape for part in slot] != [part.shape for part in outputs]:
            slot = tuple(torch.empty(part.shape, dtype=part.dtype, pin_memory=part.is_cuda) for part in outputs)
            self._slots[self._turn] = slot
        for target, part in zip(slot, outputs, strict=True):
            target.copy_(part, non_blocking=True)
        return slot
