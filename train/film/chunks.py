"""What is known of a few frames of a film: who is where, and what the teachers say of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..pseudo.filters import Opinion

COLUMNS = ("frame", "time_s", "size_px", "at", "boxes_xywh_px", "track_id")
OPINION_FIELDS = ("keypoints_px", "confidence", "flip_distance_px")


@dataclass(frozen=True, eq=False)
class Chunk:
    """m frames with n people in them."""

    frame: NDArray[np.int64]  # (m,) index in the film
    time_s: NDArray[np.float64]  # (m,)
    size_px: NDArray[np.int64]  # (m, 2) width and height
    at: NDArray[np.int64]  # (n,) which of the m frames
    boxes_xywh_px: NDArray[np.float64]  # (n, 4)
    track_id: NDArray[np.int64]  # (n,)
    opinions: tuple[Opinion, ...]  # of the n people

    def arrays(self, prefix: str) -> dict[str, NDArray]:
        """All of it by name, for a file."""
        own = {f"{prefix}{name}": getattr(self, name) for name in COLUMNS}
        of_opinions = {
            f"{prefix}{name}_{number}": getattr(opinion, name)
            for number, opinion in enumerate(self.opinions)
            for name in OPINION_FIELDS
        }
        return own | of_opinions

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray], prefix: str, teachers: int) -> "Chunk":
        """The inverse of `arrays`; KeyError where something is missing."""
        opinions = tuple(
            Opinion(*(arrays[f"{prefix}{name}_{number}"] for name in OPINION_FIELDS)) for number in range(teachers)
        )
        columns: dict[str, Any] = {name: arrays[f"{prefix}{name}"] for name in COLUMNS}
        return cls(**columns, opinions=opinions)


def joined_chunks(chunks: Sequence[Chunk]) -> Chunk:
    """Chunks that follow each other as one."""
    starts = np.cumsum([0, *(len(chunk.frame) for chunk in chunks)])
    at = np.concatenate([chunk.at + start for chunk, start in zip(chunks, starts[:-1], strict=True)])
    opinions = tuple(
        Opinion(*(np.concatenate([getattr(c.opinions[k], name) for c in chunks]) for name in OPINION_FIELDS))
        for k in range(len(chunks[0].opinions))
    )
    return Chunk(
        np.concatenate([chunk.frame for chunk in chunks]),
        np.concatenate([chunk.time_s for chunk in chunks]),
        np.concatenate([chunk.size_px for chunk in chunks]),
        at,
        np.concatenate([chunk.boxes_xywh_px for chunk in chunks]),
        np.concatenate([chunk.track_id for chunk in chunks]),
        opinions,
    )
