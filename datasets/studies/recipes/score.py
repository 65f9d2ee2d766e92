"""How good a fitted network is on test people that no recipe learns from: PCK, OKS AP, AP of rare poses.

The test set is a fixed number of images of the split `test`, those whose content has the lowest hash; a pose is rare by
what `balance` finds among all training people, whatever number of them a run may learn from.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.coco_json import read_people
from dataengine.errors import InputError
from dataengine.evaluation.analysis.slices import slice_matches, slice_of_people
from dataengine.evaluation.ap.matching import average_precision, paired
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.figures import figures_of
from dataengine.files import sha256_file
from dataengine.people import Images, People
from dataengine.poses.training_poses import TrainingPoses
from dataengine.studies.settings import json_hash
from dataengine.terminal.progress import track


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Test people, and the training people that they must not be among."""

    people: People
    images: Images
    rare: NDArray[np.bool_]
    """(n,) whether a person's pose is rare: in a rare cluster, or novel."""
    id: str
    """Hash of the test images."""
    training: frozenset[str]
    """Names of all training images, below the folder of the set."""
    validation_images: int
    protocol: OksProtocol = COCO


@dataclass(frozen=True)
class Score:
    """Figures of one network on the test people, each in 0..1."""

    pck_02: float
    """Share of labelled joints within 0.2 of the torso."""
    oks_ap: float
    rare_ap: float | None
    """OKS AP of the people in rare poses; None where there are none."""


def read_held_out(ingested: Path, poses: TrainingPoses, count: int, protocol: OksProtocol = COCO) -> HeldOut:
    """The `count` test images of lowest hash, from the folder that ingest wrote with all training people.

    Raises:
        InputError: there are fewer, or one of them is a training image.
    """
    people, images = read_people(ingested / "test.json")
    if len(images) < count:
        fix = "lower --test-images, or give test more: --set ingest.split.test_share=..."
        raise InputError("the test split is too small", expected=f"{count} images", got=str(len(images)), fix=fix)
    train, val = (read_people(ingested / f"{split}.json")[1] for split in ("train", "val"))
    keys = _hashes(images)
    images = images.take(np.sort(np.argsort(keys, kind="stable")[:count]))
    people = people.take(np.isin(people.image_id, images.id))
    shared = set(_hashes(images).tolist()) & set(_hashes(train).tolist())
    if shared:
        raise InputError(f"{len(shared)} test images are training images", expected="none")
    rare = poses.look_up(people.keypoints_px, people.visibility).rare
    return HeldOut(
        people,
        images,
        rare,
        json_hash(sorted(keys.tolist())[:count]),
        frozenset(_names(train, ingested)),
        len(val),
        protocol,
    )


def check_training(people: Path, labels: int, held_out: HeldOut) -> int:
    """The number of images in the file of training people of a run.

    Raises:
        InputError: it is not `labels`, or one of them is not among the whole set's training images.
    """
    training_names = _names(read_people(people)[1], people.parent)
    if labels and len(training_names) != labels:
        fix = "lower --labels"
        raise InputError(
            "too few training images with people", expected=str(labels), got=str(len(training_names)), fix=fix
        )
    strange = set(training_names) - held_out.training
    if strange:
        raise InputError("a run learned from an image outside the training split", got=min(strange))
    return len(training_names)


def score_network(checkpoint: Path, held_out: HeldOut) -> Score:
    """The score of the network in a checkpoint folder."""
    from dataengine.inference.running.predict import load_runner, predict_people

    runner, meta = load_runner(checkpoint)
    people, images = held_out.people, held_out.images
    prediction = predict_people(runner, meta, people, images, description="test people")
    predicted = prediction.as_people(people)
    figures = figures_of(people, images, predicted, held_out.protocol)
    return Score(
        pck_02=figures.pck_02,
        oks_ap=figures.ap,
        rare_ap=_rare_ap(held_out, predicted) if held_out.rare.any() else None,
    )


def _rare_ap(held_out: HeldOut, predicted: People) -> float:
    people, images = held_out.people, held_out.images
    part = slice_of_people("rare=yes", held_out.rare, images.rows_of(people.image_id), len(images))
    return average_precision(slice_matches(paired(people, images, predicted, held_out.protocol), images, part))


def _names(images: Images, folder: Path) -> list[str]:
    """Names below the folder of the set, which stay the same wherever it is copied."""
    return [str(Path(path).relative_to(folder)) for path in images.path.tolist()]


def _hashes(images: Images) -> NDArray[np.str_]:
    """Hash of each image's file (m,)."""
    paths = track(images.path.tolist(), "hash images", unit="image") if len(images) > 1000 else images.path.tolist()
    return np.array([sha256_file(Path(path)) for path in paths], dtype="<U64")
