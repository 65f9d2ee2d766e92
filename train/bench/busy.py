"""What a process that keeps every core busy costs a fit that runs at the same time.

``fit.busy`` is the time of an epoch next to it over the time alone; with one busy thread for each core a fair share is
half, and 2 cannot be beaten. ``fit.busy_spinning`` is the same with OpenMP's threads as they wait by default, wherever
the kernel puts them. How threads wait is settled when OpenMP is loaded, so each way has a process of its own, which
runs its epochs in turns, alone and next to the other process.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from dataengine.bench.record import Figure
from dataengine.hardware.threads import available_cores, use_all_cores, wait_briefly
from dataengine.params import load_section
from dataengine.terminal.speech import answer

from ..fit import start
from ..fit.params import BASE, FitParams
from .loops import loops, seconds_of

PEOPLE, PAIRS = 640, 5  # an epoch is twenty steps or so: beginning one costs little of it
WAYS = {"fit.busy": "briefly", "fit.busy_spinning": "spinning"}
_SPIN = "while True: pass"


def figures(people: int = PEOPLE, pairs: int = PAIRS, params: Path = Path("params.yaml")) -> Iterator[Figure]:
    """Both figures: milliseconds an image next to busy cores, against those alone."""
    for name, way in WAYS.items():
        taken = _measured(way, people, pairs, params)
        alone, busy = (1000 * statistics.median(times) for times in zip(*taken, strict=True))
        yield Figure(name, busy, "ms", alone)


def _measured(way: str, people: int, pairs: int, params: Path) -> Sequence[tuple[float, float]]:
    """Seconds an image alone and next to busy cores, pair by pair, in a process that waits in this way."""
    environment = {k: v for k, v in os.environ.items() if k not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    if way == "briefly":
        wait_briefly(environment)
    command = [sys.executable, "-m", __name__, way, str(people), str(pairs), str(params)]
    process = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return [(alone, busy) for alone, busy in json.loads(process.stdout)]


@contextmanager
def busy_cores() -> Iterator[None]:
    """Processes that compute all the time, one for each core, wherever the kernel puts them."""
    command = [sys.executable, "-c", _SPIN]
    spinning = [subprocess.Popen(command, preexec_fn=use_all_cores) for _ in range(available_cores())]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


def _measure(way: str, people: int, pairs: int, params: Path) -> list[tuple[float, float]]:
    """Measure; runs in the process that `_measured` starts."""
    section = load_section(params, "fit-teacher", FitParams, base=BASE)
    once = replace(section, draws_per_epoch=1, people_per_epoch=None, device="cpu")
    taken = []
    with tempfile.TemporaryDirectory() as folder:
        ours = loops(once, Path(folder), people)[0]
        with start.openmp_on_own_cores(ours.run.stepper.device) if way == "briefly" else nullcontext():
            ours.epoch()
            for _ in range(pairs):
                alone = seconds_of(ours.epoch)
                with busy_cores():
                    taken.append((alone / ours.images, seconds_of(ours.epoch) / ours.images))
    return taken


if __name__ == "__main__":
    answer(json.dumps(_measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))))
