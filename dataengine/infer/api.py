"""A model in three lines of Python; see `load_model`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dataengine.boxes import Boxes
from dataengine.errors import InputError
from dataengine.films.detectors import BlazePoseDetector
from dataengine.inference.network_files import MODELS
from dataengine.inference.running.devices import Device
from dataengine.leakage.film_names import FILM_SUFFIXES
from dataengine.people import JOINT_CONFIDENCE, People

from .estimating import Estimator
from .models import open_model
from .shown import Shown
from .sources import read_given

MOST_PX = 1_000_000  # beyond it integers of pixels overflow
Picture = str | Path | NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Poses:
    """The n people of one picture. Joints are COCO-17's in the order of `dataengine.keypoints.COCO_KEYPOINTS`.

    x grows right and y down, in pixels of the upright picture; a joint at (0, 0) lies on the centre of the top left
    pixel, while boxes go from edge to edge.
    """

    keypoints_px: NDArray[np.float32]  # (n, 17, 2) x, y
    confidence: NDArray[np.float32]  # (n, 17) 0..1; 0 for joints that the network was not taught
    bbox_xywh_px: NDArray[np.float32]  # (n, 4) x, y, width, height, in which the joints were looked for
    score: NDArray[np.float32]  # (n,) 0..1 of the person
    track_id: NDArray[np.int64]  # (n,) -1: a picture by itself has no tracks

    def __len__(self) -> int:
        return len(self.score)


class PoseModel:
    """A model to be called with pictures; see `load_model`."""

    def __init__(self, path: Path, device: Device, fetched: Path) -> None:
        model = open_model(path, device)
        self._path = path
        self._taught = model.meta.is_taught
        self._estimator, self._models = Estimator(model), fetched / MODELS

    @overload
    def __call__(  # type: ignore[overload-overlap]  # a path is a picture, not an iterable of letters
        self, pictures: Picture, *, boxes_xywh_px: ArrayLike | None = None
    ) -> Poses: ...

    @overload
    def __call__(self, pictures: Iterable[Picture], *, boxes_xywh_px: None = None) -> Iterator[Poses]: ...

    def __call__(
        self, pictures: Picture | Iterable[Picture], *, boxes_xywh_px: ArrayLike | None = None
    ) -> Poses | Iterator[Poses]:
        """The people in a picture, or in each of many, one after the other as they are asked for.

        Args:
            pictures: The path of a picture; an array (h, w, 3) of uint8 with channels **R, G, B**; or an iterable of
                these. OpenCV's arrays are B, G, R: pass ``image[..., ::-1]``. Nothing distinguishes the two in
                an array, so nothing fails: joints just get worse.
            boxes_xywh_px: (n, 4) boxes of the people in a single picture; None asks BlazePose's detector, in each
                picture by itself.

        Raises:
            InputError: a picture cannot be read, or is a film or a folder, which `dataengine infer` takes; an array is
                of another shape or type, a box is empty or not finite, or BlazePose's models are missing.
        """
        if isinstance(pictures, str | Path | np.ndarray):
            return self._one(pictures, boxes_xywh_px)
        if isinstance(pictures, bytes) or not isinstance(pictures, Iterable):
            _checked(pictures)
        if boxes_xywh_px is not None:
            raise InputError("boxes are those of one picture", expected="one picture at a time", got="several")
        return (self._one(picture, None) for picture in pictures)

    def _one(self, picture: Picture, boxes: ArrayLike | None) -> Poses:
        image_bgr = self._read(picture) if isinstance(picture, str | Path) else _checked(picture)[..., ::-1]
        image_bgr = np.ascontiguousarray(image_bgr)
        given = self._found(image_bgr) if boxes is None else _checked_boxes(boxes)
        shown = Shown(0, "", np.nan, image_bgr)
        (people,) = self._estimator.people([shown], [given], [np.full(len(given), -1, dtype=np.int64)])
        return self._poses(people)

    def _read(self, picture: str | Path) -> NDArray[np.uint8]:
        path = Path(picture)
        is_folder = path.is_dir()
        if is_folder or (path.suffix.lower() in FILM_SUFFIXES and path.is_file()):  # a film may not fit into memory
            got = "a folder" if is_folder else "a film"
            fix = f"`dataengine infer {self._path} {path} --out FOLDER` runs the model on it"
            raise InputError(f"{path} is not a picture", expected="the path of one picture", got=got, fix=fix)
        return read_given(picture)

    def _found(self, image_bgr: NDArray[np.uint8]) -> Boxes:
        self._detector.remember([])
        return self._detector.boxes(0, image_bgr)

    @cached_property
    def _detector(self) -> BlazePoseDetector:
        return BlazePoseDetector(self._models, every=1)

    def _poses(self, people: People) -> Poses:
        confidence = np.where(self._taught, people.extras[JOINT_CONFIDENCE], 0).astype(np.float32)
        return Poses(people.keypoints_px, confidence, people.bbox_xywh_px, people.score, people.track_id)


def load_model(path: str | Path, *, device: Device = "auto", fetched: str | Path = "data/fetch") -> PoseModel:
    """Open a model, to be called with pictures::

        from dataengine import load_model
        model = load_model("models/fit-student")
        people = model("picture.jpg")  # people.keypoints_px (n, 17, 2), people.confidence (n, 17)

    Args:
        path: A checkpoint folder, an export or one of its .onnx files, or a folder of `dataengine adopt`.
        device: What the network runs on; auto takes a GPU where there is one.
        fetched: The folder that the stage fetch wrote, with BlazePose's detector; not needed by whoever gives boxes.

    Raises:
        InputError: `path` holds no model, or a damaged one.
        EnvironmentFault: the device is not there.
    """
    return PoseModel(Path(path), device, Path(fetched))


def _checked_boxes(boxes: ArrayLike) -> Boxes:
    expected = f"(n, 4) numbers x, y, width, height of at most {MOST_PX:,}"
    try:
        given = np.asarray(boxes, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("boxes are not numbers", expected=expected, got=str(error)) from error
    if given.size % 4 or (given.size and given.shape[-1] != 4):
        raise InputError("boxes have another shape", expected=expected, got=str(given.shape))
    given = given.reshape(-1, 4)
    bad = np.flatnonzero(~(np.abs(given) <= MOST_PX).all(axis=1))
    if len(bad):
        raise InputError(
            "a box is beyond any picture", expected=expected, got=f"row {bad[0]}: {given[bad[0]].tolist()}"
        )
    return given


def _checked(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if not isinstance(picture, np.ndarray):
        got = type(picture).__name__
        raise InputError("this is not a picture", expected="a path or an array of uint8 (height, width, 3)", got=got)
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        got = f"{picture.dtype} {picture.shape}"
        raise InputError("an array is not a picture", expected="uint8 (height, width, 3), channels R, G, B", got=got)
    return picture
