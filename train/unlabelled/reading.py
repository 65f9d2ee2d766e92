"""Reads people without labels, and which of them have a pose that is rare among the labelled ones."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.coco_json import read_project_people
from dataengine.errors import InputError
from dataengine.leakage.leaks import refuse_held_out
from dataengine.people import People
from dataengine.poses.clusters import PoseClusters, read_pose_clusters

from ..fit.consistency.params import ConsistencyParams
from ..fit.consistency.people import Unlabelled
from ..fit.learnt_from.reading import shows_any
from ..fit.learnt_from.training_set import TrainingSet

CLUSTERS_NAME, BALANCE_NAME = "clusters.json", "balance.json"  # in the folder of the stage balance


def read_unlabelled(
    params: ConsistencyParams,
    path: Path | None,
    training: TrainingSet,
    *,
    balance: Path | None = None,
    held_out: Path | None = None,
) -> Unlabelled | None:
    """The people of `path` whose pictures nobody has labelled, or found to be empty, in `training`.

    None where `mode` is none.

    Poses in the file, if any, say whose cluster is rare by the folder `balance`, and nothing else.

    Raises:
        InputError: no file is given, nobody is left, `held_out` names a picture, or `balance` is another folder.
    """
    if params.mode == "none":
        return None
    if path is None:
        raise InputError("consistency needs people without labels", fix="name them by --unlabelled, or set mode: none")
    people, images = read_project_people(path)
    labelled = training.people.take(training.people.source != "pseudo")
    known = training.images.take(~np.isin(training.images.id, training.pseudo_images))
    people = people.take(~shows_any(labelled, known, images)[images.rows_of(people.image_id)])
    people = people.take((people.bbox_xywh_px[:, 2:] > 0).all(axis=1))
    if not len(people):
        raise InputError(f"{path} has nobody whose picture is not labelled", fix="set consistency.mode: none")
    images = images.take(np.isin(images.id, people.image_id))
    refuse_held_out(held_out, images, path)
    if balance is not None and not any((balance / name).is_file() for name in (CLUSTERS_NAME, BALANCE_NAME)):
        raise InputError(
            f"--balance {balance} is not a folder of the stage balance", fix="name data/balance, or run it"
        )
    clusters_file = balance / CLUSTERS_NAME if balance is not None else None
    clusters = read_pose_clusters(clusters_file) if clusters_file is not None and clusters_file.is_file() else None
    cutouts = np.where(rare(people, clusters), params.rare_cutouts, params.cutouts).astype(np.float32)
    files = (path, *([clusters_file] if clusters_file is not None else []))
    return Unlabelled(params, people, images, cutouts, files)


def rare(people: People, clusters: PoseClusters | None) -> NDArray[np.bool_]:
    """Which people (n,) have a pose, as far as one is known, that lies in a rare cluster."""
    if clusters is None or not len(people):
        return np.zeros(len(people), dtype=bool)
    return np.asarray(clusters.repeats(clusters.assign(people.keypoints_px, people.visibility)) > 1)
