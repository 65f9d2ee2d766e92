"""Where the files of one image are under the stage's folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

LEFT_OUT = "left_out"
"""Key of the sidecar of an image that was not worth keeping, and so is not there: the reason."""


@dataclass(frozen=True)
class ImagePaths:
    """The picture and the sidecar that vouches for it."""

    image: Path
    sidecar: Path

    @classmethod
    def of(cls, out: Path, index: int) -> Self:
        """Paths of image `index` under `out`."""
        return cls(out / "images" / f"{index:06d}.png", out / "sidecars" / f"{index:06d}.json")
