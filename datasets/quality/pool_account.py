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
class FilmFrames:
    """What became of the frames of one film."""

    film: str
    """Its name in every table, see `sources.frames.film_name`."""
    decoded: int
    lost: int
    """Frames that could not be decoded."""
    damaged: int
    """Decoded frames that rest on lost data; they are not sampled."""
    kept: int
    """Frames in the pool."""
    fault: str
    """Why the file ends early, "" where it does not."""

    def counts(self) -> dict[str, int]:
        """The numbers, for metrics."""
        return {"decoded": self.decoded, "lost": self.lost, "damaged": self.damaged, "kept": self.kept}


@dataclass(frozen=True)
class PoolAccount:
    """What became of the frames that were read for the pool."""

    kept: int
    left_out: tuple[LeftOut, ...]
    films: tuple[FilmFrames, ...] = ()

    def counts(self) -> dict[str, int]:
        """Number of frames left out, by the reason."""
        return {kind: sum(frame.kind == kind for frame in self.left_out) for kind in (*get_args(LeakKind), UNREADABLE)}

    def document(self) -> dict[str, Any]:
        """For quality.json and the page."""
        frames, films = [asdict(frame) for frame in self.left_out], [asdict(film) for film in self.films]
        return {"kept": self.kept, "left_out": self.counts(), "frames": frames, "films": films}
