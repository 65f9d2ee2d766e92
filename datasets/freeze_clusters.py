"""Command `freeze-clusters`: keep this round's pose clusters, and the poses it knows, for later rounds.

The files are named by their content, so that a change of it is a change of `balance.frozen` or `render.known_poses` in
params.yaml, which the stages depend on. They hold no pictures, and no more of people than bones; keep them in git.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.poses.clusters import read_pose_clusters, write_pose_clusters
from dataengine.poses.known_poses import frozen_name, write_known_poses
from dataengine.poses.training_poses import read_training_poses
from dataengine.terminal.folders import folder_option, out_folder_option
from dataengine.terminal.speech import say


def command(
    balance: Annotated[Path, folder_option(help="Folder that balance wrote.")],
    out: Annotated[Path, out_folder_option(help="Folder that collects frozen files; keep it in git.")],
) -> None:
    """Keep what balance found for later rounds, and say which params to set.

    OUT/<hash of the centres>.json holds the clusters. With balance.frozen set to it, later rounds look new people up in
    the same clusters instead of fitting others: a slice by cluster then compares like with like. To replace them by new
    ones, set balance.frozen to "", run `dvc repro balance`, and freeze again.

    OUT/poses-<hash>.json holds the poses of the training people. With render.known_poses set to it, render draws the
    poses and views that are rare among them. Set it to a newer one when the training set has come to show more, and the
    images are made again; until then they stay as they are, whatever else changes in the real data.

    Example: dataengine freeze-clusters --balance data/balance --out data/pose_clusters
    """
    clusters, poses = run(balance=balance, out=out)
    say(
        f"frozen; next, set in params.yaml: balance.frozen: {clusters.as_posix()},"
        f" and to render what is rare now, render.known_poses: {poses.as_posix()}"
    )


def run(*, balance: Path, out: Path) -> tuple[Path, Path]:
    """Freeze and return the files of clusters and of poses. Raises InputError when `balance` does not hold them."""
    found = read_training_poses(balance)
    clusters, poses = out / f"{found.clusters.id}.json", out / frozen_name(found.known)
    write_pose_clusters(clusters, found.clusters)
    write_known_poses(poses, found.known)
    return clusters, poses


def read_frozen(path: Path) -> NDArray[np.float64]:
    """The frozen centres (k, d); the counts in the file are those of another round's people and are not read.

    Raises:
        InputError: the file is damaged, or not named by its content, so that a change could go unnoticed.
    """
    clusters = read_pose_clusters(path)
    if path.stem != clusters.id:
        raise InputError(
            f"{path} is not named by its clusters",
            expected=f"{clusters.id}.json",
            fix="use `dataengine freeze-clusters`",
        )
    return clusters.centres
