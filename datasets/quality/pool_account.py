"""What became of the frames that were read for the pool, for metrics, quality.json and the page."""

from dataclasses import asdict, dataclass
from typing import Any, get_args

from dataengine.leakage.leaks import LeakKind

UNREADABLE = "unreadable"


@dataclass(frozen=True)
class LeftOut:
    """A frame that may not be in the pool."""

    file: str
    kind: str
    """A kind of leak, or `UNREADABLE`."""
    reason: str


@dataclass(frozen=True)
class FilmAccount:
    """What became of the frames of a film."""

    file: str
    name: str
    """By its content; its frames' `video`."""
    decoded: int
    lost: int
    """Could not be decoded: damaged or cut off."""
    damaged: int
    """Decoded, but in part made up by the decoder; never sampled."""
    sampled: int
    """Chosen by the sampling, before any is left out."""


@dataclass(frozen=True)
class PoolAccount:
    """What became of the frames that were read for the pool."""

    kept: int
    left_out: tuple[LeftOut, ...]
    films: tuple[FilmAccount, ...] = ()

    def counts(self) -> dict[str, int]:
        """Number of frames left out, by the reason."""
        return {kind: sum(frame.kind == kind for frame in self.left_out) for kind in (*get_args(LeakKind), UNREADABLE)}

    def document(self) -> dict[str, Any]:
        """For quality.json and the page."""
        return {
            "kept": self.kept,
            "left_out": self.counts(),
            "frames": [asdict(frame) for frame in self.left_out],
            "films": self.film_records(),
        }

    def film_records(self) -> list[dict[str, Any]]:
        """For metrics and quality.json."""
        return [asdict(film) for film in self.films]
