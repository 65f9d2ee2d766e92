"""From scored people to the images to label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.people import Images, People

from .strategies import STRATEGIES, nearest_distance, thin_in_time


@dataclass(frozen=True, eq=False)
class Candidates:
    """One row per image that may be picked, in the order of their hashes."""

    sha256: NDArray[np.str_]  # (c,)
    image_row: NDArray[np.int64]  # (c,) row in the table of scored images
    person_row: NDArray[np.int64]  # (c,) the least certain person in it, row of the scored people
    score: NDArray[np.float64]  # (c,) that person's uncertainty, 0..1


def candidate_images(scored: People, images: Images) -> Candidates:
    """The images of scored people, each with its least certain person."""
    uncertainty = scored.extras["uncertainty"].astype(np.float64)
    image_row = images.rows_of(scored.image_id)
    first: dict[int, int] = {}
    for person in np.argsort(-uncertainty, kind="stable").tolist():
        first.setdefault(int(image_row[person]), person)
    person_row = np.array(
        sorted(first.values(), key=lambda person: str(scored.extras["sha256"][person])), dtype=np.int64
    )
    return Candidates(
        sha256=scored.extras["sha256"][person_row],
        image_row=image_row[person_row],
        person_row=person_row,
        score=uncertainty[person_row],
    )


def pick_images(
    choice: Candidates,
    images: Images,
    embeddings: NDArray[np.float64],
    covered: NDArray[np.float64],
    *,
    strategy: str,
    budget: int,
    min_gap_frames: int,
    seed: int,
) -> NDArray[np.int64]:
    """Rows of `choice` to label, most wanted first: neighbours in time thinned out, then the query strategy.

    Args:
        choice: what may be picked.
        images: the table that `choice.image_row` points into.
        embeddings: (p, d) of the scored people.
        covered: (m, d) of the labelled people.
        strategy: a name in `STRATEGIES`.
        budget: images to pick; fewer are returned where there are fewer.
        min_gap_frames: least distance of two picks of one video.
        seed: for strategies that draw at random.
    """
    rng = np.random.default_rng(seed)
    # a strategy that ignores the scores must not get them in through the thinning
    order = choice.score if "uncertainty" in strategy else rng.random(len(choice.score))
    rows = choice.image_row
    thinned_rows = thin_in_time(order, images.video[rows], images.frame[rows], min_gap_frames)
    own = embeddings[choice.person_row[thinned_rows]]
    return thinned_rows[STRATEGIES[strategy](choice.score[thinned_rows], own, budget, rng, labelled=covered)]


def selection_metrics(
    choice: Candidates,
    picked: NDArray[np.int64],
    images: Images,
    embeddings: NDArray[np.float64],
    covered: NDArray[np.float64],
) -> dict[str, float | int]:
    """Counts, how uncertain the picks are, and how much they widen what labels cover.

    `distance_*` is the mean distance, in units of the embedding, from a candidate to the nearest person that is
    labelled (before) or labelled or picked (after). Without candidates there are counts alone.
    """
    counts: dict[str, float | int] = {
        "candidates": len(embeddings),
        "candidate_images": len(choice.score),
        "labelled": len(covered),
        "picked": len(picked),
        "videos_picked": len(set(images.video[choice.image_row[picked]].tolist())),
    }
    if not len(choice.score):
        return counts
    own = embeddings[choice.person_row]
    before = nearest_distance(own, covered)
    after = np.minimum(before, nearest_distance(own, own[picked]))
    return counts | {
        "uncertainty_mean": round(float(choice.score.mean()), 4),
        "uncertainty_picked": round(float(choice.score[picked].mean()), 4),
        "distance_before": round(float(before.mean()), 4),
        "distance_after": round(float(after.mean()), 4),
    }
