"""What a fitting stage is given: people to learn from and to validate on; and a fingerprint of it all.

Pictures that are held out are refused (`refuse_learning`); those that are learnt from are recorded (`learnt_pictures`).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from dataengine.coco_json import read_project_people
from dataengine.crops.spec import CropSpec
from dataengine.errors import InputError
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.files import sha256_file
from dataengine.inference.held_crops import HeldCrops
from dataengine.keypoints import UNLABELLED
from dataengine.leakage.leaks import refuse_held_out
from dataengine.nets.learnt_pictures import read_learnt_pictures
from dataengine.people import Images, People

from .learnt_from.reading import MIX_PEOPLE, MIX_RECIPE, read_training_set
from .learnt_from.training_set import TrainingSet, drawn_images
from .params import FitParams
from .start import crop_spec

ABSENT = "absent"  # instead of the hash of a file that is missing


@dataclass(frozen=True, eq=False)
class ValidationSet:
    """Labelled people for every validation; their crops are cut only once if memory allows."""

    people: People
    images: Images
    crops: HeldCrops
    protocol: OksProtocol = COCO
    """How answers are scored."""


@dataclass(frozen=True, eq=False)
class GivenData:
    """What a fit on a mix learns from and is validated on."""

    training: TrainingSet
    validation: ValidationSet
    files: tuple[Path, ...]
    """The label files read, for the fingerprint."""


def read_given(
    params: FitParams,
    mix: Path,
    val: Path,
    *,
    held_out: Path | None = None,
    protocol: OksProtocol = COCO,
    pseudo: Path | None = None,
    pseudo_per_real: float = 0.0,
) -> GivenData:
    """What a fit with `params` is given by the folder `mix`, the file `pseudo`, and `val`, whose people validate.

    Raises:
        InputError: as `read_training_set`, `refuse_learning` and `labelled_people` have it.
    """
    training = read_training_set(mix, pseudo, pseudo_per_real, params.replay, params.only, params.curriculum)
    refuse_learning(held_out, training)
    validation = read_validation_set(val, crop_spec(params), protocol)
    return GivenData(training, validation, (*files_of(mix, params), *([pseudo] if pseudo else []), val))


def read_validation_set(path: Path, spec: CropSpec, protocol: OksProtocol = COCO) -> ValidationSet:
    """The people of `path` and their crops, to be scored by `protocol`. InputError as `labelled_people` has it."""
    people, images = labelled_people(path)
    return ValidationSet(people, images, HeldCrops.of(people, images, spec), protocol)


def labelled_people(path: Path) -> tuple[People, Images]:
    """The people of `path`, who are to validate. A file without people, or without a label, is an `InputError`."""
    people, images = read_project_people(path)
    if not len(people):
        raise InputError(f"{path} has no people to validate on", fix="ingest more data, or give val a larger share")
    if not (people.visibility > UNLABELLED).any():
        raise InputError(f"{path} has no labelled joint to validate by", fix="name people with labels")
    return people, images


def files_of(mix: Path, params: FitParams) -> list[Path]:
    """Label files behind the training set and the old test set, for the fingerprint."""
    folders = [mix, *([Path(params.replay.mix)] if params.replay.mix else [])]
    old_test = [Path(params.old_test)] if params.old_test else []
    return [folder / name for folder in folders for name in (MIX_PEOPLE, MIX_RECIPE)] + old_test


def refuse_shared_images(held_out: Images, training: Images, name: str) -> None:
    """Raise `InputError` if a picture is in both sets: one that is learned from cannot measure."""
    training_hashes = {sha256_file(Path(str(path))) for path in np.unique(training.path)}
    shared_paths = [str(path) for path in np.unique(held_out.path) if sha256_file(Path(str(path))) in training_hashes]
    if shared_paths:
        raise InputError(
            f"{name} shares {len(shared_paths)} pictures with the training people",
            expected="none",
            got=shared_paths[0],
            fix="leave them out of the training set or of replay.mix",
        )


def refuse_learning(held_out: Path | None, training: TrainingSet) -> None:
    """Raise `InputError` if a picture that is drawn, or replayed, is one that the file `held_out` names."""
    images = drawn_images(training)
    rendered = np.isin(images.id, training.people.image_id[training.people.source == "synthetic"])
    refuse_held_out(held_out, images, "the training set", rendered=rendered)


def learnt_pictures(
    training: TrainingSet,
    picture_sha256: Mapping[str, str],
    origin: Path | None,
    unlabelled: Images | None = None,
) -> frozenset[str] | None:
    """SHA-256 of the pictures drawn, of those `unlabelled`, and of those that the network in the folder `origin` knows.

    None where it is not known what that network has learnt from. `picture_sha256` is by path.
    """
    earlier = read_learnt_pictures(origin) if origin else frozenset[str]()
    if earlier is None:
        return None
    paths = drawn_images(training).path.tolist() + (unlabelled.path.tolist() if unlabelled is not None else [])
    return earlier | {picture_sha256[str(path)] for path in paths}


def picture_hashes(*tables: Images) -> dict[str, str]:
    """SHA-256 of every picture's file by its path, in the order of paths; `ABSENT` where the file is missing."""
    return {path: _file_hash(Path(path)) for path in sorted({str(path) for table in tables for path in table.path})}


def fingerprint(
    params: FitParams,
    content_sha256: Mapping[str, str],
    files: Iterable[Path],
    processes: int = 1,
    protocol: OksProtocol = COCO,
) -> str:
    """SHA-256 over all that decides the result: params, label files, pixels, sigmas, PyTorch's version, `processes`.

    A fit resumes only from a state with the same fingerprint. `content_sha256` is, by name, of the training and the
    validation pictures and of whatever else is read that has no path of its own.
    """
    # the loader's params change only the speed
    deciding_params = {name: value for name, value in asdict(params).items() if name != "loader"}
    facts = [deciding_params, protocol.sigmas_name, str(torch.__version__), processes]
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for path, sha256 in [*((path, _file_hash(path)) for path in files), *content_sha256.items()]:
        digest.update(f"{path} {sha256}\n".encode())
    return digest.hexdigest()


def _file_hash(path: Path) -> str:
    return sha256_file(path) if path.exists() else ABSENT
