"""The people without labels: who they are, in which order they are seen, and how much of each is blotted out."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.mixing import endless_row
from dataengine.people import Images, People

from .params import ConsistencyParams

_STREAM = 11  # of random numbers: no other draw of a fit uses it


@dataclass(frozen=True, eq=False)
class Unlabelled:
    """People of whom only the box counts."""

    params: ConsistencyParams
    people: People
    images: Images
    cutouts: NDArray[np.float32]
    """(n,) joints that are blotted out in each one's strong view."""
    files: tuple[Path, ...]
    """What was read, for the fingerprint."""

    def order(self, seed: int, first: int, count: int) -> NDArray[np.int64]:
        """Rows number `first` to `first + count` of an endless sequence in which everybody comes equally often."""
        n = len(self.people)
        return endless_row(lambda cycle: np.random.default_rng([seed, _STREAM, cycle]).permutation(n), n, first, count)
