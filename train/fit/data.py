"""What a fitting stage reads: the mix, pseudo-labels, the validation people; and a fingerprint of it all."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dataengine.coco_json import read_project_people
from dataengine.crops.spec import CropSpec
from dataengine.errors import InputError
from dataengine.files import sha256_file
from dataengine.inference.held_crops import HeldCrops
from dataengine.labelled_set import joined
from dataengine.mixing import MixRecipe, draw_epoch, endless_row, read_recipe, with_replay
from dataengine.people import Images, People, Source
from dataengine.terminal.speech import say

from .params import FitParams, ReplayParams

MIX_PEOPLE, MIX_RECIPE = "train.json", "recipe.json"
NO_REPLAY = ReplayParams()


@dataclass(frozen=True, eq=False)
class Mix:
    """Sources and repeat factors of n people, and the recipe by which epochs are drawn from them."""

    source: NDArray[np.str_]  # (n,)
    repeat_factor: NDArray[np.float64]  # (n,), 1 for people who are not real
    recipe: MixRecipe

    def draw(self, epoch: int) -> NDArray[np.int64]:
        """Rows of draw number `epoch`."""
        return draw_epoch(self.source, self.repeat_factor, self.recipe, epoch)


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """The people to learn from and how an epoch is drawn from them: the mix's first, then those that are replayed."""

    people: People
    images: Images
    mix: Mix
    replayed: Mix | None = None
    replay_share: float = 0.0

    def order(self, epoch: int, draws: int, people: int | None = None) -> NDArray[np.int64]:
        """Rows to visit in `epoch`, which draws the mix `draws` times and adds its share of old people.

        With `people`, an epoch is the next `people` rows of the endless sequence of draws instead of whole draws, so
        that fits on sets of any size see the same number of people.
        """
        if people is None:
            new = np.concatenate([self.mix.draw(epoch * draws + i) for i in range(draws)])
        else:
            new = endless_row(self.mix.draw, len(self.mix.draw(0)), epoch * people, people)
        if self.replayed is None:
            return new
        old, first = self.replayed, len(self.mix.source)
        return with_replay(new, lambda e: first + old.draw(e), self.replay_share, self.mix.recipe.seed, epoch)


@dataclass(frozen=True, eq=False)
class ValidationSet:
    """Labelled people for every validation; their crops are cut only once if memory allows."""

    people: People
    images: Images
    crops: HeldCrops


def read_training_set(
    mix: Path,
    pseudo: Path | None,
    pseudo_per_real: float,
    replay: ReplayParams = NO_REPLAY,
    only: Source | None = None,
) -> TrainingSet:
    """The mix in folder `mix`, the people of `pseudo` at `pseudo_per_real`, and the old mix of `replay`.

    Where there are no pseudo-labels the mix alone is drawn; with `only` "pseudo" the first draw is an `InputError`.
    `only` overrides what the mix says about sources.
    """
    people, images, new_mix = _read_mix(mix)
    if pseudo is not None and (pseudo_per_real > 0 or only == "pseudo"):
        more, more_images = read_project_people(pseudo)
        people, images = joined([(people, images), (more, more_images)])
        factor = np.concatenate([new_mix.repeat_factor, np.ones(len(more))])
        if not len(more):
            say(f"{pseudo} has nobody: the fit goes on without pseudo-labels")
        ratio = pseudo_per_real if len(more) else 0.0
        new_mix = Mix(people.source, factor, replace(new_mix.recipe, pseudo_per_real=ratio))
    if only is not None:
        new_mix = replace(new_mix, recipe=replace(new_mix.recipe, only=only))
    if replay.mix is None:
        return TrainingSet(people, images, new_mix)
    old_people, old_images, old_mix = _read_mix(Path(replay.mix))
    people, images = joined([(people, images), (old_people, old_images)])
    return TrainingSet(people, images, new_mix, replayed=old_mix, replay_share=replay.share)


def _read_mix(mix: Path) -> tuple[People, Images, Mix]:
    """What the stage mix wrote into a folder."""
    people, images = read_project_people(mix / MIX_PEOPLE)
    repeat_factors = people.extras.get("repeat_factor")
    if repeat_factors is None:
        raise InputError(f"{mix / MIX_PEOPLE} has no repeat factors", fix="run `dataengine mix`")
    factor = np.array([1.0 if value is None else float(value) for value in repeat_factors])
    return people, images, Mix(people.source, factor, read_recipe(mix / MIX_RECIPE).without_pseudo())


def read_validation_set(path: Path, spec: CropSpec) -> ValidationSet:
    """The people of `path` and their crops. A file without people is an `InputError`."""
    people, images = read_project_people(path)
    if not len(people):
        raise InputError(f"{path} has no people to validate on", fix="ingest more data, or give val a larger share")
    return ValidationSet(people, images, HeldCrops.of(people, images, spec))


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


def fingerprint(
    params: FitParams, training: TrainingSet, validation: ValidationSet, files: Iterable[Path], processes: int = 1
) -> str:
    """SHA-256 over all that decides the result: params, label files, pixels, PyTorch's version, `processes`.

    A fit resumes only from a state with the same fingerprint.
    """
    # the loader's params change only the speed
    deciding_params = {name: value for name, value in asdict(params).items() if name != "loader"}
    digest = hashlib.sha256(json.dumps([deciding_params, str(torch.__version__), processes], sort_keys=True).encode())
    pictures = sorted({*map(str, training.images.path), *map(str, validation.images.path)})
    for path in [*files, *map(Path, pictures)]:
        digest.update(f"{path} {sha256_file(path) if path.exists() else 'absent'}\n".encode())
    return digest.hexdigest()
