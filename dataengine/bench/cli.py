"""How long ``dataengine --help`` takes.

The peer is Python importing typer: the floor for any command line made of it.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from dataengine.bench.record import Figure

RUNS = 15


def run() -> Iterator[Figure]:
    """``cli.help_s`` (median) and ``cli.help_best_s``."""
    ours = wall_seconds([sys.executable, "-m", "dataengine", "--help"])
    peer = wall_seconds([sys.executable, "-c", "import typer"])
    yield Figure("cli.help_s", statistics.median(ours), "s", statistics.median(peer))
    yield Figure("cli.help_best_s", min(ours), "s", min(peer))


def wall_seconds(command: list[str], runs: int = RUNS) -> list[float]:
    """Wall time of each of `runs` runs, after one that fills the disk cache."""
    seconds = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - start)
    return seconds[1:]
