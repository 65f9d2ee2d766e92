"""The frozen result of the stage balance on disk: clusters, and every training person's cluster and repeat factor."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.files import read_json, write_json
from dataengine.people import People

from .clusters import PoseClusters

_FORMAT = "pose-clusters-1"


@dataclass(frozen=True, eq=False, kw_only=True)
class Balance:
    """What was decided about the training people, n of them in k clusters."""

    clusters: PoseClusters
    cluster_repeat_factor: NDArray[np.float64]  # (k,)
    train_sha256: str  # of the file of training people that all this is about
    image_id: NDArray[np.int64]  # (n,)
    cluster: NDArray[np.int64]  # (n,), UNCLUSTERED for none
    repeat_factor: NDArray[np.float64]  # (n,)
    params: dict[str, Any]

    def check_made_from(self, train_sha256: str, people: People, where: Path) -> None:
        """Raise InputError unless this was made from the file with that checksum and those people, in that order."""
        same_people = np.array_equal(self.image_id, people.image_id) and len(self.cluster) == len(people)
        if train_sha256 != self.train_sha256 or not same_people:
            raise InputError(
                f"{where} was made from other training people",
                expected=f"sha256 {self.train_sha256[:12]}, {len(self.image_id)} people",
                got=f"sha256 {train_sha256[:12]}, {len(people)} people",
                mend="rerun `dataengine balance` on this training set",
            )


def write_balance(path: Path, balance: Balance) -> None:
    """Store as JSON. The people's annotation ids are those of the training file: 1, 2, ... in its order."""
    sizes = np.bincount(balance.cluster[balance.cluster >= 0], minlength=len(balance.clusters.centres))
    rows = zip(balance.image_id.tolist(), balance.cluster.tolist(), balance.repeat_factor.tolist(), strict=True)
    write_json(
        path,
        {
            "format": _FORMAT,
            "params": balance.params,
            "train_sha256": balance.train_sha256,
            "clusters": [
                {"count": int(count), "repeat_factor": float(factor), "centre": centre.tolist()}
                for count, factor, centre in zip(
                    sizes, balance.cluster_repeat_factor, balance.clusters.centres, strict=True
                )
            ],
            "people": [
                {"annotation_id": place, "image_id": image, "cluster": cluster, "repeat_factor": factor}
                for place, (image, cluster, factor) in enumerate(rows, start=1)
            ],
        },
    )


def read_balance(path: Path) -> Balance:
    """Load what `write_balance` wrote; anything else is an `InputError`."""
    document = read_json(path)
    try:
        if document["format"] != _FORMAT:
            raise ValueError(f"format {document['format']!r}")
        clusters, people = document["clusters"], document["people"]
        return Balance(
            clusters=PoseClusters(np.array([record["centre"] for record in clusters], dtype=np.float64)),
            cluster_repeat_factor=np.array([record["repeat_factor"] for record in clusters], dtype=np.float64),
            train_sha256=str(document["train_sha256"]),
            image_id=np.array([record["image_id"] for record in people], dtype=np.int64),
            cluster=np.array([record["cluster"] for record in people], dtype=np.int64),
            repeat_factor=np.array([record["repeat_factor"] for record in people], dtype=np.float64),
            params=dict(document["params"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        got = f"missing key {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{path} is not a file of pose clusters", expected=_FORMAT, got=got) from error
