"""How often the bootstrap interval of a difference in AP holds the true difference: simulated, by number of clusters.

Each trial draws a test set and two models (`simulation.py`), computes the interval as the gate does, and checks
whether it holds the difference on an infinite set. The plain percentile interval is checked as well, and the interval
that takes each image for a cluster of its own where the clusters are not known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from scipy import stats

from dataengine.errors import ParamsError
from dataengine.evaluation.analysis.bootstrap import draw_ap, effective_clusters
from dataengine.evaluation.analysis.resampled import Resampled
from dataengine.evaluation.analysis.simulation import SimulatedSet, simulated_pair, true_gain
from dataengine.evaluation.ap.matching import Matches, average_precision
from dataengine.files import atomic_path
from dataengine.parallel.parallel_map import parallel_map
from dataengine.terminal.folders import out_file_option
from dataengine.terminal.options import Cluster, seed_option
from dataengine.terminal.speech import say

LEVEL = 0.95
TRIALS_AT_ONCE = 50  # trials that a worker takes at a time
GAIN = 0.15  # logits of OKS, about 3.5 AP

CORRELATIONS = (0.2, 0.5)  # within a cluster; the simulation's usual one is 0.03
SETS: tuple[SimulatedSet, ...] = (
    *(SimulatedSet(clusters, gain=gain) for clusters in (5, 10, 20, 50, 100, 300, 1000) for gain in (0.0, GAIN)),
    *(SimulatedSet(clusters, 5, gain=gain) for clusters in (5, 10, 20, 50, 200) for gain in (0.0, GAIN)),
    *(SimulatedSet(clusters, 5, is_uneven=True) for clusters in (5, 10, 20, 50, 200)),
    *(
        SimulatedSet(clusters, 5, group_correlation=inside)
        for inside in CORRELATIONS
        for clusters in (5, 10, 20, 50, 200)
    ),
)


@dataclass(frozen=True)
class Trials:
    """Some trials on one kind of test set."""

    test: SimulatedSet
    truth: float
    """The true difference in AP."""
    seed: int
    first: int
    """Number of the first trial."""
    count: int
    resamples: int


@dataclass(frozen=True)
class Coverage:
    """What the intervals did on one kind of test set."""

    test: SimulatedSet
    truth: float
    trials: int
    effective: float
    """Mean effective number of clusters."""
    above: int
    """Trials whose interval lies above the truth."""
    below: int
    width: float
    """Mean width of the interval, AP 0..1."""
    percentile_missed: int
    """Trials whose plain percentile interval misses the truth."""
    by_image_missed: int
    """Trials whose interval by single images misses it."""

    @property
    def share(self) -> float:
        """Share of the trials whose interval holds the truth."""
        return 1 - (self.above + self.below) / self.trials


def command(
    out: Annotated[Path, out_file_option(help="Markdown file for the table.")],
    trials: Annotated[int, typer.Option(help="Simulated pairs of models for each kind of test set.")] = 1000,
    resamples: Annotated[int, typer.Option(help="Resamples of each interval.")] = 2000,
    seed: Annotated[int, seed_option(help="Seed of all random draws.")] = 0,
    workers: Annotated[int, typer.Option(help="Processes; 0 for one per core.")] = 0,
    cluster: Cluster = None,
) -> None:
    """Measure how often the 95 % interval of a gain in AP holds the true gain, for few and for many clusters.

    Each row of the table is a kind of test set: a number of independent clusters, the images in each, and two
    correlated models, equal or one 3.5 AP better. The same seed gives the same table.

    Example: dataengine simulate-coverage --out docs/results/coverage.md
    """
    if trials < 1 or resamples < 100:
        raise ParamsError("too few trials or resamples", expected="1 or more trials of 100 or more resamples")
    rows = simulate_coverage(
        SETS, trials=trials, resamples=resamples, seed=seed, workers=workers or None, cluster=cluster
    )
    line = f"dataengine simulate-coverage --out {out} --trials {trials} --resamples {resamples} --seed {seed}"
    with atomic_path(out) as path:
        path.write_text(table(rows, line), encoding="utf-8")
    say(f"wrote {out}")


def simulate_coverage(
    tests: Sequence[SimulatedSet],
    *,
    trials: int,
    resamples: int,
    seed: int,
    workers: int | None = None,
    cluster: str | None = None,
) -> list[Coverage]:
    """Coverage on each kind of test set, from trials with seeds of their own."""
    jobs = []
    for test in tests:
        truth = true_gain(test, seed)
        jobs += [
            Trials(
                test=test,
                truth=truth,
                seed=seed,
                first=first,
                count=min(TRIALS_AT_ONCE, trials - first),
                resamples=resamples,
            )
            for first in range(0, trials, TRIALS_AT_ONCE)
        ]
    outcomes = parallel_map(run_trials, jobs, description=f"x{TRIALS_AT_ONCE} trials", workers=workers, cluster=cluster)
    return [_coverage(test, jobs, outcomes) for test in tests]


def run_trials(job: Trials) -> NDArray[np.float64]:
    """(trials, 7): lower and upper bound, those of the plain percentile interval and by images, effective clusters."""
    rows = []
    for trial in range(job.first, job.first + job.count):
        test = job.test
        kind = [test.clusters, test.images_per_cluster, int(test.is_uneven), round(test.gain * 1000)]
        rng = np.random.default_rng([job.seed, *kind, round(test.group_correlation * 1000), trial])
        first, second, clusters = simulated_pair(test, rng)
        known = _gain(first, second, clusters, job.resamples, rng)
        interval = known.interval(LEVEL)
        plain = np.quantile(known.draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        if len(clusters) == test.clusters:
            by_image = interval
        else:
            by_image = _gain(first, second, np.arange(len(clusters)), job.resamples, rng).interval(LEVEL)
        rows.append([interval.low, interval.high, *plain, by_image.low, by_image.high, known.clusters])
    return np.array(rows)


def table(rows: Sequence[Coverage], line: str) -> str:
    """The page: the command, the table, what it shows."""
    lines = [
        "# Coverage of the 95 % interval of a gain in AP",
        "",
        f"    {line}",
        "",
        f"{rows[0].trials:,} simulated pairs of correlated models for each row (how they are drawn:",
        "`dataengine/evaluation/analysis/simulation.py`). Gains and the mean width of the intervals are in AP",
        "times 100; a true gain that is not 0 by design is that on 400,000 images. In brackets: the 95 %",
        "interval of the share itself (Wilson). Effective: the number of clusters of equal size that tell as",
        "much. In a cluster: correlation of two of its people in the difference of the models' logits of OKS.",
        "Plain: coverage of the percentile interval without the correction for few clusters. By images: coverage",
        "where nobody knows the clusters and each image is taken for one.",
        "",
        "| clusters | images in each | in a cluster | effective | true gain | coverage | truth below / above | width "
        "| plain | by images |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        sure = stats.binomtest(round(row.share * row.trials), row.trials).proportion_ci(method="wilson")
        size = f"1 to {2 * row.test.images_per_cluster - 1}" if row.test.is_uneven else f"{row.test.images_per_cluster}"
        lines.append(
            f"| {row.test.clusters} | {size} | {row.test.group_correlation:g} | {row.effective:.1f} "
            f"| {100 * row.truth:+.2f} "
            f"| {row.share:.1%} ({sure.low:.1%} to {sure.high:.1%}) | {row.above} / {row.below} "
            f"| {100 * row.width:.1f} | {1 - row.percentile_missed / row.trials:.1%} "
            f"| {1 - row.by_image_missed / row.trials:.1%} |"
        )
    return "\n".join(lines) + "\n"


def _coverage(test: SimulatedSet, jobs: Sequence[Trials], outcomes: Sequence[NDArray[np.float64]]) -> Coverage:
    mine = [(job, outcome) for job, outcome in zip(jobs, outcomes, strict=True) if job.test == test]
    truth = mine[0][0].truth
    low, high, plain_low, plain_high, image_low, image_high, effective = np.concatenate(
        [outcome for _, outcome in mine]
    ).T
    return Coverage(
        test=test,
        truth=truth,
        trials=len(low),
        effective=float(effective.mean()),
        above=int(np.count_nonzero(low > truth)),
        below=int(np.count_nonzero(high < truth)),
        width=float((high - low).mean()),
        percentile_missed=int(np.count_nonzero((plain_low > truth) | (plain_high < truth))),
        by_image_missed=int(np.count_nonzero((image_low > truth) | (image_high < truth))),
    )


def _gain(
    first: Matches, second: Matches, clusters: NDArray[np.int64], resamples: int, rng: np.random.Generator
) -> Resampled:
    draws = draw_ap([first, second], clusters, resamples=resamples, rng=rng, threads=1)
    value = average_precision(first) - average_precision(second)
    return Resampled.of(value, draws[:, 0] - draws[:, 1], effective_clusters(first, clusters))
