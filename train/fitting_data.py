"""What a fitting stage reads: the mix, pseudo-labels beside it, the validation people, and a fingerprint of it all."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dataengine.coco_json import read_people
from dataengine.crops.pixels import crop_people
from dataengine.crops.spec import CropSpec
from dataengine.errors import InputError
from dataengine.files import sha256_file
from dataengine.mixing import MixRecipe, draw_epoch, read_recipe
from dataengine.people import Images, People

from .fitting_params import FitParams

MIX_PEOPLE, MIX_RECIPE = "train.json", "recipe.json"


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """The people to learn from and how an epoch is drawn from them."""

    people: People
    images: Images
    repeat_factor: NDArray[np.float64]  # (n,), 1 for all that is not real
    recipe: MixRecipe

    def order(self, epoch: int, draws: int) -> NDArray[np.int64]:
        """Rows to visit in `epoch`, which draws the mix `draws` times."""
        parts = [
            draw_epoch(self.people.source, self.repeat_factor, self.recipe, epoch * draws + i) for i in range(draws)
        ]
        return np.concatenate(parts)


@dataclass(frozen=True, eq=False)
class ValidationSet:
    """Labelled people with their crops, which every validation looks at."""

    people: People
    images: Images
    crops_bgr: NDArray[np.uint8]  # (n, H, W, 3)
    matrices: NDArray[np.float64]  # (n, 2, 3)


def read_training_set(mix: Path, pseudo: Path | None, pseudo_per_real: float) -> TrainingSet:
    """The mix of folder `mix`, with the people of `pseudo` beside it at `pseudo_per_real`."""
    people, images = read_people(mix / MIX_PEOPLE, root=Path.cwd())
    given = people.extras.get("repeat_factor")
    if given is None:
        raise InputError(f"{mix / MIX_PEOPLE} has no repeat factors", mend="run `dataengine mix`")
    factor = np.array([1.0 if value is None else float(value) for value in given])
    recipe = read_recipe(mix / MIX_RECIPE).without_pseudo()
    if pseudo is not None and pseudo_per_real > 0:
        more, more_images = read_people(pseudo, root=Path.cwd())
        people, images = _joined(people, images, more, more_images)
        factor = np.concatenate([factor, np.ones(len(more))])
        recipe = MixRecipe(recipe.synthetic_per_real, pseudo_per_real, recipe.seed)
    return TrainingSet(people, images, factor, recipe)


def _joined(people: People, images: Images, more: People, more_images: Images) -> tuple[People, Images]:
    """Both tables as one; the second's image ids are moved past the first's."""
    offset = int(images.id.max(initial=0)) + 1 - int(more_images.id.min(initial=0))
    moved = more_images.replace(id=more_images.id + offset)
    return People.concat([people, more.replace(image_id=more.image_id + offset)]), Images.concat([images, moved])


def read_validation_set(path: Path, spec: CropSpec) -> ValidationSet:
    """The people of `path` and their crops. None at all is an `InputError`."""
    people, images = read_people(path, root=Path.cwd())
    if not len(people):
        raise InputError(f"{path} has no people to validate on", mend="ingest more data, or give val a larger share")
    return ValidationSet(people, images, *crop_people(people, images, spec))


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
