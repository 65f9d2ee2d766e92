"""Drift of a round: the pool's people against the training set's, by what they look like and how sure the student is.

Both come from what `select` left, so no network is run: embeddings (pose and appearance) and confidences of candidates
and of training people. Each of the two tests has half of the level, so that both together raise a false alarm in at
most one of twenty rounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.people import Images, People

from ..manifest.files import MANIFEST, Selection, read_manifest, read_selection
from ..query.embeddings import joint_embedding
from ..query.pick_inputs import PICK_INPUTS, PickInputs
from .films import GroupedPeople, grouped
from .power import POWER, seen_shift
from .two_sample import KernelFeatures, compare_groups

LEVEL = 0.05
TESTS = 2
SEED = 0
_MOST_DIMENSIONS = 64  # of embeddings, by principal components: beyond, distances hardly change


def drift_of(selection: Path, films_before: Sequence[str]) -> dict[str, Any] | None:
    """The tests, in figures and words, and the films of the pool that neither `films_before` nor training has.

    None where `select` left nobody to compare.
    """
    if not (selection / PICK_INPUTS).exists():
        return None
    found = read_selection(selection)
    pool, training, n = found.scored, found.labelled, len(found.scored)
    of_training = np.flatnonzero(training.extras["split"].astype(str) == "train") if len(training) else np.empty(0, int)
    if not n or not len(of_training):
        return None
    inputs = PickInputs.read(selection / PICK_INPUTS)
    weight = float(read_manifest(selection / MANIFEST).get("appearance_weight", 0.0))
    looks = _fewer_dimensions(joint_embedding(inputs.pose, inputs.appearance, weight))
    people = training.take(of_training)
    sure = _confidence(pool), _confidence(people)
    tests = [
        _tested("pose and appearance", looks[:n], looks[n:][of_training], found, people),
        _tested("confidence", sure[0][:, None], sure[1][:, None], found, people),
    ]
    films = sorted(set(found.scored_images.video.tolist()) - {""})
    known = set(films_before) | set(found.labelled_images.video.tolist())
    alarms = [test["what"] for test in tests if test["is_drift"]]
    return {
        "words": f"The pool differs from the training set in {' and in '.join(alarms)}." if alarms else _QUIET,
        "is_drift": bool(alarms),
        "tests": tests,
        "films": films,
        "new_films": [film for film in films if film not in known],
        "farthest_films": _farthest(looks[:n], looks[n:][of_training], pool, found.scored_images),
    }


_QUIET = "No difference between pool and training set was seen, as far as it could be."


def _tested(
    what: str, of_pool: NDArray[np.float64], of_training: NDArray[np.float64], found: Selection, people: People
) -> dict[str, Any]:
    """One test at its share of the level, and what shift it would have seen."""
    pool = grouped(of_pool, found.scored, found.scored_images)
    training = grouped(of_training, people, found.labelled_images)
    kernel = KernelFeatures(np.concatenate([training.values, pool.values]), SEED)
    alpha, rng = LEVEL / TESTS, np.random.default_rng(SEED)
    outcome = compare_groups(training.means(kernel.of(training.values)), pool.means(kernel.of(pool.values)), rng)
    sizes = f"{pool.groups} films or pictures of the pool, {training.groups} of training"
    if outcome is None:
        words = f"not tested: {sizes}, at least two of each are needed"
        return {"what": what, "is_drift": False, "p_value": None, "seen_shift": None, "words": words}
    seen = seen_shift(training, pool.groups, alpha, rng, SEED)
    power = (
        f"a shift of all people by {seen.shift:.2f} of the spread would have been seen with {POWER:.0%} power"
        if seen.shift is not None
        else "not even a shift by 3 spreads would have been seen: add films"
    )
    words = f"p = {outcome.p_value:.3f} (alarm at {alpha:g}); {sizes}; {power}"
    return {
        "what": what,
        "is_drift": outcome.p_value <= alpha,
        "p_value": outcome.p_value,
        "statistic": round(outcome.statistic, 6),
        "pool_groups": pool.groups,
        "training_groups": training.groups,
        "pool_mean": round(_mean(pool), 4),
        "training_mean": round(_mean(training), 4),
        "seen_shift": None if seen.shift is None else round(seen.shift, 3),
        "spread": round(seen.spread, 4),
        "words": words,
    }


def _mean(people: GroupedPeople) -> float:
    """Mean over groups of the first value; of confidences, their mean."""
    return float(people.means(people.values)[:, 0].mean())


def _confidence(people: People) -> NDArray[np.float64]:
    """Mean confidence (n,) over the joints."""
    return (
        np.array(people.extras["student_confidence"].tolist(), dtype=np.float64).reshape(len(people), -1).mean(axis=1)
    )


def _fewer_dimensions(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The first principal components, where there are more dimensions."""
    if min(values.shape) <= _MOST_DIMENSIONS:
        return values
    centred = values - values.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    return np.asarray(centred @ axes[:_MOST_DIMENSIONS].T)


def _farthest(
    of_pool: NDArray[np.float64], of_training: NDArray[np.float64], pool: People, images: Images, most: int = 5
) -> list[dict[str, Any]]:
    """The films whose mean lies farthest from the training people's, in their spread."""
    middle = of_training.mean(axis=0)
    spread = float(np.sqrt(((of_training - middle) ** 2).sum(axis=1).mean())) or 1.0
    film = images.video[images.rows_of(pool.image_id)]
    names = sorted(set(film.tolist()) - {""})
    apart = {name: float(np.linalg.norm(of_pool[film == name].mean(axis=0) - middle)) / spread for name in names}
    return [{"film": name, "distance": round(apart[name], 3)} for name in sorted(names, key=lambda n: -apart[n])[:most]]
