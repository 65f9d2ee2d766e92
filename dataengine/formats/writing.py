"""What writers share: the count of what a format cannot say, and names below the image folder."""

import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dataengine.keypoints import OCCLUDED
from dataengine.people import Images, People
from dataengine.terminal.progress import track

PROVENANCE = frozenset({"area", "area_from", "source_id", "source_image_id", "source_name", "suspect"})
"""Columns that adapters and checks add themselves: leaving them out loses nothing."""


@dataclass(frozen=True)
class Written:
    """What a writer wrote, and what its format could not hold."""

    people: int
    images: int
    lost: dict[str, int]
    """Name of what could not be represented -> how often."""


def copy_images(
    images: Images, source: Path, target: Path, names: Callable[[Images], list[str]] | None = None
) -> Images:
    """The images copied below `target` under their names below `source`, or under those that `names` gives them."""
    new_names = names(images) if names else relative_names(images, source)
    target.mkdir(parents=True, exist_ok=True)
    paths = []
    pairs = list(zip(images.path.tolist(), new_names, strict=True))
    for path, name in track(pairs, "copy images", total=len(images), unit="image"):
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        paths.append(str(copy))
    return images.replace(path=paths)


def relative_names(images: Images, folder: Path) -> list[str]:
    """Names of the images below `folder`, with forward slashes."""
    return [Path(path).relative_to(folder).as_posix() for path in images.path]


def lost_fields(people: People, *, kept: Collection[str] = ()) -> dict[str, int]:
    """Number of people whose score, weight, source, track or extra columns are lost: all but those in `kept`."""
    not_default = {
        "score": people.score != 1,
        "weight": people.weight != 1,
        "source": people.source != "real",
        "track_id": people.track_id != -1,
    }
    lost = {name: int(np.count_nonzero(rows)) for name, rows in not_default.items() if name not in kept}
    lost |= {name: len(people) for name in people.extras if name not in PROVENANCE and name not in kept}
    return {name: count for name, count in sorted(lost.items()) if count}


def lost_occlusion(people: People) -> dict[str, int]:
    """Joints known to be occluded, for formats that only say labelled or not."""
    count = int((people.visibility == OCCLUDED).sum())
    return {"occlusion flags": count} if count else {}
