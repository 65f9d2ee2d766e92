"""Video frames as JPEG files of a bounded size, with the table that says which frame each one is."""

from pathlib import Path

import cv2
import numpy as np

from dataengine.people import Images
from dataengine.pictures.encoding import encode_picture
from dataengine.video.decoding import Frame, FrameAddress

JPEG_QUALITY = 95


class FrameWriter:
    """Writes frames of one video, `video` its name by content, into a folder and remembers them."""

    def __init__(self, folder: Path, video: str, longest_side_px: int, first_id: int) -> None:
        self._folder, self._video, self._longest_side_px = folder, video, longest_side_px
        self._next_id = first_id
        self._rows: list[tuple[int, str, int, int, int]] = []
        self._pts: list[int] = []
        self._times_s: list[float] = []
        self.scale = (1.0, 1.0)
        """How many times as wide and as high the written images are, see `dataengine.geometry.pixel_grid.resized`."""
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, frame: Frame) -> bytes:
        """Write one frame, scaled down when its longer side exceeds the limit; returns the file's bytes."""
        height, width = frame.image_bgr.shape[:2]
        shrink = min(1.0, self._longest_side_px / max(height, width))
        size = max(1, round(width * shrink)), max(1, round(height * shrink))
        self.scale = size[0] / width, size[1] / height  # rounding may make them differ
        small = frame.image_bgr if shrink == 1 else cv2.resize(frame.image_bgr, size, interpolation=cv2.INTER_AREA)
        path = self._folder / f"{self._video}_{frame.index:06d}.jpg"
        content = encode_picture(small, path.suffix, quality=JPEG_QUALITY)
        path.write_bytes(content)  # the folder is whole or absent
        self._rows.append((self._next_id, str(path), *size, frame.index))
        self._pts.append(frame.pts)
        self._times_s.append(frame.pts_s)
        self._next_id += 1
        return content

    def images(self) -> Images:
        """The frames written so far."""
        ids, paths, widths, heights, frames = zip(*self._rows, strict=True) if self._rows else ((),) * 5
        return Images.build(
            id=np.array(ids, dtype=np.int64),
            path=paths,
            width=widths,
            height=heights,
            video=self._video,
            frame=frames,
            time_s=self._times_s,
        )

    def addresses(self, video_sha256: str) -> dict[str, str]:
        """Which frame of the video of this hash each image id is, as text of `FrameAddress`."""
        return {
            str(row[0]): str(FrameAddress(video_sha256, row[4], pts))
            for row, pts in zip(self._rows, self._pts, strict=True)
        }
