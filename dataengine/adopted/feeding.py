"""Pictures to a network's input: the map from picture to input pixels, the cut, the numbers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.adopted.contract import LETTERBOX_FILL, NORMALISATIONS, Feed
from dataengine.boxes import Boxes
from dataengine.crops.spec import CropSpec, affine_scale, crop_matrix, extract_crop


def crop_of(feed: Feed) -> CropSpec:
    """Which part of a picture is seen: of the person's box, or of the box of the whole picture."""
    if not feed.sees_picture:
        return feed.crop
    stretched = feed.frame == "stretched image"
    return CropSpec(feed.width_px, feed.height_px, 1.0, stretched=stretched, fill=LETTERBOX_FILL)


def frame_matrix(feed: Feed, boxes: Boxes) -> NDArray[np.float64]:
    """Maps (n, 2, 3) from picture to input pixels, of the boxes (n, 4) that are seen: people's or whole pictures'."""
    matrix = crop_matrix(boxes, crop_of(feed))
    if feed.frame == "image at the top left":
        scale = affine_scale(matrix)[:, None]
        low = np.asarray(boxes, dtype=np.float64)[:, :2] - 0.5  # the corner's joint coordinate
        matrix[:, :, 2] = -0.5 - scale * low
    return matrix


def cut(picture_bgr: NDArray[np.uint8], matrix: NDArray[np.float64], feed: Feed) -> NDArray[np.uint8]:
    """The input (height, width, 3) as BGR bytes."""
    return extract_crop(picture_bgr, matrix, crop_of(feed))


def as_input(crops_bgr: NDArray[np.uint8], feed: Feed) -> NDArray[Any]:
    """BGR bytes (b, h, w, 3) in the layout, the order of channels, the numbers and the type that are wanted."""
    mean, divisor = (np.array(values, dtype=np.float32) for values in NORMALISATIONS[feed.normalisation])
    pixels = crops_bgr
    if feed.channels == "RGB":
        pixels = pixels[..., ::-1]
    else:
        mean, divisor = mean[::-1], divisor[::-1]
    if feed.normalisation != "bytes":
        pixels = (pixels.astype(np.float32) - mean) / divisor  # type: ignore[assignment]
    if feed.layout == "NCHW":
        pixels = pixels.transpose(0, 3, 1, 2)
    return np.ascontiguousarray(pixels.astype(feed.dtype))
