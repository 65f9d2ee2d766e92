"""Real photographs behind synthetic people.

A rendered person is cut out by their mask and put in front of a window of a real picture, so that the network cannot
recognise synthetic people by the scene around them. Labels stay as they are: what hid a joint in the rendering leaves a
gap in the mask, through which the photograph shows.
"""

import threading

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.crops.spec import CropSpec
from dataengine.crops.training.patch import reduction
from dataengine.errors import InputError
from dataengine.people import Images, People
from dataengine.pictures.reading.decoding import decode_at, read_bytes

_WINDOW_TRIES = 6
_KEPT_PIXELS_PER_CROP_SIDE = 3  # pictures are kept at about this many times the crop's size
_MEMORY_BYTES = 1 << 28
_SOURCE = "real"


class Backgrounds:
    """The real pictures of a training set; windows of them are taken where no labelled person stands, if possible."""

    def __init__(self, people: People, images: Images, spec: CropSpec) -> None:
        """Raises InputError when the set has no real picture."""
        real = people.take(people.source == _SOURCE)
        self._images = images.take(np.unique(images.rows_of(real.image_id)))
        if not len(self._images):
            raise InputError("no real picture to put behind synthetic people", fix="set augment.background_share: 0")
        place = self._images.rows_of(real.image_id)
        self._boxes = [real.bbox_xywh_px[place == row] for row in range(len(self._images))]
        self._spec = spec
        self._kept: dict[int, tuple[NDArray[np.uint8], int]] = {}
        self._room_bytes = _MEMORY_BYTES
        self._lock = threading.Lock()

    def window(self, rng: np.random.Generator) -> NDArray[np.uint8]:
        """A piece of a picture at the crop's size (H, W, 3), RGB, mirrored half of the time."""
        number = int(rng.integers(len(self._images)))
        picture, factor = self._picture(number)
        x, y, width, height = self._emptiest(rng, picture.shape[:2], self._boxes[number] / factor)
        piece = picture[y : y + height, x : x + width]
        if rng.random() < 0.5:
            piece = piece[:, ::-1]
        size = (self._spec.width_px, self._spec.height_px)
        resized = cv2.resize(piece, size, interpolation=cv2.INTER_LINEAR)
        return np.asarray(cv2.cvtColor(resized, cv2.COLOR_BGR2RGB), dtype=np.uint8)

    def _picture(self, number: int) -> tuple[NDArray[np.uint8], int]:
        cached_picture = self._kept.get(number)
        if cached_picture is not None:
            return cached_picture
        path, size = str(self._images.path[number]), (self._images.width[number], self._images.height[number])
        side_px = _KEPT_PIXELS_PER_CROP_SIDE * max(self._spec.width_px, self._spec.height_px)
        decoded = decode_at(path, read_bytes(path), int(reduction(min(size) / side_px)))
        picture = decoded.pixels, decoded.reduction
        with self._lock:
            if picture[0].nbytes <= self._room_bytes and number not in self._kept:
                self._kept[number] = picture
                self._room_bytes -= picture[0].nbytes
        return picture

    def _emptiest(
        self, rng: np.random.Generator, shape: tuple[int, ...], boxes: NDArray[np.float32]
    ) -> tuple[int, int, int, int]:
        """The window that people cover least, out of a few random ones of the crop's aspect: x, y, width, height."""
        aspect = self._spec.width_px / self._spec.height_px
        widest = min(shape[1], shape[0] * aspect)
        widths = np.maximum(1, widest * rng.uniform(0.4, 1.0, _WINDOW_TRIES))
        sizes = np.maximum(1, np.stack([widths, widths / aspect], axis=1).astype(int))
        sizes = np.minimum(sizes, [shape[1], shape[0]])
        places = (rng.random((_WINDOW_TRIES, 2)) * (np.array([shape[1], shape[0]]) - sizes + 1)).astype(int)
        low = np.maximum(places[:, None], boxes[:, :2])
        high = np.minimum((places + sizes)[:, None], boxes[:, :2] + boxes[:, 2:])
        covered = np.clip(high - low, 0, None).prod(axis=2).sum(axis=1) / sizes.prod(axis=1)
        best = int(np.argmin(covered))
        return int(places[best, 0]), int(places[best, 1]), int(sizes[best, 0]), int(sizes[best, 1])


def put_before(person: NDArray[np.uint8], background: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The person of a crop (H, W, 4), RGB and mask 0..255, in front of `background` (H, W, 3)."""
    share = cv2.cvtColor(person[..., 3], cv2.COLOR_GRAY2BGR).astype(np.float32) / 255
    mixed = background + share * (person[..., :3].astype(np.float32) - background)
    return np.asarray(np.rint(mixed), dtype=np.uint8)
