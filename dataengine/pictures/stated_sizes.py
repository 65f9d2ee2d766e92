"""Whether the size that a label file states for a picture tells in which pixels its labels lie.

An upright size goes with upright labels: current tools write both. The size of the stored rows of a turned picture goes
with labels in stored pixels, or (Label Studio) with upright ones, which cannot be known: such a record is refused. So
are the other turned pictures of the same file, whose sizes do not tell (turned by 180 degrees, mirrored, square),
because whatever wrote it does not know of orientation. Without such evidence they count as upright.
"""

from collections.abc import Sequence

from dataengine.pictures.reading.header import PictureHeader
from dataengine.pictures.reading.orientation import UPRIGHT

_WAY_OUT = "state upright sizes if the labels are upright, or remove the tag if they lie in stored pixels"


def size_faults(stated: Sequence[tuple[int, int] | None], headers: Sequence[PictureHeader]) -> list[str]:
    """For each picture of one label file: why its record cannot be used by its stated (width, height), else ""."""
    pairs = list(zip(stated, headers, strict=True))
    ignores_turns = any(size is not None and _is_stored(size, header) for size, header in pairs)
    return [_fault(size, header, ignores_turns) for size, header in pairs]


def _is_stored(stated: tuple[int, int], header: PictureHeader) -> bool:
    return stated == header.stored_size != header.size


def _fault(stated: tuple[int, int] | None, header: PictureHeader, ignores_turns: bool) -> str:
    if stated is None:
        return ""
    size = f"{stated[0]}x{stated[1]}"
    turn = f"EXIF orientation {header.orientation}"
    if _is_stored(stated, header):
        return f"stated {size}, its stored size: upright it is {header.width}x{header.height} by {turn}; {_WAY_OUT}"
    if stated != header.size:
        return f"stated {size}, is {header.width}x{header.height}"
    if ignores_turns and header.orientation != UPRIGHT:
        return f"{turn}, and the file states the stored size of other turned pictures; {_WAY_OUT}"
    return ""
