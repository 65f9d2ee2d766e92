"""AP of a part of the set: of some people, or of some images, each with its interval and its size.

`Slice` names the part, `slice_matches` matches within it; the result is summed and resampled like any other
matches. `slice_builders.py` makes the usual slices.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.evaluation.ap.matching import Matches, Pairs
from dataengine.people import Images


@dataclass(frozen=True, eq=False)
class Slice:
    """Some people of a set.

    People outside the slice are ignored, as COCO ignores people of another size: finding them is neither a gain nor an
    error. A detection that matches nobody belongs to no slice, so it is false in the slice's images and counts nowhere
    else: in every image that holds somebody of the slice or, for a slice of images, in exactly those.
    Slice AP is therefore below AP where few people of an image are in the slice; compare it only between models.
    """

    name: str  # unique in a list of slices, such as "size=medium"
    people: NDArray[np.bool_]  # (n,) rows of the ground truth
    images: NDArray[np.bool_]  # (m,) rows of the image table


def slice_of_people(name: str, people: NDArray[np.bool_], person_image: NDArray[np.int64], images: int) -> Slice:
    """The slice of `people` (n,), false detections counting in the images that hold them.

    Args:
        name: Name of the slice.
        people: Who is in it.
        person_image: Row (n,) of each person's image in the image table.
        images: Number of rows of that table.
    """
    return Slice(name, people, np.bincount(person_image[people], minlength=images) > 0)


def slice_matches(pairs: Pairs, images: Images, part: Slice) -> Matches:
    """Match within a slice. `images` is the table that the slice's rows are of.

    Raises:
        InputError: the slice was made for another set.
    """
    if len(part.people) != len(pairs.truths) or len(part.images) != len(images):
        expected = f"masks over {len(pairs.truths)} people and {len(images)} images"
        got = f"{len(part.people)} and {len(part.images)}"
        raise InputError(f"slice {part.name!r} was made for another set", expected=expected, got=got)
    return pairs.match(people=part.people, images=part.images[images.rows_of(pairs.image_id)])
