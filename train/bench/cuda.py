"""What the recorded step brings on a GPU: our loop against the plain eager one, on HRNet-W32.

Crops of 192x256, bf16, batches of 64; both loops take their batches from the same loader, with the same number of
threads. ``fit.cuda_ratio`` is images a second, ``fit.cuda_loader_wait`` the share of our time in which there was no
batch yet.
"""

import statistics
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from dataengine.bench.record import Figure, Missing

from .loops import in_turns, loops

PEOPLE, PAIRS, BATCH = 1280, 5, 64
WIDTH_PX, HEIGHT_PX = 192, 256
NEEDS = "a GPU that PyTorch sees"


def figures(params: Any, folder: Path, people: int = PEOPLE, pairs: int = PAIRS) -> Iterator[Figure | Missing]:
    """Both figures; without a GPU, what they need."""
    if not torch.cuda.is_available():
        yield from (Missing(name, NEEDS) for name in ("fit.cuda_ratio", "fit.cuda_loader_wait"))
        return
    large = replace(
        *(params,),
        **{"network": "hrnet-w32", "network_kwargs": {}, "pretrained": None, "start_from": None, "device": "cuda"},
        **{"input_width_px": WIDTH_PX, "input_height_px": HEIGHT_PX, "batch": BATCH},
    )
    ours, plain = loops(large, folder, people, "bf16")
    ours.epoch()  # records the step
    waited, started = ours.run.waited.seconds, ours.run.fit_seconds
    seconds = in_turns(ours.epoch, plain.epoch, pairs)
    rates = [ours.images / statistics.median(taken) for taken in zip(*seconds, strict=True)]
    yield Figure("fit.cuda_ratio", rates[0], "images/s", rates[1])
    yield Figure(
        "fit.cuda_loader_wait",
        (ours.run.waited.seconds - waited) / (ours.run.fit_seconds - started),
        "of the time",
    )
