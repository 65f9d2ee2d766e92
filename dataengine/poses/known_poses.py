"""The poses that the training people show, and how far from all of them another pose is: rarity, and what is novel.

The distance of a pose is that to the nearest pose of a training person. How far is far is measured on the training
people themselves: each one's distance from the others, where those of the same video within some frames do not count,
since they show the same moment again. Rarity is the share of training people who are nearer to the others than that; a
pose beyond the `NOVEL`-th share of them is novel: nothing like it was there to learn from.

    known = read_known_poses(Path("data/balance/poses.json"))
    distance = known.distance(keypoints_px, visibility)  # (n,), NaN for people without a pose
    rarity, novel = known.rarity(distance), known.is_novel(distance)

A training person asked about this way finds itself, at distance 0; `balance` writes down its rarity among the others.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.files import read_json, short_sha256, write_json
from dataengine.poses.embedding import BONES, embed_poses, vectors_of_bones

NOVEL = 0.99  # rarity from which a pose is novel: all but one in a hundred training people are nearer to the others
RANKS = np.linspace(0.0, 1.0, 101)  # shares of the training people whose distances are kept
_SCALE = 1000  # bones are kept in thousandths of a stature: finer than labels are
_FORMAT = "known-poses-1"
_FIX = "rerun `dataengine balance`"
_CELLS = 2**22  # distances that are held at a time


@dataclass(frozen=True, eq=False, kw_only=True)
class KnownPoses:
    """m poses of training people, and how far training people are from each other."""

    bones: NDArray[np.float64]  # (m, len(BONES), 2) as `pose_bones` gives them
    spacing: NDArray[np.float64]  # (len(RANKS),) distances of training people from the others, ascending

    def __post_init__(self) -> None:
        shaped = self.bones.shape[1:] == (len(BONES), 2) and self.spacing.shape == RANKS.shape
        if not shaped or not len(self.bones) or not (np.isfinite(self.bones).all() and np.isfinite(self.spacing).all()):
            expected = f"(poses, {len(BONES)}, 2) and {len(RANKS)} finite numbers"
            got = f"{self.bones.shape} and {self.spacing.shape}"
            raise InputError("known poses are malformed", expected=expected, got=got, fix=_FIX)
        if (self.spacing < 0).any() or (np.diff(self.spacing) < 0).any():
            raise InputError("known poses are malformed", expected="distances that ascend from 0 or more", fix=_FIX)

    @cached_property
    def vectors(self) -> NDArray[np.float64]:
        """The poses (m, DIMENSIONS) in the space of `embed_poses`."""
        return vectors_of_bones(self.bones)

    @property
    def radius(self) -> float:
        """The distance beyond which a pose is novel, in the unit of `embed_poses`."""
        return float(np.interp(NOVEL, RANKS, self.spacing))

    @property
    def id(self) -> str:
        """Hash of the poses and distances."""
        content = np.concatenate([_whole(self.bones).ravel(), self.spacing.round(6).view(np.int64)])
        return short_sha256(hashlib.sha256(content.astype("<i8").tobytes()).hexdigest())

    def distance(
        self, keypoints_px: NDArray[np.floating[Any]], visibility: NDArray[np.integer[Any]]
    ) -> NDArray[np.float64]:
        """Distance (n,) of keypoints (n, 17, 2) with COCO flags (n, 17) from the nearest pose; NaN for no pose."""
        return self.distance_of_vectors(*embed_poses(keypoints_px, visibility))

    def distance_of_vectors(self, vectors: NDArray[np.floating[Any]], usable: NDArray[np.bool_]) -> NDArray[np.float64]:
        """`distance` for people who are embedded already, as `embed_poses` does it."""
        return np.where(usable, nearest_distance(vectors, self.vectors), np.nan)

    def rarity(self, distance: NDArray[np.float64]) -> NDArray[np.float64]:
        """How rare poses at those distances (n,) are, 0 to 1; 0 for NaN, since nothing is known of them.

        Up to the radius r: the share of training people who are nearer to the others, in proportion to the distance
        where that is less than a hundredth. Beyond r the share is 1 for all; there rarity is
        1 - (1 - NOVEL) r / distance instead. So it rises with the distance everywhere.
        """
        within = np.interp(distance, np.append(0.0, self.spacing[1:]), RANKS)
        with np.errstate(divide="ignore", invalid="ignore"):
            beyond = 1 - (1 - NOVEL) * self.radius / distance
        return np.nan_to_num(np.where(distance > self.radius, beyond, np.minimum(within, NOVEL)))

    def is_novel(self, distance: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which poses at those distances (n,) are novel; none at NaN."""
        return distance > self.radius


def nearest_distance(
    vectors: NDArray[np.floating[Any]],
    known: NDArray[np.floating[Any]],
    strike_out: Callable[[NDArray[np.int64], NDArray[np.floating[Any]]], None] | None = None,
) -> NDArray[np.float64]:
    """Euclidean distance (n,) of vectors (n, d) from the nearest of `known` (m, d); infinity where all are struck out.

    `strike_out`, given rows (r,) of `vectors` and a table (r, m), sets to infinity what does not count.
    """
    squared = np.empty(len(vectors))
    own, turned = (known**2).sum(axis=1), -2 * known.T
    chunk = max(1, _CELLS // max(len(known), 1))
    for start in range(0, len(vectors), chunk):
        rows = np.arange(start, min(start + chunk, len(vectors)))
        beyond = vectors[rows] @ turned  # |x - c|^2 = |x|^2 + this
        beyond += own
        if strike_out is not None:
            strike_out(rows, beyond)
        squared[rows] = beyond.min(axis=1) + (vectors[rows] ** 2).sum(axis=1)
    return np.sqrt(np.maximum(squared, 0.0))


def write_known_poses(path: Path, known: KnownPoses) -> None:
    """Store as JSON."""
    bones = _whole(known.bones).reshape(len(known.bones), -1).tolist()
    write_json(path, {"format": _FORMAT, "id": known.id, "spacing": known.spacing.round(6).tolist(), "bones": bones})


def read_known_poses(path: Path) -> KnownPoses:
    """Load what `write_known_poses` wrote; anything else, or a file that was changed, is an `InputError`."""
    document = read_json(path)
    try:
        if document["format"] != _FORMAT:
            raise ValueError(f"format {document['format']!r}")
        bones = np.array(document["bones"], dtype=np.int64).reshape(-1, len(BONES), 2) / _SCALE
        known = KnownPoses(bones=bones, spacing=np.array(document["spacing"], dtype=np.float64))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        got = f"missing key {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{path} is not a file of known poses", expected=_FORMAT, got=got, fix=_FIX) from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    if document.get("id") != known.id:
        got = f"id {document.get('id')!r}"
        raise InputError(f"{path} was changed after it was written", expected=f"id {known.id}", got=got, fix=_FIX)
    return known


def frozen_name(known: KnownPoses) -> str:
    """The file name under which `dataengine freeze-clusters` keeps poses for later rounds."""
    return f"poses-{known.id}.json"


def read_frozen_poses(path: Path) -> KnownPoses:
    """`read_known_poses` for a file that must be named by its content, so that no change of it goes unnoticed."""
    known = read_known_poses(path)
    if path.name != frozen_name(known):
        fix = "use `dataengine freeze-clusters`"
        raise InputError(f"{path} is not named by its poses", expected=frozen_name(known), fix=fix)
    return known


def rounded_bones(bones: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bones as they come back from a file."""
    return _whole(bones) / _SCALE


def _whole(bones: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.rint(bones * _SCALE).astype(np.int64)
