"""Frames written as files can be found again in their video."""

from pathlib import Path

import cv2
import numpy as np

from dataengine.datasets.sources.frames import FrameWriter
from dataengine.geometry.pixel_grid import resized
from dataengine.video.decoding import Frame, FrameAddress


def test_frames_are_scaled_down_and_keep_their_address(tmp_path: Path) -> None:
    writer = FrameWriter(tmp_path / "images", "clip.mp4", 64, first_id=7)
    for index, pts in ((0, 0), (5, 512)):
        writer.write(Frame(index, pts / 1000, pts, np.full((100, 128, 3), 40 * index, np.uint8)))
    images = writer.images()
    assert images.id.tolist() == [7, 8]
    assert cv2.imread(str(images.path[1])).shape == (50, 64, 3)
    assert writer.scale == (0.5, 0.5)
    found = {int(key): FrameAddress.parse(text) for key, text in writer.addresses("ab" * 32).items()}
    assert found == {7: FrameAddress("ab" * 32, 0, 0), 8: FrameAddress("ab" * 32, 5, 512)}
    assert images.time_s.tolist() == [0, 0.512]
    assert images.frame.tolist() == [address.index for address in found.values()]


def test_a_joint_lies_where_its_pixel_went(tmp_path: Path) -> None:
    """A bright dot in a frame that is scaled down to sides that are no even share of its own."""
    y, x = np.mgrid[:331, :500]
    spot = np.exp(-((x - 401) ** 2 + (y - 203) ** 2) / 200)
    writer = FrameWriter(tmp_path / "images", "clip.mp4", 96, first_id=1)
    writer.write(Frame(0, 0.0, 0, np.repeat((255 * spot).astype(np.uint8)[..., None], 3, axis=2)))
    seen = cv2.imread(str(writer.images().path[0]), cv2.IMREAD_GRAYSCALE).astype(float)
    seen[seen < 16] = 0  # JPEG's ripples
    at = [(seen * axis).sum() / seen.sum() for axis in np.indices(seen.shape)[::-1]]
    np.testing.assert_allclose(resized(np.array([401.0, 203.0]), writer.scale), at, atol=0.05)
