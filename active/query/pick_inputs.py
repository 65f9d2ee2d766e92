"""What picking starts from, kept on disk: so that another rule, budget or weight can be tried without a network.

`OUT/pick_inputs.npz` of `select`, next to `scored.json`, whose people are the first rows here. Arrays lie in the file
uncompressed: the same inputs give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.files import DAMAGED_ZIP

PICK_INPUTS = "pick_inputs.npz"
_EXPECTED = "expected."


@dataclass(frozen=True, eq=False, kw_only=True)
class PickInputs:
    """What is kept of the scored people (n) and, after them, the labelled ones (m)."""

    pose: NDArray[np.float64]  # (n + m, p), the pose's part of the embedding
    appearance: NDArray[np.float32]  # (n + m, a), the student's features
    shown_elsewhere: NDArray[np.bool_]  # (images,) of the scored images: another picture shows the same
    expected: Mapping[str, NDArray[np.float64]]
    """Score -> OKS (n, 17) that it expects to be lost, NaN where it says nothing; empty where that was not learnt."""
    joints: int
    """That are labelled of a person."""
    seconds_per_joint: float
    """What a joint takes an annotator."""

    def write(self, path: Path) -> None:
        """Write the file."""
        arrays: dict[str, NDArray[Any]] = {
            "pose": self.pose,
            "appearance": self.appearance,
            "shown_elsewhere": self.shown_elsewhere,
            "labelling": np.array([self.joints, self.seconds_per_joint], dtype=np.float64),
            **{f"{_EXPECTED}{name}": values for name, values in self.expected.items()},
        }
        with path.open("wb") as opened:
            np.savez(opened, **arrays)  # type: ignore[arg-type]  # numpy's stub takes the names for options

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file.

        Raises:
            InputError: it is missing or damaged.
        """
        fix = "run `dataengine select` again"
        try:
            with np.load(path, allow_pickle=False) as arrays:
                joints, seconds = arrays["labelling"].tolist()
                return cls(
                    pose=arrays["pose"],
                    appearance=arrays["appearance"],
                    shown_elsewhere=arrays["shown_elsewhere"],
                    expected={
                        name.removeprefix(_EXPECTED): arrays[name] for name in arrays if name.startswith(_EXPECTED)
                    },
                    joints=int(joints),
                    seconds_per_joint=float(seconds),
                )
        except FileNotFoundError as error:
            raise InputError(f"{path} does not exist", fix=fix) from error
        except (*DAMAGED_ZIP, KeyError) as error:
            got = " ".join(str(error).split())[:200]
            raise InputError(f"{path} does not hold what picking starts from", got=got, fix=fix) from error
