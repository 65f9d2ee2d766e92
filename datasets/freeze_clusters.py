"""Command `freeze-clusters`: keep this round's pose clusters for later rounds.

The file is named by its centres, so that a change of its content is a change of `balance.frozen` in params.yaml, which
the stage depends on. It holds no people and no pictures; keep it in git.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.poses.clusters import read_pose_clusters, write_pose_clusters
from dataengine.terminal.speech import say

from .long_tail.balance_file import CLUSTERS_NAME


def command(
    balance: Annotated[Path, typer.Option(help="Folder that balance wrote.")],
    out: Annotated[Path, typer.Option(help="Folder that collects frozen clusters; keep it in git.")],
) -> None:
    """Keep the clusters that balance fitted in OUT/<hash of the centres>.json, and say which param to set.

    With balance.frozen set to that file, later rounds look new people up in the same clusters instead of fitting
    others: a slice by cluster then compares like with like. To replace them by new clusters, set balance.frozen to "",
    run `dvc repro balance`, and freeze again.

    Example: dataengine freeze-clusters --balance data/balance --out data/pose_clusters
    """
    say(f"frozen; next, set in params.yaml: balance.frozen: {run(balance=balance, out=out).as_posix()}")


def run(*, balance: Path, out: Path) -> Path:
    """Freeze and return the file written. Raises InputError when `balance` holds no clusters."""
    clusters = read_pose_clusters(balance / CLUSTERS_NAME)
    path = out / f"{clusters.id}.json"
    write_pose_clusters(path, clusters)
    return path


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
