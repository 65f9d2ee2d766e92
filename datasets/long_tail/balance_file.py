"""The result of the stage `balance` on disk: clusters, known poses, each training person's cluster, rarity, repeats."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.files import read_json, short_sha256, write_json
from dataengine.people import People
from dataengine.poses.clusters import UNCLUSTERED, PoseClusters, write_pose_clusters
from dataengine.poses.known_poses import KnownPoses, write_known_poses
from dataengine.poses.training_poses import CLUSTERS_NAME, POSES_NAME, TrainingPoses, read_training_poses

BALANCE_NAME = "balance.json"
_FORMAT = "balance-3"


@dataclass(frozen=True, eq=False, kw_only=True)
class Balance:
    """What balance decided about the n training people."""

    poses: TrainingPoses
    train_sha256: str  # of the file of training people
    image_id: NDArray[np.int64]  # (n,)
    cluster: NDArray[np.int64]  # (n,), UNCLUSTERED for none
    rarity: NDArray[np.float64]  # (n,) of each person's pose among the others', 0 to 1
    params: dict[str, Any]

    @property
    def clusters(self) -> PoseClusters:
        """The clusters that `cluster` numbers."""
        return self.poses.clusters

    @property
    def known(self) -> KnownPoses:
        """The poses that everybody else's rarity is measured against."""
        return self.poses.known

    @property
    def repeat_factor(self) -> NDArray[np.float64]:
        """How often each person (n,) is drawn in an epoch."""
        return self.clusters.repeats(self.cluster)

    def check_made_from(self, train_sha256: str, people: People, where: Path) -> None:
        """Raise InputError unless this was made from the file with that checksum and those people, in that order."""
        same_people = np.array_equal(self.image_id, people.image_id) and len(self.cluster) == len(people)
        if train_sha256 != self.train_sha256 or not same_people:
            raise InputError(
                f"{where} was made from other training people",
                expected=f"sha256 {short_sha256(self.train_sha256)}, {len(self.image_id)} people",
                got=f"sha256 {short_sha256(train_sha256)}, {len(people)} people",
                fix="rerun `dataengine balance` on this training set",
            )


def write_balance(folder: Path, balance: Balance) -> None:
    """Store as three JSON files. The people's annotation ids are those of the training file: 1, 2, ... in its order."""
    columns = (balance.image_id, balance.cluster, balance.repeat_factor, balance.rarity.round(6))
    names = ("annotation_id", "image_id", "cluster", "repeat_factor", "rarity")
    rows = zip(*(column.tolist() for column in columns), strict=True)
    write_pose_clusters(folder / CLUSTERS_NAME, balance.clusters)
    write_known_poses(folder / POSES_NAME, balance.known)
    write_json(
        folder / BALANCE_NAME,
        {
            "format": _FORMAT,
            "params": balance.params,
            "train_sha256": balance.train_sha256,
            "clusters_id": balance.clusters.id,
            "people": [dict(zip(names, (place, *row), strict=True)) for place, row in enumerate(rows, start=1)],
        },
    )


def read_balance(folder: Path) -> Balance:
    """Load what `write_balance` wrote; anything else is an `InputError`."""
    path = folder / BALANCE_NAME
    document = read_json(path)
    poses = read_training_poses(folder)
    clusters = poses.clusters
    try:
        if document["format"] != _FORMAT:
            raise ValueError(f"format {document['format']!r}")
        if document["clusters_id"] != clusters.id:
            raise ValueError(f"people of other clusters than those of {CLUSTERS_NAME}")
        people = document["people"]
        balance = Balance(
            poses=poses,
            train_sha256=str(document["train_sha256"]),
            image_id=np.array([record["image_id"] for record in people], dtype=np.int64),
            cluster=np.array([record["cluster"] for record in people], dtype=np.int64),
            rarity=np.array([record["rarity"] for record in people], dtype=np.float64),
            params=dict(document["params"]),
        )
        if len(people) and not (UNCLUSTERED <= balance.cluster.min() <= balance.cluster.max() < len(clusters.counts)):
            raise ValueError(f"a cluster outside 0 to {len(clusters.counts) - 1}")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        got = f"missing key {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{path} is not a result of balance", expected=_FORMAT, got=got) from error
    return balance
