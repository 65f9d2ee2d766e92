"""Evidence for the gate: AP of one or two models on the test set and its slices, resampled together.

The gate and its simulation both call `resample`, so what is simulated is what decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.evaluation.analysis.bootstrap import draw_ap, effective_clusters
from dataengine.evaluation.analysis.interval import Interval
from dataengine.evaluation.analysis.resampled import Resampled
from dataengine.evaluation.ap.matching import Matches, average_precision

from .comparison import Dependence, TestSet

WHOLE = ""  # name of the slice that holds everybody


@dataclass(frozen=True, eq=False)
class SliceEvidence:
    """AP on a slice with its draws: the candidate's, and, where there is a champion, its own and the gain."""

    people: int  # people that count
    images: int  # images that hold them
    candidate: Resampled
    champion: Resampled | None
    gain: Resampled | None


@dataclass(frozen=True, eq=False)
class Evidence:
    """Everything that the policy looks at."""

    test: TestSet
    slices: Mapping[str, SliceEvidence]  # `WHOLE` and every slice by name
    latency_ms: float | None  # of the candidate's file, batch 1; None if it was not measured
    size_bytes: int
    ece: float | None
    dependence: tuple[Dependence, ...] = ()
    learnt: int | None = 0  # pictures of the test set that the candidate has learnt from; None if that is not known
    champion_learnt: int | None = 0

    @property
    def whole(self) -> SliceEvidence:
        """The whole test set."""
        return self.slices[WHOLE]


def resample(
    candidate: Mapping[str, Matches],
    champion: Mapping[str, Matches] | None,
    clusters: NDArray[np.int64],
    *,
    resamples: int,
    rng: np.random.Generator,
    threads: int | None = None,
) -> dict[str, SliceEvidence]:
    """Draw clusters once for all slices (same names in both models). `clusters`: see `draw_ap`."""
    models = [candidate] if champion is None else [candidate, champion]
    every = [matches for model in models for matches in model.values()]
    draws = draw_ap(every, clusters, resamples=resamples, rng=rng, threads=threads)
    evidence_by_slice = {}
    for column, name in enumerate(candidate):
        columns = draws[:, column :: len(candidate)]
        evidence_by_slice[name] = _slice_evidence([model[name] for model in models], columns, clusters)
    return evidence_by_slice


def interval_in_range(figure: Resampled | None, level: float, low: float = -1.0) -> Interval | None:
    """Two-sided interval cut to what AP (`low` = 0) or a gain (-1) can be; None if nothing was drawn."""
    if figure is None or not len(figure.draws):
        return None
    return figure.interval(level, least=low, most=1.0)


def _slice_evidence(models: list[Matches], draws: NDArray[np.float64], clusters: NDArray[np.int64]) -> SliceEvidence:
    """Evidence of one slice; the columns of `draws` (r, 1 or 2) are those of `models`."""
    effective = effective_clusters(models[0], clusters)
    each = [Resampled.of(average_precision(m), draws[:, k], effective) for k, m in enumerate(models)]
    people, images = int(models[0].persons.sum()), int(np.count_nonzero(models[0].persons))
    if len(each) == 1:
        return SliceEvidence(people, images, each[0], None, None)
    gain = Resampled.of(each[0].value - each[1].value, draws[:, 0] - draws[:, 1], effective)
    return SliceEvidence(people, images, each[0], each[1], gain)
