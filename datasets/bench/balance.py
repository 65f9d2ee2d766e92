"""How long a million poses take to balance, and how much memory: embedded, clustered, looked up, repeats computed.

The people are synthetic: 40 poses of very uneven frequency with noise, mirrored by chance, and a tenth of their joints
not labelled. Each way runs in a process of its own, so that peak memory is its own; making the people counts
towards memory, but not towards time. The peer is scikit-learn's `KMeans` with one start, on the same vectors, which
it is given: only ours also embeds, looks everybody up, and computes repeats and how far each is from the others.
`balance.inertia` is the sum of squared distances from the centres that each ends with, over all people.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.bench.record import Figure
from dataengine.hardware.memory import peak_bytes
from dataengine.people import Images, People
from dataengine.poses.embedding import embed_poses
from dataengine.terminal.speech import answer

from ..balance import BalanceParams, balance_people

Floats = NDArray[np.floating[Any]]
PEOPLE, POSES, CLUSTERS = 1_000_000, 40, 32
UNLABELLED_SHARE = 0.1
PEER_ROUNDS = 300  # scikit-learn's own limit


def run() -> Iterator[Figure]:
    """``balance.million_s``, ``balance.million_gb`` and ``balance.inertia``, each with the peer's."""
    ours, peer = in_a_process("ours"), in_a_process("peer")
    yield Figure("balance.million_s", ours["seconds"], "s", peer["seconds"])
    yield Figure("balance.million_gb", ours["peak_gb"], "GB", peer["peak_gb"])
    yield Figure("balance.inertia", ours["inertia"], "stature^2", peer["inertia"])


def in_a_process(way: str, people: int = PEOPLE) -> dict[str, float]:
    """Seconds, peak memory in GB, and inertia of one way, "ours" or "peer", in its own process."""
    command = [sys.executable, "-m", "dataengine.datasets.bench.balance", way, str(people)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout))


def made_up_people(n: int, seed: int = 0) -> People:
    """n people in POSES poses, the share of the k-th in proportion to 1 / (k + 1)."""
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(1, POSES + 1)
    pose = rng.choice(POSES, size=n, p=share / share.sum())
    poses = rng.normal(0, 40, (POSES, 17, 2)).astype(np.float32)
    points = poses[pose] + rng.normal(0, 4, (n, 17, 2)).astype(np.float32)
    points[..., 0] *= rng.choice([-1, 1], size=(n, 1)).astype(np.float32)
    visibility = np.where(rng.random((n, 17)) < UNLABELLED_SHARE, 0, 2).astype(np.uint8)
    boxes = np.zeros((n, 4), np.float32)
    return People.build(image_id=np.arange(n), bbox_xywh_px=boxes, keypoints_px=points, visibility=visibility)


def our_way(people: People) -> dict[str, float]:
    """What the stage balance does with people before it writes."""
    params = BalanceParams(clusters=CLUSTERS, threshold=1.0, max_repeat=3.0, seed=0)
    images = Images.build(id=people.image_id, path=["still.jpg"] * len(people), width=256, height=256)
    started = time.perf_counter()
    found = balance_people(people, images, params)
    clusters, cluster = found.poses.clusters, found.cluster
    clusters.repeats(cluster)
    found.poses.known.rarity(found.distance)
    figures = {"seconds": time.perf_counter() - started, "peak_gb": peak_gb()}
    vectors, usable = embed_poses(people.keypoints_px, people.visibility, np.float32)
    return {**figures, "inertia": inertia(vectors[usable], clusters.centres, cluster[usable])}


def peers_way(people: People) -> dict[str, float]:
    """One start of `sklearn.cluster.KMeans` on the same vectors."""
    from sklearn.cluster import KMeans

    vectors, usable = embed_poses(people.keypoints_px, people.visibility, np.float32)
    vectors = vectors if usable.all() else vectors[usable]
    started = time.perf_counter()
    fit = KMeans(CLUSTERS, n_init=1, max_iter=PEER_ROUNDS, random_state=0, copy_x=False).fit(vectors)
    figures = {"seconds": time.perf_counter() - started, "peak_gb": peak_gb()}
    return {**figures, "inertia": inertia(vectors, fit.cluster_centers_, fit.labels_)}


def peak_gb() -> float:
    """The most memory that this process held so far."""
    return peak_bytes() / 1e9


def inertia(
    vectors: NDArray[np.floating[Any]],
    centres: NDArray[np.floating[Any]],
    cluster: NDArray[np.integer[Any]],
    chunk: int = 65_536,
) -> float:
    """Sum of squared distances of vectors (n, d) from their centres."""
    starts = range(0, len(vectors), chunk)
    parts = (vectors[i : i + chunk] - centres[cluster[i : i + chunk]] for i in starts)
    return float(sum((part.astype(np.float64) ** 2).sum() for part in parts))


WAYS = {"ours": our_way, "peer": peers_way}

if __name__ == "__main__":
    answer(json.dumps(WAYS[sys.argv[1]](made_up_people(int(sys.argv[2])))))
