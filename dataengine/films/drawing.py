"""People with their track ids, drawn into a frame."""

import cv2
import numpy as np

from dataengine.draw import BgrImage, draw_people
from dataengine.geometry.pixel_grid import resized
from dataengine.people import People

from .film_writer import scaled

WHITE = (255, 255, 255)


def draw_tracked(image_bgr: BgrImage, people: People, size_px: tuple[int, int] | None = None) -> BgrImage:
    """A copy of the frame with skeletons and, above the boxes, track ids; those who have none get no number.

    `size_px`: the width and height at which it is drawn; None: its own.
    """
    size = np.array(size_px or image_bgr.shape[1::-1])
    share = size / image_bgr.shape[1::-1]
    image = scaled(image_bgr, (int(size[0]), int(size[1])))
    if not len(people):
        return image.copy() if image is image_bgr else image
    canvas = draw_people(image, people.replace(keypoints_px=resized(people.keypoints_px, share).astype(np.float32)))
    letters = max(0.5, max(canvas.shape[:2]) / 1200)
    for box, track in zip(people.bbox_xywh_px, people.track_id, strict=True):
        if track >= 0:
            corner = int(box[0] * share[0]), max(12, int(box[1] * share[1]) - 4)
            thickness = round(2 * letters)
            cv2.putText(canvas, str(track), corner, cv2.FONT_HERSHEY_SIMPLEX, letters, WHITE, thickness, cv2.LINE_AA)
    return canvas
