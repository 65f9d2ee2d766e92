"""Stage `balance`: which poses the real training set has, how rare each is, and how often rare ones are repeated.

Clusters are fitted on the training people alone, or taken from a frozen file; with the poses that everybody else is
compared with they are passed on to `mix`, `select`, `compare` and any code that asks `dataengine.poses.training_poses`
where a person's pose stands.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from dataengine.coco_json import read_project_people
from dataengine.errors import InputError, ParamsError
from dataengine.files import fresh_folder, sha256_file, write_json
from dataengine.params import load_section, require_seed
from dataengine.people import Images, People
from dataengine.poses.clusters import UNCLUSTERED, PoseClusters, nearest_centre
from dataengine.poses.embedding import embed_poses
from dataengine.poses.known_poses import RANKS
from dataengine.poses.training_poses import CLUSTERS_NAME, POSES_NAME, TrainingPoses
from dataengine.terminal.folders import replaced_folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import say

from .freeze_clusters import read_frozen
from .long_tail.balance_file import BALANCE_NAME, Balance, write_balance
from .long_tail.clusters import LARGE_POSES, fit_centres, medoids
from .long_tail.known import known_poses
from .long_tail.repeat_factors import effective_number, repeat_factors

SECTION = "balance"
METRICS_NAME, PICTURE_NAME = "metrics.json", "clusters.png"
WRITTEN = frozenset({BALANCE_NAME, CLUSTERS_NAME, POSES_NAME})


@dataclass(frozen=True, kw_only=True)
class BalanceParams:
    """Section `balance` of params.yaml."""

    clusters: int
    """Number of pose clusters to fit; ignored where they are frozen."""
    threshold: float
    """A cluster with a smaller share of all people is rare and repeated, as a multiple of an even share, 1 / clusters.

    At 1 about half of all clusters are rare however even they are, since their shares scatter about 1 / clusters.
    """
    max_repeat: float
    """Largest number of times that a person is drawn per epoch."""
    seed: int
    """Seed of k-means' starts."""
    gap_frames: int = 30
    """People of one video this near in time show one moment: how far training poses are apart is measured without them.

    Half a second at 60 frames per second. Where it is too small, neighbouring frames make the training poses seem
    closer to each other than they are, and all that a new film shows counts as novel.
    """
    frozen: str = ""
    """File of `dataengine freeze-clusters`, whose clusters are used instead of fitting new ones. "": fit."""
    photographs: bool = True
    """Whether the picture shows photographs of the clusters' medoids, or their skeletons alone."""

    def __post_init__(self) -> None:
        if self.clusters < 1:
            raise ParamsError("clusters", expected="1 or more", got=str(self.clusters))
        if not 0 <= self.threshold < np.inf:
            raise ParamsError("threshold", expected="a multiple of an even share, 0 or more", got=str(self.threshold))
        require_seed(self)
        if self.gap_frames < 0:
            raise ParamsError("gap_frames", expected="0 or more", got=str(self.gap_frames))
        if not 1 <= self.max_repeat < np.inf:
            raise ParamsError("max_repeat", expected="1 or more", got=str(self.max_repeat))

    def share_of(self, clusters: int) -> float:
        """The share of all people below which one of `clusters` clusters is rare."""
        return self.threshold / clusters


def command(
    train: Annotated[Path, typer.Option(help="COCO JSON of the real training people.")],
    out: Annotated[
        Path, replaced_folder_option(holds=WRITTEN, help="Folder for balance.json, clusters.json and poses.json.")
    ],
    report: Annotated[
        Path,
        replaced_folder_option(holds={METRICS_NAME, PICTURE_NAME}, help="Folder for clusters.png and metrics.json."),
    ],
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Cluster the training set's poses, measure how rare each is, and give the rare ones repeat factors.

    Needs the real training people that ingest wrote. Writes OUT/clusters.json, OUT/balance.json with every person's
    cluster, repeat factor and rarity, OUT/poses.json, which anybody's rarity is measured against, and
    REPORT/clusters.png, where you see what is rare.

    A pose counts the same wherever in the image it is, however large, and mirrored or not. A cluster whose share f of
    all people is below t, balance.threshold times an even share, is drawn sqrt(t / f) times as often, up to
    balance.max_repeat (repeat factor sampling: Gupta, Dollar and Girshick, "LVIS", CVPR 2019). A pose's rarity is the
    share of training people who are nearer to the others than that pose is to anyone; above 0.99 it is novel. For
    clusters to mean the same in every round, and for `render` to draw what was rare, freeze: `dataengine
    freeze-clusters`.

    Example: dataengine balance --train data/ingest/train.json --out data/balance --report reports/balance
    """
    run(load_section(params, SECTION, BalanceParams), train=train, out=out, report=report)


def run(params: BalanceParams, *, train: Path, out: Path, report: Path) -> dict[str, Any]:
    """Cluster, draw the picture, and return the metrics.

    Raises:
        InputError: nobody in `train` shows a pose, a person there is not real, or a file or an image is damaged.
    """
    from .long_tail.clusters_picture import write_clusters_picture

    people, images = read_project_people(train)
    if (people.source != "real").any():
        raise InputError(f"{train} has people who are not real", expected="source real", fix="give ingest's train.json")
    found = balance_people(people, images, params)
    clusters = found.poses.clusters
    balance = Balance(
        poses=found.poses,
        train_sha256=sha256_file(train),
        image_id=people.image_id,
        cluster=found.cluster,
        rarity=found.poses.known.rarity(found.distance),
        params=asdict(params),
    )
    share = params.share_of(len(clusters.counts))
    metrics = balance_metrics(found, share)
    with fresh_folder(report) as report_folder, fresh_folder(out) as out_folder:
        write_balance(out_folder, balance)
        write_json(report_folder / METRICS_NAME, metrics)
        write_clusters_picture(
            report_folder / PICTURE_NAME,
            clusters,
            medoid=found.medoid,
            people=people,
            images=images if params.photographs else None,
            threshold=share,
        )
    say(
        f"balance: {metrics['clusters']} pose clusters ({clusters.id}), {metrics['rare_clusters']} rare,"
        f" in {out / BALANCE_NAME}"
    )
    return metrics


@dataclass(frozen=True, eq=False, kw_only=True)
class BalancedPeople:
    """What is found about n training people and k clusters."""

    poses: TrainingPoses
    cluster: NDArray[np.int64]  # (n,), UNCLUSTERED for people without a pose
    distance: NDArray[np.float64]  # (n,) from the nearest of the others; NaN where there is none
    medoid: NDArray[np.int64]  # (k,) row of each cluster's medoid; -1 for a frozen cluster without members


def balance_people(people: People, images: Images, params: BalanceParams) -> BalancedPeople:
    """Cluster people, and measure how far they are from each other. InputError where nobody shows a pose."""
    dtype = np.float64 if len(people) <= LARGE_POSES else np.float32  # a million poses: half a gigabyte
    vectors, usable = embed_poses(people.keypoints_px, people.visibility, dtype)
    poses = vectors if usable.all() else vectors[usable]
    centres = read_frozen(Path(params.frozen)) if params.frozen else fit_centres(poses, params.clusters, params.seed)
    nearest, squared = nearest_centre(vectors, centres)
    cluster = np.where(usable, nearest, UNCLUSTERED)
    counts = np.bincount(cluster[usable], minlength=len(centres)).astype(np.int64)
    if not counts.any():
        raise InputError("nobody in the training set shows a pose", fix="check the keypoints that ingest wrote")
    factors = repeat_factors(counts, params.share_of(len(centres)), params.max_repeat)
    clusters = PoseClusters(centres=centres, counts=counts, repeat_factor=factors)
    known, distance = known_poses(people, images, vectors, cluster, params.gap_frames)
    return BalancedPeople(
        poses=TrainingPoses(clusters=clusters, known=known),
        cluster=cluster,
        distance=distance,
        medoid=medoids(cluster, squared, len(centres)),
    )


def balance_metrics(found: BalancedPeople, threshold: float) -> dict[str, Any]:
    """How uneven the clusters are, before and after repeating, and how far apart the poses.

    The tail is all clusters whose share is below `threshold`. Distances are in the unit of `embed_poses`.
    """
    people, clusters = len(found.cluster), found.poses.clusters
    counts, factors = clusters.counts, clusters.repeat_factor
    share = counts / counts.sum()
    drawn_people = counts * factors
    tail = share < threshold
    return {
        "people": people,
        "unclustered": int(people - counts.sum()),
        "clusters": len(counts),
        "rare_clusters": int(tail.sum()),
        "largest_share": round(float(share.max()), 4),
        "largest_repeat_factor": round(float(factors.max()), 4),
        "tail_share_before": round(float(share[tail].sum()), 4),
        "tail_share_after": round(float(drawn_people[tail].sum() / drawn_people.sum()), 4),
        "effective_clusters_before": round(effective_number(counts), 4),
        "effective_clusters_after": round(effective_number(drawn_people), 4),
        "distance_median": round(float(np.interp(0.5, RANKS, found.poses.known.spacing)), 4),
        "novel_beyond": round(found.poses.known.radius, 4),
    }
