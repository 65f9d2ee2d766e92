"""What a fitting stage reads: the mix, pseudo-labels beside it, the validation people, and a fingerprint of it all."""

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

from .params import FitParams, ReplayParams

MIX_PEOPLE, MIX_RECIPE = "train.json", "recipe.json"
NO_REPLAY = ReplayParams()


@dataclass(frozen=True, eq=False)
class Mix:
    """Sources and repeat factors of n people, and the recipe by which epochs are drawn from them."""

    source: NDArray[np.str_]  # (n,)
    repeat_factor: NDArray[np.float64]  # (n,), 1 for all that is not real
    recipe: MixRecipe

    def draw(self, epoch: int) -> NDArray[np.int64]:
        """Rows of one draw."""
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
        """Rows to visit in `epoch`, which draws the mix `draws` times, and old people beside it.

        With `people` an epoch is the next so many of the endless row of draws, in place of whole ones: fits on sets of
        any size see equally many.
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
    """Labelled people, whom every validation looks at; their crops are cut once where memory allows."""

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
    """The mix of folder `mix`, with the people of `pseudo` beside it at `pseudo_per_real`, and the old mix `replay`.

    `only` takes the place of what the mix says of sources.
    """
    people, images, chosen = _read_mix(mix)
    if pseudo is not None and (pseudo_per_real > 0 or only == "pseudo"):
        more, more_images = read_project_people(pseudo)
        people, images = joined([(people, images), (more, more_images)])
        factor = np.concatenate([chosen.repeat_factor, np.ones(len(more))])
        chosen = Mix(people.source, factor, replace(chosen.recipe, pseudo_per_real=pseudo_per_real))
    if only is not None:
        chosen = replace(chosen, recipe=replace(chosen.recipe, only=only))
    if replay.mix is None:
        return TrainingSet(people, images, chosen)
    old_people, old_images, old = _read_mix(Path(replay.mix))
    return TrainingSet(*joined([(people, images), (old_people, old_images)]), chosen, old, replay.share)


def _read_mix(mix: Path) -> tuple[People, Images, Mix]:
    """What the stage mix wrote into a folder."""
    people, images = read_project_people(mix / MIX_PEOPLE)
    given = people.extras.get("repeat_factor")
    if given is None:
        raise InputError(f"{mix / MIX_PEOPLE} has no repeat factors", fix="run `dataengine mix`")
    factor = np.array([1.0 if value is None else float(value) for value in given])
    return people, images, Mix(people.source, factor, read_recipe(mix / MIX_RECIPE).without_pseudo())


def read_validation_set(path: Path, spec: CropSpec) -> ValidationSet:
    """The people of `path` and their crops. None at all is an `InputError`."""
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
    """A picture that is learned from cannot measure: `InputError` where a content is in both."""
    known = {sha256_file(Path(str(path))) for path in np.unique(training.path)}
    shared = [str(path) for path in np.unique(held_out.path) if sha256_file(Path(str(path))) in known]
    if shared:
        raise InputError(
            f"{name} shares {len(shared)} pictures with the training people",
            expected="none",
            got=shared[0],
            fix="leave them out of the training set or of replay.mix",
        )


def fingerprint(
    params: FitParams, training: TrainingSet, validation: ValidationSet, files: Iterable[Path], processes: int = 1
) -> str:
    """SHA-256 over all that decides the result: parameters, label files, pixels, PyTorch's version, `processes`.

    A resume state is taken up only where this is the same.
    """
    told = {name: value for name, value in asdict(params).items() if name != "loader"}  # changes speed alone
    digest = hashlib.sha256(json.dumps([told, str(torch.__version__), processes], sort_keys=True).encode())
    pictures = sorted({*map(str, training.images.path), *map(str, validation.images.path)})
    for path in [*files, *map(Path, pictures)]:
        digest.update(f"{path} {sha256_file(path) if path.exists() else 'absent'}\n".encode())
    return digest.hexdigest()
