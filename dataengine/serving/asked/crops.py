"""A request's pictures and boxes, checked, as crops for the network."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.boxes import clip_boxes
from dataengine.crops.spec import CropSpec, crop_matrix, extract_crop
from dataengine.errors import InputError
from dataengine.pictures.reading.decoding import decode
from dataengine.pictures.reading.header import PictureFault, header_of

from ..messages.pose_pb2 import PoseRequest

MOST_PX = 1_000_000  # of a box's numbers; beyond it integers of pixels overflow


@dataclass(frozen=True, eq=False)
class AskedCrops:
    """The n people that a request asks about."""

    crops_bgr: NDArray[np.uint8]  # (n, H, W, 3)
    matrices: NDArray[np.float64]  # (n, 2, 3) from picture to crop pixels
    boxes_xywh_px: NDArray[np.float64]  # (n, 4) in the picture
    picture_bgr: NDArray[np.uint8] | None  # (h, w, 3); None where crops were sent

    def __len__(self) -> int:
        return len(self.crops_bgr)


def asked_crops(request: PoseRequest, spec: CropSpec, *, most_people: int, largest_mpx: float) -> AskedCrops:
    """Decode a request's picture and cut out its people, or take its crops.

    Raises:
        InputError: the request has neither, or both; the picture cannot be decoded or is too large; a box is not one.
    """
    if bool(request.picture) == bool(request.crops):
        got = "both" if request.picture else "neither"
        raise InputError("a request asks about a picture or about crops", expected="one of them", got=got)
    if request.crops:
        return _sent_crops(request, spec, most_people)
    boxes = _checked_boxes(request, most_people)
    picture = _decoded(request.picture, largest_mpx)
    outside = np.flatnonzero((clip_boxes(boxes, picture.shape[1::-1])[:, 2:] <= 0).any(axis=1))
    if len(outside):
        size = f"{picture.shape[1]}x{picture.shape[0]} px"
        got = f"box {outside[0]}: {boxes[outside[0]].tolist()} in {size}"
        raise InputError("a box lies outside the picture", expected="a part of it inside", got=got)
    matrices = crop_matrix(boxes, spec)
    crops = np.stack([extract_crop(picture, matrix, spec) for matrix in matrices])
    return AskedCrops(crops, matrices, boxes, picture)


def _decoded(content: bytes, largest_mpx: float) -> NDArray[np.uint8]:
    try:
        header = header_of(content)
        if header.width * header.height > largest_mpx * 1e6:
            got = f"{header.width}x{header.height}"
            raise InputError("the picture is too large", expected=f"at most {largest_mpx:g} million pixels", got=got)
        return decode(content, header=header).pixels
    except PictureFault as fault:
        raise InputError(f"the picture cannot be used: {fault}") from fault


def _checked_boxes(request: PoseRequest, most: int) -> NDArray[np.float64]:
    boxes = np.array([[box.x, box.y, box.width, box.height] for box in request.boxes], dtype=np.float64)
    if not 1 <= len(boxes) <= most:
        raise InputError("boxes of a picture", expected=f"1 to {most}", got=str(len(boxes)))
    good = (np.abs(boxes) <= MOST_PX).all(axis=1) & (boxes[:, 2:] > 0).all(axis=1)
    if not good.all():
        row = int(np.argmin(good))
        expected = f"numbers of at most {MOST_PX:,}, width and height above 0"
        raise InputError("a box is not one", expected=expected, got=f"box {row}: {boxes[row].tolist()}")
    return boxes


def _sent_crops(request: PoseRequest, spec: CropSpec, most: int) -> AskedCrops:
    one = spec.height_px * spec.width_px * 3
    count, rest = divmod(len(request.crops), one)
    if rest or not 1 <= count <= most or request.boxes:
        expected = f"1 to {most} of {spec.width_px}x{spec.height_px} px, {one} bytes each, and no boxes"
        raise InputError("crops", expected=expected, got=f"{len(request.crops)} bytes, {len(request.boxes)} boxes")
    rgb = np.frombuffer(request.crops, dtype=np.uint8).reshape(count, spec.height_px, spec.width_px, 3)
    boxes = np.tile([0.0, 0.0, spec.width_px, spec.height_px], (count, 1))
    return AskedCrops(np.ascontiguousarray(rgb[..., ::-1]), np.tile(np.eye(2, 3), (count, 1, 1)), boxes, None)
