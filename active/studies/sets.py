"""The people of a study: those whose labels it hides and reveals, validation people, and test people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.coco_json import read_project_people
from dataengine.errors import InputError
from dataengine.files import sha256_file, short_sha256
from dataengine.labelled_set import set_sha256
from dataengine.leakage.leaks import refuse_held_out
from dataengine.people import Images, People

from ..query.reading import read_labelled


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """People in images; every image shows somebody and has a key, so that copies of one file count as one."""

    people: People  # with the column `sha256` of their picture
    images: Images
    keys: NDArray[np.str_]  # (m,) of each image: its file's short hash

    def of(self, keys: Iterable[str]) -> LabelledImages:
        """The images with these keys, in the order of the table."""
        rows = np.flatnonzero(np.isin(self.keys, list(keys)))
        images = self.images.take(rows)
        return LabelledImages(self.people.take(np.isin(self.people.image_id, images.id)), images, self.keys[rows])

    @cached_property
    def sha256(self) -> str:
        """Hash of pictures and labels."""
        return set_sha256(self.people, self.images, self.keys.tolist())


@dataclass(frozen=True, eq=False)
class StudySets:
    """All people of a study."""

    pool: LabelledImages
    """Whose labels are hidden until a rule asks for them."""
    val: LabelledImages
    """For the fits, and for what scores are worth."""
    test: LabelledImages
    """On whom all is measured; no fit and no rule sees them."""

    def order(self, seed: int) -> list[str]:
        """The keys of the pool in the random order of a seed: first its start set, then who may be chosen first."""
        keys = np.unique(self.pool.keys)
        return [str(key) for key in np.random.default_rng([seed, 0]).permutation(keys)]


def read_sets(labelled: Path, val: Path, test: Path, val_images: int, held_out: Path | None) -> StudySets:
    """The real people of `labelled` and `val`, and all of `test`.

    Of validation the `val_images` images with the lowest hashes are taken, 0 for all.

    Raises:
        InputError: a file is damaged, or a picture of one is in another, or `held_out` names one of the pool.
    """
    pool, judged, tested = _hidden(labelled), _hidden(val), _as_it_is(test)
    if val_images:
        judged = judged.of(np.unique(judged.keys)[:val_images])
    for (name, one), (other_name, other) in (
        ((str(labelled), pool), (str(test), tested)),
        ((str(labelled), pool), (str(val), judged)),
        ((str(val), judged), (str(test), tested)),
    ):
        shared = len(np.intersect1d(one.keys, other.keys))
        if shared:
            raise InputError(f"{name} and {other_name} share pictures", expected="none", got=str(shared))
    refuse_held_out(held_out, pool.images, labelled)
    return StudySets(pool, judged, tested)


def _hidden(path: Path) -> LabelledImages:
    known = read_labelled({"labelled": path})
    by_image = dict(zip(known.people.image_id.tolist(), known.people.extras["sha256"].tolist(), strict=True))
    keys = [short_sha256(str(by_image[image])) for image in known.images.id.tolist()]
    return LabelledImages(known.people, known.images, np.array(keys, dtype="<U64"))


def _as_it_is(path: Path) -> LabelledImages:
    """With all its columns, of which some decide what counts in AP."""
    people, images = read_project_people(path)
    if not len(people):
        raise InputError(f"{path} has no people to measure on", fix="ingest more data, or give test a larger share")
    keys = [short_sha256(sha256_file(Path(name))) for name in images.path.tolist()]
    return LabelledImages(people, images, np.array(keys, dtype="<U64"))
