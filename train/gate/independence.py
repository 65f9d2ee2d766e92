"""What of a test set is independent evidence: measured on the comparison itself, and merged where it is not.

The gate and its simulation both call `clusters_for`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.evaluation.analysis.dependence import (
    design_effect,
    intraclass_correlation,
    neighbour_correlation,
    residuals,
    settled,
)
from dataengine.evaluation.analysis.image_clusters import ClusterKind, Units, crossed
from dataengine.evaluation.ap.matching import Matches

from .comparison import Dependence

WORDS: dict[ClusterKind, tuple[str, str]] = {
    "group": ("group of pictures", "groups of pictures"),
    "camera": ("camera or block of time", "cameras or blocks of time"),
    "time": ("block of time", "blocks of time"),
}
"""What a policy's `cluster` counts, singular and plural."""


@dataclass(frozen=True, eq=False)
class Logits:
    """What two people of one unit are compared by."""

    image: NDArray[np.int64]  # (n,) row of each person's picture among the units' pictures
    value: NDArray[np.float64]  # (n,) logit of OKS, or its difference of two models


def clusters_for(
    units: Sequence[Units],
    candidate: Matches,
    champion: Matches | None,
    *,
    limit: float,
    logits: Logits | None = None,
) -> tuple[NDArray[np.int64], tuple[Dependence, ...]]:
    """Clusters (w, m) to resample, and how alike the pictures were in each of the `units`, which are of the m pictures.

    Neighbours are merged by what is asked: the difference of the two models, of a first model its own figure.
    """
    residual = residuals(candidate, champion)
    apart = [settled(each, residual, limit) for each in units]
    return crossed(apart), tuple(
        _dependence(before, after, residual, candidate.persons > 0, logits)
        for before, after in zip(units, apart, strict=True)
    )


def counted_words(kind: ClusterKind, count: int) -> str:
    """``1 group of pictures``, ``12 blocks of time``."""
    return f"{count} independent {WORDS[kind][count != 1]}"


def alike_words(dependence: Sequence[Dependence]) -> Iterator[str]:
    """Warnings: all that was taken together, and neighbours that were more alike than scenes of their own would be."""
    for each in dependence:
        if each.kind == "group" and each.units == 1:
            yield (
                "All of the test set was taken together: it says nothing about other people and places, whatever the "
                "interval by its cameras and moments."
            )
        elif each.kind == "group" and each.block > 1:
            yield (
                f"Pictures that follow each other by name are alike, so every {each.block} groups are one cluster: "
                "where they share scenes, name these (ingest.split.scene_pattern)."
            )


def dependence_words(each: Dependence) -> str:
    """What was found of one way of belonging together, for the report."""
    words = [f"{each.units} units in {each.clusters} clusters"]
    if each.neighbours is not None:
        words.append(f"neighbouring clusters correlate at {each.neighbours:.2f}")
    if each.group_correlation is not None:
        words.append(f"people of one unit at {each.group_correlation:.2f}")
    if each.design_effect is not None:
        words.append(f"the variance is {each.design_effect:.1f} times that of single pictures")
    return ", ".join(words)


def _dependence(
    before: Units, after: Units, residual: NDArray[np.float64], peopled: NDArray[np.bool_], logits: Logits | None
) -> Dependence:
    inside = None if logits is None else intraclass_correlation(logits.value, before.clusters[logits.image])
    return Dependence(
        kind=before.kind,
        units=len(np.unique(before.clusters[peopled])),
        clusters=len(np.unique(after.clusters[peopled])),
        block=after.block,
        neighbours=neighbour_correlation(after, residual),
        group_correlation=inside,
        design_effect=design_effect(residual, after.clusters),
    )
