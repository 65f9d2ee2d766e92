"""Stage `balance`: which poses the real training set has, and how often its rare ones are to be repeated.

Clusters are fitted on the training people alone and frozen with every person's repeat factor; `mix` takes both over.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from dataengine.coco_json import read_people
from dataengine.errors import InputError, ParamsError
from dataengine.files import fresh_folder, sha256_file, write_json
from dataengine.params import load_section

from .clusters import UNCLUSTERED, assign, fit_clusters, medoids
from .clusters_file import Balance, write_balance
from .repeat_factors import effective_number, repeat_factors

SECTION = "balance"
BALANCE_NAME, METRICS_NAME, PICTURE_NAME = "balance.json", "metrics.json", "clusters.png"


@dataclass(frozen=True, kw_only=True)
class BalanceParams:
    """Section `balance` of params.yaml."""

    clusters: int
    """Groups of poses to make."""
    threshold: float
    """Share of all people below which a cluster is rare and repeated, t of the LVIS rule."""
    max_repeat: float
    """Most that a person is drawn per epoch."""
    seed: int
    """Of k-means' starts."""

    def __post_init__(self) -> None:
        if self.clusters < 1:
            raise ParamsError("params balance.clusters", expected="1 or more", got=str(self.clusters))
        if not 0 <= self.threshold <= 1:
            raise ParamsError("params balance.threshold", expected="a share, 0 to 1", got=str(self.threshold))
        if not 1 <= self.max_repeat < np.inf:
            raise ParamsError("params balance.max_repeat", expected="1 or more", got=str(self.max_repeat))


def command(
    train: Annotated[Path, typer.Option(help="COCO JSON of the real training people.")],
    out: Annotated[Path, typer.Option(help="Folder for balance.json.")],
    report: Annotated[Path, typer.Option(help="Folder for clusters.png and metrics.json.")],
    params: Annotated[Path, typer.Option(help="Parameters; this stage reads the section balance.")] = Path(
        "params.yaml"
    ),
) -> None:
    """Cluster the training set's poses and give the rare ones repeat factors.

    A pose counts the same wherever, however large and in whichever mirror image it is seen. A cluster with a share f
    of all people below balance.threshold t is drawn sqrt(t / f) times as often, up to balance.max_repeat.

    Example: dataengine balance --train data/ingest/train.json --out data/balance --report reports/balance
    """
    run(load_section(params, SECTION, BalanceParams), train=train, out=out, report=report)


def run(params: BalanceParams, *, train: Path, out: Path, report: Path) -> dict[str, Any]:
    """Cluster, freeze, draw the picture, and return the metrics.

    Raises:
        InputError: nobody in `train` shows a pose, a person there is not real, or the file or an image is damaged.
    """
    from .clusters_picture import write_clusters_picture

    people, images = read_people(train, root=Path.cwd())
    if (people.source != "real").any():
        raise InputError(
            f"{train} has people who are not real", expected="source real", mend="give ingest's train.json"
        )
    clusters = fit_clusters(people, params.clusters, params.seed)
    cluster = assign(people, clusters)
    counts = np.bincount(cluster[cluster != UNCLUSTERED], minlength=len(clusters.centres))
    factors = repeat_factors(counts, params.threshold, params.max_repeat)
    balance = Balance(
        clusters=clusters,
        cluster_repeat_factor=factors,
        train_sha256=sha256_file(train),
        image_id=people.image_id,
        cluster=cluster,
        repeat_factor=np.where(cluster == UNCLUSTERED, 1.0, factors[cluster]),
        params=asdict(params),
    )
    metrics = figures(counts, factors, len(people), params.threshold)
    with fresh_folder(report) as report_folder, fresh_folder(out) as out_folder:
        write_balance(out_folder / BALANCE_NAME, balance)
        write_json(report_folder / METRICS_NAME, metrics)
        middle = medoids(people, clusters)
        write_clusters_picture(report_folder / PICTURE_NAME, counts, factors, middle, people, images, params.threshold)
    typer.echo(
        f"balance: {len(counts)} pose clusters, {metrics['rare_clusters']} rare, in {out / BALANCE_NAME}", err=True
    )
    return metrics


def figures(counts: NDArray[np.int64], factors: NDArray[np.float64], people: int, threshold: float) -> dict[str, Any]:
    """How uneven the clusters (k,) are, as they come and as they are drawn. The tail is all that is repeated."""
    share = counts / counts.sum()
    drawn = counts * factors
    tail = share < threshold
    return {
        "people": people,
        "unclustered": int(people - counts.sum()),
        "clusters": len(counts),
        "rare_clusters": int(tail.sum()),
        "largest_share": round(float(share.max()), 4),
        "largest_repeat_factor": round(float(factors.max()), 4),
        "tail_share_before": round(float(share[tail].sum()), 4),
        "tail_share_after": round(float(drawn[tail].sum() / drawn.sum()), 4),
        "effective_clusters_before": round(effective_number(counts), 4),
        "effective_clusters_after": round(effective_number(drawn), 4),
    }
