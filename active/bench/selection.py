"""How long 1,000 picks of a million people take, how much memory, and how much faster they come than peers' picks.

The pool is made up: groups of very uneven size in 256 dimensions, uncertainties of which most are low. It is on disk,
scores and embeddings apart, and a process of its own picks by the default strategy, so that peak memory is that of
picking; pages of the files that it maps count.

``select.sample_coverage`` says what picking from a sample costs. A pool that is small enough to be compared pair by
pair is picked from as a whole (the peer) and from an eighth of it, and what both cover of the whole is compared.

Each peer (`selection_peers.py`) picks as many of the same smaller pool as ours, at a size that it finishes in minutes;
a figure is picks a second. Where a peer is not installed, the row says so. The extras ``bench`` and ``fiftyone`` have
all three.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.bench.record import Figure, Missing
from dataengine.hardware.memory import peak_bytes
from dataengine.terminal.speech import answer

from ..choice.distances import nearest_squared, on_grid, pair_table
from ..choice.herding import coverage_radius, herd
from .selection_peers import PEERS, NotInstalled, Peer

Floats = NDArray[np.floating[Any]]
PEOPLE, DIMENSIONS, PICKS, GROUPS = 1_000_000, 256, 1_000, 400
WRITTEN_AT_ONCE = 50_000
SAMPLED, OF_WHICH, SAMPLED_PICKS = 16_384, 2_048, 200
SCORES, EMBEDDINGS = "scores.npy", "embeddings.npy"


def run(people: int = PEOPLE, sampled: int = SAMPLED, peers: Mapping[str, Peer] = PEERS) -> Iterator[Figure | Missing]:
    """Time and memory of the million, the sample's coverage, and the peers."""
    with tempfile.TemporaryDirectory() as folder:
        write_pool(Path(folder), people)
        measured = in_a_process(Path(folder))
    yield Figure("select.million_s", measured["seconds"], "s")
    yield Figure("select.million_gb", measured["peak_gb"], "GB")
    part, whole = sample_coverage(sampled)
    yield Figure("select.sample_coverage", part, "of_the_uncertainty", whole)
    for name, peer in peers.items():
        scores, points = pool(peer.people)
        herd(scores[:64], points[:64], 4, np.random.default_rng(0))  # compiles
        try:
            seconds = peer.seconds(scores, points, peer.picks)
        except NotInstalled as fault:
            yield Missing(f"select.vs_{name}", str(fault))
            continue
        started = time.perf_counter()
        herd(scores, points, peer.picks, np.random.default_rng(0))
        ours = peer.picks / (time.perf_counter() - started)
        yield Figure(f"select.vs_{name}", ours, "picks/s", peer.picks / seconds)


def pool(people: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Scores (n,) and embeddings (n, d), the share of the k-th group in proportion to 1 / (k + 1)."""
    rng = np.random.default_rng([seed, people])
    centres = np.random.default_rng(seed).normal(size=(GROUPS, DIMENSIONS)).astype(np.float32)
    share = 1 / np.arange(1, GROUPS + 1)
    group = rng.choice(GROUPS, size=people, p=share / share.sum())
    noise = rng.normal(0, 0.7, (people, DIMENSIONS)).astype(np.float32)
    return rng.beta(2, 5, people).astype(np.float32), centres[group] + noise


def write_pool(folder: Path, people: int) -> None:
    """The same kind of pool on disk, a part at a time."""
    scores = np.lib.format.open_memmap(folder / SCORES, "w+", np.float32, (people,))
    points = np.lib.format.open_memmap(folder / EMBEDDINGS, "w+", np.float32, (people, DIMENSIONS))
    for start in range(0, people, WRITTEN_AT_ONCE):
        rows = slice(start, min(start + WRITTEN_AT_ONCE, people))
        part = pool(rows.stop - rows.start)
        rng = np.random.default_rng(start)
        scores[rows], points[rows] = rng.permutation(part[0]), part[1] + rng.normal(0, 0.1, DIMENSIONS)
    scores.flush()
    points.flush()


def in_a_process(folder: Path, picks: int = PICKS) -> dict[str, float]:
    """Seconds and peak memory in GB of `picks` picks of the pool in `folder`."""
    command = [sys.executable, "-m", "dataengine.active.bench.selection", str(folder), str(picks)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout))


def pick_from_disk(folder: Path, picks: int) -> dict[str, float]:
    """Pick, from memory maps; compiling is part of it where the machine code is not cached."""
    scores, points = (np.load(folder / name, mmap_mode="r") for name in (SCORES, EMBEDDINGS))
    started = time.perf_counter()
    picked = herd(scores, points, picks, np.random.default_rng(0))
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "peak_gb": peak_bytes() / 1e9, "picks": float(len(set(picked.tolist())))}


def sample_coverage(people: int = SAMPLED, picks: int = SAMPLED_PICKS) -> tuple[float, float]:
    """Shares of the pool's uncertainty that picks cover: picked from a sample, and from the whole."""
    scores, points = pool(people, seed=1)
    (grid,), _ = on_grid(points)
    table = pair_table(grid)
    radius = np.float32(coverage_radius(table, np.full(people, np.inf, dtype=np.float32), picks))
    del table
    shares = []
    for most in (people * OF_WHICH // SAMPLED, people):
        picked = herd(scores, points, picks, np.random.default_rng(0), most_rows=most)
        nearest = nearest_squared(grid, grid[picked]) / radius
        shares.append(float((scores * np.exp(-nearest)).sum() / scores.sum()))
    return shares[0], shares[1]


if __name__ == "__main__":
    answer(json.dumps(pick_from_disk(Path(sys.argv[1]), int(sys.argv[2]))))
