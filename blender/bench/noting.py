"""The stage's maker with a log of every image it has made: what a worker of the render benchmark does."""

import json
import os
import resource
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from dataengine.hardware.memory import peak_bytes

from ..pictures.maker import ImageMaker
from ..scene.params import RenderParams

_MEGABYTE = 1e6


@dataclass(frozen=True)
class Made:
    """One image, as its worker logged it."""

    worker: int
    """Process id."""
    saved_s: float
    """On the machine's monotonic clock."""
    cycles_s: float
    held_mb: float
    peak_mb: float


class NotingMaker:
    """Makes the stage's images in `folder`, and a log file of its own process next to them."""

    def __init__(self, params: RenderParams, folder: Path, cache: Path) -> None:
        self._maker, self._notes = ImageMaker(params, folder, cache, "benchmark"), folder / f"{os.getpid()}.jsonl"

    def make(self, index: int) -> None:
        """Make image `index` and log it."""
        cycles_s = self._maker.observed(index).cycles_s
        peak = peak_bytes() / _MEGABYTE
        made = Made(os.getpid(), time.monotonic(), cycles_s, held_mb(), peak)
        with self._notes.open("a", encoding="utf-8") as opened:
            opened.write(json.dumps(asdict(made)) + "\n")


def held_mb() -> float:
    """Resident memory of this process, megabytes (Linux)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * resource.getpagesize() / _MEGABYTE
