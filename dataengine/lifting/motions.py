"""People who move in space, as an .npz file: what `draw-motions` writes and a lifter is fitted on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.files import DAMAGED_ZIP, atomic_path
from dataengine.people import JOINTS

SUFFIX = ".npz"
FARTHEST_M = 100_000  # from where the world begins; beyond, 32 bits hold no body


@dataclass(frozen=True, eq=False)
class Motions:
    """m people, each over some frames. World: metres, z up; a person stands on z = 0."""

    names: tuple[str, ...]
    """(m,) what each does."""
    joints_m: NDArray[np.float32]
    """(frames of all, 17, 3) in the order of `names`."""
    first: NDArray[np.int64]
    """(m + 1,) rows at which each begins, and the end."""
    fps: float

    def __post_init__(self) -> None:
        ends = self.first
        fits = ends.ndim == 1 and len(ends) == len(self.names) + 1 and ends[0] == 0 and (np.diff(ends) > 0).all()
        if not fits or ends[-1] != len(self.joints_m) or not len(self.names):
            raise InputError("motions are malformed", expected="a motion or more, each of a frame or more")
        if self.joints_m.shape[1:] != (JOINTS, 3) or not (np.abs(self.joints_m) <= FARTHEST_M).all():
            expected = f"joints (frames, 17, 3) in metres, none further than {FARTHEST_M} m away"
            raise InputError("motions are malformed", expected=expected)
        if not 0 < self.fps < 10_000:
            raise InputError("motions are malformed", expected="frames a second above 0", got=str(self.fps))

    def __len__(self) -> int:
        return len(self.names)

    def at(self, motion: NDArray[np.int64], time_s: NDArray[np.float64]) -> NDArray[np.float32]:
        """Joints (n, f, 17, 3) of n motions at times (n, f) of their own, linear between frames.

        Before its first and after its last frame a person stands still, as tracks are padded when they are lifted.
        """
        first, last = self.first[motion][:, None], self.first[motion + 1][:, None] - 1
        place = np.clip(time_s * self.fps, 0, last - first)
        below = np.minimum(place.astype(np.int64), np.maximum(last - first - 1, 0))
        share = (place - below)[..., None, None].astype(np.float32)
        start, end = self.joints_m[first + below], self.joints_m[np.minimum(first + below + 1, last)]
        return start + share * (end - start)

    def seconds(self) -> NDArray[np.float64]:
        """Length (m,) of each."""
        return (np.diff(self.first) - 1) / self.fps


def motions_of(names: Sequence[str], joints_m: Sequence[NDArray[np.floating]], fps: float) -> Motions:
    """Motions one after the other, each (f, 17, 3)."""
    first = np.concatenate([[0], np.cumsum([len(each) for each in joints_m])]).astype(np.int64)
    return Motions(tuple(names), np.concatenate(joints_m).astype(np.float32), first, fps)


def write_motions(path: Path, motions: Motions) -> None:
    """Write an .npz, atomically."""
    with atomic_path(path) as partial, partial.open("wb") as file:
        np.savez_compressed(
            file,
            names=np.array(motions.names, dtype=str),
            joints_m=motions.joints_m,
            first=motions.first,
            fps=np.float64(motions.fps),
        )


def read_motions_file(path: Path) -> Motions:
    """Inverse of `write_motions`. InputError where the file is missing, damaged or another kind."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return Motions(
                tuple(str(name) for name in arrays["names"]),
                arrays["joints_m"].astype(np.float32),
                arrays["first"].astype(np.int64),
                float(arrays["fps"]),
            )
    except InputError as error:
        raise InputError(f"{path}: {error.what}", expected=error.expected, got=error.got, fix=error.fix) from error
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist", fix="make it with `dataengine draw-motions`") from error
    except (*DAMAGED_ZIP, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} has no motions", expected="a file of `draw-motions`", got=str(error)[:200]) from error
