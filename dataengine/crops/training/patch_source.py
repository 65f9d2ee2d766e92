"""Where samples get their patches from: memory, then the store on disk, then the picture itself.

A picture is decoded once for all persons in it. What a patch holds does not depend on where it came from.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.crops.spec import CropSpec, crop_matrix
from dataengine.crops.training.patch import Patch, Region, cut_patch, patch_regions
from dataengine.crops.training.patch_store import PatchStore, patch_key
from dataengine.errors import InputError
from dataengine.people import Images, People
from dataengine.pictures.reading.decoding import decode_at, read_bytes
from dataengine.pictures.reading.jpeg import LARGEST_REDUCTION


@dataclass(frozen=True, eq=False)
class _Picture:
    """An image file, the persons in it, and how small it may be decoded for all of them."""

    path: str
    persons: NDArray[np.int64]
    factor: int


class PatchSource:
    """Patches of `people`, by row."""

    def __init__(
        self,
        people: People,
        images: Images,
        spec: CropSpec,
        reach: float,
        *,
        memory_bytes: int,
        store: PatchStore | None,
        masked: NDArray[np.bool_],
    ) -> None:
        """`masked` (n,) marks the persons whose patches carry their mask. Empty boxes are an `InputError`."""
        self.crop_from_image = crop_matrix(people.bbox_xywh_px, spec)  # (n, 2, 3)
        self._regions = patch_regions(self.crop_from_image, spec, reach)
        self._images, self._image_row = images, images.rows_of(people.image_id)
        self._by_image = np.argsort(self._image_row, kind="stable")
        self._sorted_image_row = self._image_row[self._by_image]
        self._masks = {int(row): _rle(people, int(row), self._size_px(int(row))) for row in np.flatnonzero(masked)}
        self._store, self._room_bytes = store, memory_bytes
        self._patches: dict[int, Patch] = {}
        self._lock = threading.Lock()

    def image_path(self, row: int) -> str:
        """The image that person `row` stands in."""
        return str(self._images.path[self._image_row[row]])

    def patch(self, row: int) -> Patch:
        """The surroundings of person `row`; safe to call from several threads."""
        patch = self._patches.get(row)
        return patch if patch is not None else self._fetch(row)

    def _fetch(self, row: int) -> Patch:
        picture = self._picture(row)
        content = read_bytes(picture.path)
        if self._store is not None:
            stored = self._store.get(self._key(row, picture, content))
            if stored is not None:
                self._remember(row, stored)
                return stored
        decoded = decode_at(picture.path, content, picture.factor)
        wanted_rows = [row, *(int(other) for other in picture.persons if other != row)]
        for person in wanted_rows if self._keeps() else wanted_rows[:1]:
            cut = self._cut(person, decoded.pixels, decoded.reduction)
            if person == row:
                patch = cut
            self._remember(person, cut)
            if self._store is not None:
                self._store.put(self._key(person, picture, content), cut)
        return patch

    def _picture(self, row: int) -> _Picture:
        image = self._image_row[row]
        first, end = np.searchsorted(self._sorted_image_row, [image, image + 1])
        persons = self._by_image[first:end]
        finest = int(self._regions[persons, -1].min())
        return _Picture(self.image_path(row), persons, min(finest, LARGEST_REDUCTION))

    def _size_px(self, row: int) -> tuple[int, int]:
        image = self._image_row[row]
        return int(self._images.width[image]), int(self._images.height[image])

    def _key(self, row: int, picture: _Picture, content: bytes) -> str:
        mask = self._masks.get(row)
        return patch_key(content, picture.factor, self._region(row), mask["counts"] if mask else b"")

    def _cut(self, row: int, image: NDArray[np.uint8], factor: int) -> Patch:
        mask = self._masks.get(row)
        if mask is not None:
            image = _with_mask(image, mask, self.image_path(row))
        return cut_patch(image, factor, self._region(row))

    def _region(self, row: int) -> Region:
        return Region(*self._regions[row].tolist())

    def _keeps(self) -> bool:
        return self._store is not None or self._room_bytes > 0

    def _remember(self, row: int, patch: Patch) -> None:
        with self._lock:
            if row not in self._patches and patch.pixels.nbytes <= self._room_bytes:
                self._patches[row] = patch
                self._room_bytes -= patch.pixels.nbytes


def _rle(people: People, row: int, size_px: tuple[int, int]) -> Mapping[str, Any]:
    """The mask of a person in compressed RLE, as pycocotools reads it; its size must be the image's."""
    mask = people.extras["segmentation"][row]
    try:
        counts, size = mask["counts"], [int(side) for side in mask["size"]]
        packed = counts.encode("ascii") if isinstance(counts, str) else bytes(counts)
    except (TypeError, KeyError, ValueError) as error:
        raise InputError(
            f"the segmentation of person {row} is not a mask",
            expected="COCO's compressed RLE: size and counts",
            got=str(error),
        ) from error
    if size != [size_px[1], size_px[0]]:
        raise InputError(f"the mask of person {row} does not fit its image", expected=f"{size_px[::-1]}", got=f"{size}")
    return {"size": size, "counts": packed}


def _with_mask(image: NDArray[np.uint8], mask: Mapping[str, Any], path: str) -> NDArray[np.uint8]:
    """The image (H, W, 3) with the mask as a fourth channel, 0..255."""
    from pycocotools import mask as coco_mask

    try:
        alpha = coco_mask.decode(mask) * np.uint8(255)
    except (ValueError, TypeError) as error:
        raise InputError(f"a mask in {path} cannot be decoded", got=str(error), fix="render it again") from error
    height, width = image.shape[:2]
    if alpha.shape != (height, width):  # the picture was decoded smaller
        alpha = np.asarray(cv2.resize(alpha, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return np.dstack([image, alpha])
