"""Section `serve.shadow` of params.yaml."""

from dataclasses import dataclass

from dataengine.errors import ParamsError


@dataclass(frozen=True)
class ShadowParams:
    """Which answers the candidate is asked about as well, and what is kept of those that differ."""

    share: float = 1.0
    """Share of the requests, drawn by their order."""
    differ_below: float = 0.75
    """The answers differ where the OKS between them is below this."""
    least_confidence: float = 0.3
    """A joint counts where champion or candidate is this sure of it."""
    queue_mb: float = 128.0
    """Size of the pictures that wait for the candidate; more are dropped, and counted."""
    most_per_minute: float = 30.0
    """People kept in a minute; more are counted alone."""
    most_mb: float = 500.0
    """Size of the kept pictures; then nothing more is kept until the folder is emptied."""
    duplicate_bits: int = 6
    """The perceptual hash of a picture must differ from all that are kept in this many of its 64 bits."""
    margin: float = 0.5
    """What is kept around the person, as a share of the box's sides."""
    blur_faces: bool = False
    """Blur the head in what is kept; BlazePose then no longer finds the people in it."""

    def __post_init__(self) -> None:
        for name in ("share", "differ_below", "least_confidence"):
            if not 0 <= getattr(self, name) <= 1:
                raise ParamsError(f"shadow.{name}", expected="0 to 1", got=str(getattr(self, name)))
        for name in ("queue_mb", "most_per_minute", "most_mb", "margin"):
            if not 0 <= getattr(self, name) < 1e6:
                raise ParamsError(f"shadow.{name}", expected="0 or more", got=str(getattr(self, name)))
        if not 0 <= self.duplicate_bits <= 64:
            raise ParamsError("shadow.duplicate_bits", expected="0 to 64", got=str(self.duplicate_bits))
