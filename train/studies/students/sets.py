"""The people of the study: some pictures keep their labels, of the others only the boxes are left."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dataengine.coco_json import read_project_people
from dataengine.errors import InputError
from dataengine.files import sha256_file
from dataengine.keypoints import UNLABELLED
from dataengine.people import Images, People
from dataengine.studies.settings import json_hash
from dataengine.studies.shared_pictures import picture_hashes, refuse_shared_pictures

Labelled = tuple[People, Images]


@dataclass(frozen=True, eq=False)
class StudentSets:
    """Training pictures, validation and test people."""

    train: Labelled
    val: Labelled
    test: Labelled
    sha256: str
    """Hash of labels and pictures: with another one trials are others."""

    def split(self, labels: int, seed: int) -> tuple[Labelled, Labelled]:
        """`labels` training pictures drawn by `seed`, a part of those drawn for more labels; and all others."""
        people, images = self.train
        order = np.random.default_rng([seed, 0]).permutation(len(images))
        return _of(people, images.take(np.sort(order[:labels]))), _of(people, images.take(np.sort(order[labels:])))


def read_student_sets(train: Path, val: Path, test: Path, most_labels: int, *, all_labels: bool = False) -> StudentSets:
    """The real people of `train` and everybody of the other files.

    With `all_labels` no picture of `train` has to be left without its labels.

    Raises:
        InputError: a set is too small, or shares a picture with another.
    """
    sets = {}
    for name, path in (("train", train), ("val", val), ("test", test)):
        people, images = read_project_people(path)
        people = people.take(people.source == "real") if name == "train" else people
        if not len(people):
            raise InputError(f"{path} has no people", fix="name a file of ingest: train.json, val.json, test.json")
        if name != "train" and not (people.visibility > UNLABELLED).any():
            raise InputError(f"{path} has no labelled joint to measure by", fix="name people with labels")
        sets[name] = _of(people, images.take(np.isin(images.id, people.image_id)))
    if all_labels and len(sets["train"][1]) < most_labels:
        got = f"{len(sets['train'][1])} with people"
        raise InputError("--labels is more than there are", expected=f"{most_labels} pictures", got=got)
    if not all_labels and len(sets["train"][1]) <= most_labels:
        got = f"{len(sets['train'][1])} with people"
        raise InputError("--labels leaves no picture without labels", expected=f"over {most_labels} pictures", got=got)
    names = {"train": "--labelled", "val": "--val", "test": "--test"}
    refuse_shared_pictures({names[name]: images for name, (_, images) in sets.items()})
    labels = [sha256_file(path) for path in (train, val, test)]
    pictures = [picture_hashes(images) for _, images in sets.values()]
    return StudentSets(**sets, sha256=json_hash([labels, pictures]))


def without_labels(people: People) -> People:
    """The boxes alone."""
    return people.replace(
        keypoints_px=np.zeros_like(people.keypoints_px), visibility=np.zeros_like(people.visibility), extras={}
    )


def _of(people: People, images: Images) -> Labelled:
    return people.take(np.isin(people.image_id, images.id)), images
