"""What became of pictures that were not worth keeping: taken again, or left out after several tries."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dataengine.errors import InputError
from dataengine.files import write_json

from .paths import LEFT_OUT

QUALITY_NAME = "quality.json"


class NothingKept(InputError):
    """No picture of a batch was worth keeping."""


@dataclass(frozen=True)
class Keeping:
    """How many pictures a batch has, and how many not at the first try."""

    images: int
    taken_again: int
    """Kept, but not the first scene that was tried."""
    left_out: int
    """No scene that was tried is worth keeping."""
    why: dict[str, int]
    """Reason -> number of pictures left out for it."""

    @classmethod
    def of(cls, records: Sequence[dict[str, Any]]) -> "Keeping":
        """The account of the sidecars `records`."""
        why = Counter(str(record[LEFT_OUT]) for record in records if LEFT_OUT in record)
        images = len(records) - why.total()
        return cls(images, sum("attempt" in record for record in records), why.total(), dict(sorted(why.items())))

    def words(self) -> str:
        """For the line that a command ends with; "" where all were kept at once."""
        if not self.taken_again + self.left_out:
            return ""
        reasons = "".join(f", {count} because {reason}" for reason, count in self.why.items())
        return f"; {self.taken_again} taken again, {self.left_out} left out{reasons}"


def write_quality(out: Path, quality: Keeping) -> None:
    """Write quality.json into the folder `out`."""
    write_json(out / QUALITY_NAME, asdict(quality))
