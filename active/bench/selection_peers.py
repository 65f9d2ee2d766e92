"""What else picks a diverse batch from embeddings: seconds that each peer takes for a number of picks.

scikit-activeml's `MaxHerding` is the same rule without uncertainty (Bae, Noh and Sutherland, ECCV 2024). It holds all
pairs, and goes through them for every pick. modAL's `ranked_batch` weighs distance and uncertainty (Cardoso et al.
2017), and computes the distances to all earlier picks again for every pick. FiftyOne's brain finds the most unique
samples of a similarity index, and looks at all pairs for every threshold that it tries. Every peer is called once on a
little pool first, so that imports and first calls are not timed.

Adding a peer: a function ``(scores, embeddings, picks) -> seconds``, and a line in `PEERS` with the size to compare at.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import EnvironmentFault

from ..curation.database import open_fiftyone

Floats = NDArray[np.floating[Any]]
WARM_UP = 64


class NotInstalled(Exception):
    """The peer is missing; the text says what is needed."""


def scikit_activeml_seconds(scores: Floats, embeddings: Floats, picks: int) -> float:
    """`skactiveml.pool.MaxHerding`, with a radius at which groups are distinguished."""
    try:
        from skactiveml.pool import MaxHerding
    except ImportError as fault:
        raise NotInstalled("scikit-activeml: pip install -c constraints.txt -e .[bench]") from fault
    gamma = {"gamma": 1 / embeddings.shape[1]}

    def pick(points: Floats, count: int) -> None:
        strategy = MaxHerding(normalize_samples=False, metric="rbf", metric_dict=gamma, random_state=0)
        picked = strategy.query(points.astype(np.float64), np.full(len(points), np.nan), batch_size=count)
        _check(picked, count, "scikit-activeml")

    return _timed(pick, embeddings, picks)


def modal_seconds(scores: Floats, embeddings: Floats, picks: int) -> float:
    """`modAL.batch.ranked_batch`, with the first rows as labelled."""
    try:
        from modAL.batch import ranked_batch
    except ImportError as fault:
        raise NotInstalled("modAL: pip install -c constraints.txt -e .[bench]") from fault

    def pick(points: Floats, count: int) -> None:
        labelled, rest = points[:10], points[10:]
        learner = SimpleNamespace(X_training=labelled, on_transformed=False)
        learner.transform_without_estimating = lambda rows: rows
        picked, _ = ranked_batch(learner, rest, np.asarray(scores[10 : len(points)]), count, "euclidean", 1)
        _check(picked, count, "modAL")

    return _timed(pick, embeddings, picks)


def fiftyone_brain_seconds(scores: Floats, embeddings: Floats, picks: int) -> float:
    """`find_unique` of a similarity index in a throw-away dataset; making dataset and index is not timed."""
    try:
        import fiftyone.brain as brain

        fiftyone = open_fiftyone()
    except (ImportError, EnvironmentFault) as fault:
        raise NotInstalled(f"FiftyOne with its database: {fault}") from fault

    def index(points: Floats) -> Any:
        dataset = fiftyone.Dataset()
        dataset.add_samples([fiftyone.Sample(filepath=f"/{row}.png") for row in range(len(points))], progress=False)
        return dataset, brain.compute_similarity(dataset, embeddings=points, brain_key="bench", backend="sklearn")

    seconds = 0.0
    for points, count in ((embeddings[:WARM_UP], 8), (embeddings, picks)):
        dataset, similarity = index(points)
        try:
            started = time.perf_counter()
            similarity.find_unique(count)
            seconds = time.perf_counter() - started
            _check(similarity.unique_ids, count, "FiftyOne's brain")
        finally:
            fiftyone.delete_dataset(dataset.name)
    return seconds


@dataclass(frozen=True)
class Peer:
    """A peer, and the size at which it is compared."""

    seconds: Callable[[Floats, Floats, int], float]
    people: int
    picks: int


PEERS: Mapping[str, Peer] = {
    "scikit_activeml": Peer(scikit_activeml_seconds, 5_000, 100),
    "modal": Peer(modal_seconds, 5_000, 600),
    "fiftyone_brain": Peer(fiftyone_brain_seconds, 30_000, 100),
}


def _timed(pick: Callable[[Floats, int], None], embeddings: Floats, picks: int) -> float:
    pick(embeddings[:WARM_UP], 8)
    started = time.perf_counter()
    pick(embeddings, picks)
    return time.perf_counter() - started


def _check(picked: Any, count: int, name: str) -> None:
    got = len({str(each) for each in picked})
    if got != count:
        raise EnvironmentFault(f"{name} does not pick as many as it is asked for", expected=str(count), got=str(got))
