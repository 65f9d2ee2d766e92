"""The inputs of `select`: labelled and unlabelled people, each with the sha256 of the image they stand in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.coco_json import read_project_people
from dataengine.errors import InputError
from dataengine.files import sha256_file
from dataengine.labelled_set import joined
from dataengine.labels.answered import AnsweredFrames
from dataengine.labels.joint_weights import JOINT_WEIGHT
from dataengine.labels.kept_pictures import refuse_changed_under
from dataengine.labels.label_file import LabelFile
from dataengine.mistakes.suspects import Suspect, current
from dataengine.people import Images, People
from dataengine.person_scale import scale_columns


@dataclass(frozen=True, eq=False)
class Labelled:
    """What people have labelled."""

    people: People  # real ones, with columns `split` and `sha256`, the scale of OKS, how far single joints are trusted
    images: Images  # in which these stand
    answered: AnsweredFrames
    """Every picture that a person has answered, those confirmed to show nobody included."""


def read_labelled(files: Mapping[str, Path], store: Sequence[LabelFile] = ()) -> Labelled:
    """The labelled splits (name -> COCO JSON) as one table; what the label `store` holds beyond them is answered, too.

    Rendered people are left out, so the training index of mix may be given. Images get new ids, since two files may use
    the same ones; columns that other stages added are dropped, but for the scale of OKS and the weights of joints.

    Raises:
        InputError: nobody is labelled, or a file or image is damaged, or is not the one that was labelled.
    """
    parts, answered = [], [(file.images, file.sha256.tolist()) for file in store]
    for split, path in files.items():
        people, images = read_project_people(path)
        answered.append(_confirmed_empty(people, images))
        people = people.take(people.source == "real")
        refuse_changed_under(people, images, path)
        columns = {name: column for name, column in people.extras.items() if name == JOINT_WEIGHT}
        columns |= {"split": np.full(len(people), split), **scale_columns(people)}
        people, images, sha256 = _with_hashes(people.replace(extras=columns), images)
        parts.append((people, images))
        answered.append((images, sha256.tolist()))
    if not any(len(images) for _, images in parts):
        raise InputError("nobody is labelled", expected=f"a person in {' or '.join(map(str, files.values()))}")
    people, images = joined(parts, first_id=0)
    return Labelled(people, images, AnsweredFrames.of(answered))


def with_mistakes(known: Labelled, suspects: Sequence[Suspect]) -> Labelled:
    """`known` with columns `mistake` (what is likely wrong, "" for nothing) and `mistake_probability` of its people."""
    says, chance = np.full(len(known.people), "", dtype=object), np.zeros(len(known.people))
    for suspect, row in current(suspects, known.people, known.images):
        if suspect.probability > chance[row]:
            says[row], chance[row] = suspect.reason, suspect.probability
    people = known.people.with_extra("mistake", np.array(says.tolist(), dtype=str))
    return replace(known, people=people.with_extra("mistake_probability", chance))


def read_unlabelled(path: Path, answered: AnsweredFrames, gap_frames: int) -> tuple[People, Images]:
    """The people in frames that nobody has `answered`, with the column `sha256`; of others' columns the scale is kept.

    A frame of the same film nearer than `gap_frames` that shows the same is answered, too. There may be nobody: the
    pool was empty, or all of it is labelled by now.

    Raises:
        InputError: the file or an image is damaged.
    """
    people, images = read_project_people(path)
    people, images, sha256 = _with_hashes(people.replace(extras=scale_columns(people)), images)
    open_images = images.take(~answered.among(images, sha256, gap_frames=max(gap_frames, 1)))
    return people.take(np.isin(people.image_id, open_images.id)), open_images


def _confirmed_empty(people: People, images: Images) -> tuple[Images, list[str]]:
    """The images without people, and their hashes: somebody looked, and nobody was there."""
    empty = images.take(~np.isin(images.id, people.image_id))
    return empty, [_hash(path) for path in empty.path.tolist()]


def _with_hashes(people: People, images: Images) -> tuple[People, Images, NDArray[np.str_]]:
    """Adds the column `sha256` of each person's image; images without a person are dropped. Also the images' hashes."""
    rows = images.rows_of(people.image_id)
    images = images.take(np.unique(rows))
    hashes = np.array([_hash(path) for path in images.path.tolist()], dtype="<U64")
    return people.with_extra("sha256", hashes[images.rows_of(people.image_id)]), images, hashes


def _hash(path: str) -> str:
    if not Path(path).is_file():
        raise InputError(f"image {path} does not exist", fix="rerun the stage that wrote it; a labelled one: dvc pull")
    return sha256_file(Path(path))
