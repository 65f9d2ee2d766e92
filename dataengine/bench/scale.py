"""What the parallel map costs on a Ray cluster, against processes of this machine, and how it speeds work up.

The work is that of ``simulate-coverage``: trials that take about a quarter of a second for an item, alike for all. The
cluster is real, two nodes on loopback, started for the benchmark; both ways compute the same bits, or the benchmark
fails. The clock starts when as many items are finished as there are workers, so that processes have started and
compiled, and what is measured is the time for each item after that; the best of a few runs counts, ours and the peer's
in turn.

``scale.ray_over_local``: seconds an item with two workers on Ray, the peer with two processes. ``scale.ray_speedup_N``:
how much faster N workers on Ray are than this process alone; the peer is N, or the cores of this machine if these are
fewer. ``scale.ray_start_s``: from the call until as many items are finished, the peer with processes.
``scale.render_bytes`` and ``scale.label_bytes``: what an image of `render` with its sidecar, and a person of
`pseudo-label`, take on the disk, of what the project in the working folder has made.
"""

import importlib.util
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataengine.bench.record import Figure, Missing
from dataengine.errors import EnvironmentFault, install_extra
from dataengine.evaluation.analysis.simulation import SimulatedSet
from dataengine.files import read_json
from dataengine.hardware.threads import available_cores
from dataengine.parallel.parallel_map import parallel_map
from dataengine.studies.interval_coverage import Trials, run_trials

ITEMS, TRIALS, RESAMPLES, RUNS = 24, 6, 1000, 6
WORKERS = (1, 2, 4)
NODE_CPUS = 2
OBJECT_STORE_BYTES = 100 * 1024**2
RENDERED, LABELLED = Path("data/render"), Path("data/pseudo-label/people.json")
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # loopback alone
    "RAY_worker_niceness": "0",  # as nice as local processes; by default Ray's are far nicer
}


@dataclass(frozen=True)
class MapTime:
    """One run of the map."""

    start_s: float
    """From the call until as many items are finished as there are workers."""
    item_s: float
    """For each item from then on."""


def run(items: int = ITEMS, runs: int = RUNS) -> Iterator[Figure | Missing]:
    """All figures; a line each for those that need what is not there."""
    yield from sizes()
    if importlib.util.find_spec("ray") is None:
        names = ("ray_over_local", "ray_start_s", *(f"ray_speedup_{count}" for count in WORKERS))
        yield from (Missing(f"scale.{name}", f"Ray: {install_extra('cluster')}") for name in names)
        return
    jobs = trials(items)
    expected = [run_trials(job).tobytes() for job in jobs]
    with two_nodes() as address:
        local, ray = [], []
        for _ in range(runs):
            local.append(timed(jobs, expected, workers=2, cluster=None))
            ray.append(timed(jobs, expected, workers=2, cluster=address))
        yield Figure("scale.ray_over_local", _best(ray), "s", _best(local))
        yield Figure("scale.ray_start_s", min(each.start_s for each in ray), "s", min(each.start_s for each in local))
        alone = _best([timed(jobs, expected, workers=1, cluster=None) for _ in range(runs)])
        for count in WORKERS:
            times = ray if count == 2 else [timed(jobs, expected, workers=count, cluster=address) for _ in range(runs)]
            yield Figure(f"scale.ray_speedup_{count}", alone / _best(times), "x", min(count, available_cores()))


def trials(items: int) -> list[Trials]:
    """Items of equal size."""
    test = SimulatedSet(500)
    return [
        Trials(test=test, truth=0.0, seed=0, first=TRIALS * item, count=TRIALS, resamples=RESAMPLES)
        for item in range(items)
    ]


def timed(jobs: Sequence[Trials], expected: Sequence[bytes], *, workers: int, cluster: str | None) -> MapTime:
    """Run the map and time it.

    Raises:
        EnvironmentFault: a value differs from the expected one.
    """
    ends: list[float] = []
    began = time.perf_counter()
    found = parallel_map(
        run_trials,
        jobs,
        description="trials",
        workers=workers,
        cluster=cluster,
        each=lambda *_: ends.append(time.perf_counter()),
    )
    if [value.tobytes() for value in found] != list(expected):
        raise EnvironmentFault("the parallel map computes other bits", got=cluster or f"{workers} processes")
    warm = ends[workers - 1]
    return MapTime(warm - began, (ends[-1] - warm) / (len(jobs) - workers))


@contextmanager
def two_nodes() -> Iterator[str]:
    """The address of a Ray cluster of two nodes on this machine, which reports nothing and listens on loopback."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    from ray.cluster_utils import Cluster

    node: dict[str, Any] = {"num_cpus": NODE_CPUS, "node_ip_address": "127.0.0.1", "include_dashboard": False}
    node |= {"object_store_memory": OBJECT_STORE_BYTES}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    try:
        cluster.add_node(**node)
        yield str(cluster.address)
    finally:
        cluster.shutdown()


def sizes(rendered: Path = RENDERED, labelled: Path = LABELLED) -> Iterator[Figure | Missing]:
    """Bytes of an image and of a person."""
    images = list((rendered / "images").glob("*.png"))
    if images:
        files = [*images, *(rendered / "sidecars").glob("*.json")]
        yield Figure("scale.render_bytes", sum(path.stat().st_size for path in files) / len(images), "bytes")
    else:
        yield Missing("scale.render_bytes", f"{rendered}: run `dataengine render`")
    people = len(read_json(labelled)["annotations"]) if labelled.is_file() else 0
    if people:
        yield Figure("scale.label_bytes", labelled.stat().st_size / people, "bytes")
    else:
        yield Missing("scale.label_bytes", f"{labelled}: run `dataengine pseudo-label`")


def _best(times: Sequence[MapTime]) -> float:
    return min(each.item_s for each in times)
