"""What a fitting stage reads: the mix, pseudo-labels, the validation people; and a fingerprint of it all.

Pictures that are held out are refused (`refuse_learning`); those that are learnt from are recorded (`learnt_pictures`).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dataengine.coco_json import read_project_people
from dataengine.crops.spec import CropSpec
from dataengine.errors import InputError
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.files import sha256_file
from dataengine.inference.held_crops import HeldCrops
from dataengine.keypoints import UNLABELLED
from dataengine.labelled_set import joined
from dataengine.labels.kept_pictures import PICTURE_SHA256, refuse_changed_under
from dataengine.leakage.leaks import refuse_held_out
from dataengine.mixing import read_recipe
from dataengine.nets.learnt_pictures import read_learnt_pictures
from dataengine.people import Images, People, Source
from dataengine.terminal.speech import say

from .curriculum import Phase
from .params import FitParams, ReplayParams
from .training_set import Mix, TrainingSet, drawn_images

MIX_PEOPLE, MIX_RECIPE = "train.json", "recipe.json"
REPEAT, POSE_REPEATS = "repeat_factor", "pose_repeats"  # columns of the mix
ABSENT = "absent"  # instead of the hash of a file that is missing
NO_REPLAY = ReplayParams()


@dataclass(frozen=True, eq=False)
class ValidationSet:
    """Labelled people for every validation; their crops are cut only once if memory allows."""

    people: People
    images: Images
    crops: HeldCrops
    protocol: OksProtocol = COCO
    """How answers are scored."""


def read_training_set(
    mix: Path,
    pseudo: Path | None,
    pseudo_per_real: float,
    replay: ReplayParams = NO_REPLAY,
    only: Source | None = None,
    curriculum: tuple[Phase, ...] = (),
) -> TrainingSet:
    """The mix in folder `mix`, the people of `pseudo` at `pseudo_per_real`, and the old mix of `replay`.

    Pseudo-labels of pictures that are in the mix, by path or by content, are left out: there somebody has labelled whom
    they saw, or confirmed that nobody is there. A picture of the mix that is not the one that was labelled is an
    `InputError`. Where no pseudo-labels are left the mix alone is drawn; with `only` "pseudo" the first draw is
    an `InputError`. `only` overrides what the mix says about sources, and the phases of `curriculum` override both.
    """
    people, images, new_mix = _read_mix(mix)
    pseudo_rows = slice(0)
    if pseudo is not None and (pseudo_per_real > 0 or only == "pseudo" or any(p.draws_pseudo for p in curriculum)):
        more, more_images = read_project_people(pseudo)
        more = more.take(~shows_any(people, images, more_images)[more_images.rows_of(more.image_id)])
        pseudo_rows = slice(len(images), len(images) + len(more_images))
        people, images = joined([(people, images), (more, more_images)])
        factor = np.concatenate([new_mix.repeat_factor, np.ones(len(more))])
        if not len(more):
            say(f"{pseudo} has nobody: the fit goes on without pseudo-labels")
            curriculum = tuple(phase.without_pseudo() for phase in curriculum)
        ratio = pseudo_per_real if len(more) else 0.0
        repeats = pose_repeats(people.replace(extras={**people.extras, REPEAT: factor}))
        new_mix = Mix(people.source, factor, replace(new_mix.recipe, pseudo_per_real=ratio), repeats)
    if only is not None:
        new_mix = replace(new_mix, recipe=replace(new_mix.recipe, only=only))
    old_mix = None
    if replay.mix is not None:
        old_people, old_images, old_mix = _read_mix(Path(replay.mix))
        people, images = joined([(people, images), (old_people, old_images)])
    return TrainingSet(
        people,
        images,
        new_mix,
        replayed=old_mix,
        replay_share=replay.share if old_mix else 0.0,
        curriculum=curriculum,
        pseudo_images=images.id[pseudo_rows],
    )


def shows_any(people: People, known: Images, images: Images) -> NDArray[np.bool_]:
    """Which of `images` (m,) are files that `known` names, too, or copies of those in which nobody was seen or labelled
    by hand: labels have copies of their own of the pool's pictures."""
    files = {Path(path).resolve() for path in known.path.tolist()}
    by_hand = {str(sha256) for sha256 in people.extras.get(PICTURE_SHA256, []) if sha256}
    empty = known.path[~np.isin(known.id, people.image_id)].tolist()
    by_hand |= {_file_hash(Path(path)) for path in empty} - {ABSENT}
    shown = [
        Path(path).resolve() in files or (bool(by_hand) and _file_hash(Path(path)) in by_hand)
        for path in images.path.tolist()
    ]
    return np.array(shown, dtype=bool)


def _read_mix(mix: Path) -> tuple[People, Images, Mix]:
    """What the stage mix wrote into a folder."""
    people, images = read_project_people(mix / MIX_PEOPLE)
    refuse_changed_under(people, images, mix / MIX_PEOPLE)
    repeat_factors: Any = people.extras.get(REPEAT, None if len(people) else [])  # a file of nobody has no columns
    if repeat_factors is None:
        raise InputError(f"{mix / MIX_PEOPLE} has no repeat factors", fix="run `dataengine mix`")
    factor = np.array([1.0 if value is None else float(value) for value in repeat_factors])
    recipe = read_recipe(mix / MIX_RECIPE).without_pseudo()
    repeats = pose_repeats(people.replace(extras={**people.extras, REPEAT: factor}))
    return people, images, Mix(people.source, factor, recipe, repeats)


def pose_repeats(people: People) -> NDArray[np.float64]:
    """The repeat factor (n,) of each person's pose: the mix's column, or their own where it says nothing."""
    own = people.extras[REPEAT]
    column = people.extras.get(POSE_REPEATS, np.full(len(people), None))
    return np.array([float(own[i] or 1.0) if value is None else float(value) for i, value in enumerate(column)])


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
