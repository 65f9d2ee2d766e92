"""Video decoding against videos written here, one of them turned by its container as phones do."""

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.video import iter_frames, video_hash

FRAMES = 12
# The display matrix of ISO 14496-12 `tkhd` in 16.16 and 2.30 fixed point: unturned, and a quarter turn clockwise.
UNTURNED = b"".join(v.to_bytes(4, "big") for v in (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000))
CLOCKWISE = b"".join(v.to_bytes(4, "big") for v in (0, 0x10000, 0, 0xFFFF0000, 0, 0, 0, 0, 0x40000000))


def still(index: int) -> NDArray[np.uint8]:
    """Grey level tells the frame; the bright corner tells which way is up."""
    image = np.full((48, 64, 3), 20 * index, np.uint8)
    image[:16, :16] = 255
    return image


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(FRAMES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(still(index), format="bgr24")))
        container.mux(stream.encode(None))
    return path


def test_stride_and_range_keep_the_index_of_the_whole_video(clip: Path) -> None:
    frames = list(iter_frames(clip, every=3, start=2, stop=9))
    assert [f.index for f in frames] == [2, 5, 8]
    np.testing.assert_allclose([f.pts_s for f in frames], [0.2, 0.5, 0.8], atol=1e-6)
    for frame in frames:
        assert abs(frame.image_bgr[40, 50].mean() - 20 * frame.index) < 8  # lossy coding, steps of 20


def test_rotation_in_the_container_is_applied(clip: Path, tmp_path: Path) -> None:
    written = clip.read_bytes()
    track_header = written.index(b"tkhd")
    matrix = written.index(UNTURNED, track_header)
    turned = tmp_path / "turned.mp4"
    turned.write_bytes(written[:matrix] + CLOCKWISE + written[matrix + len(CLOCKWISE) :])
    upright = next(iter_frames(clip)).image_bgr
    np.testing.assert_array_equal(next(iter_frames(turned)).image_bgr, np.rot90(upright, -1))


@pytest.mark.parametrize("content", [b"", b"no video at all"])
def test_what_is_no_video_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"broken\.mp4"):
        list(iter_frames(path))


def test_a_missing_file_and_a_bad_range_are_refused(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="absent"):
        list(iter_frames(tmp_path / "absent.mp4"))
    with pytest.raises(InputError, match="frame range"):
        list(iter_frames(clip, every=0))


def test_a_renamed_video_keeps_its_hash(clip: Path, tmp_path: Path) -> None:
    before = video_hash(clip)
    assert video_hash(clip.rename(tmp_path / "renamed.mp4")) == before
