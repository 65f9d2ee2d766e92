"""Video decoding against videos written here: turned, at uneven times, cut off, or no videos at all."""

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.video import FrameAddress, iter_frames, video_hash

from ..helpers.clips import textured, turned, write_clip

FRAMES = 12


def still(index: int) -> NDArray[np.uint8]:
    """A frame whose grey level is its index; the bright corner shows which way is up."""
    image = np.full((48, 64, 3), 20 * index, np.uint8)
    image[:16, :16] = 255
    return image


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", [still(index) for index in range(FRAMES)])


def test_stride_and_range_keep_the_index_of_the_whole_video(clip: Path) -> None:
    frames = list(iter_frames(clip, every=3, stop=9))
    assert [f.index for f in frames] == [0, 3, 6]
    np.testing.assert_allclose([f.pts_s for f in frames], [0, 0.3, 0.6], atol=1e-6)
    for frame in frames:
        assert abs(frame.image_bgr[40, 50].mean() - 20 * frame.index) < 8  # lossy coding, steps of 20


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_rotation_in_the_container_is_applied(clip: Path, quarters: int) -> None:
    upright = next(iter_frames(clip)).image_bgr
    np.testing.assert_array_equal(next(iter_frames(turned(clip, quarters))).image_bgr, np.rot90(upright, -quarters))


def test_uneven_times_are_kept(tmp_path: Path) -> None:
    ticks = [0, 3, 50, 51, 120]
    clip = write_clip(tmp_path / "uneven.mp4", [still(index) for index in range(5)], ticks=ticks)
    frames = list(iter_frames(clip))
    np.testing.assert_allclose([f.pts_s for f in frames], np.array(ticks) / 100, atol=1e-3)
    assert len({f.pts for f in frames}) == 5
    assert [f.pts for f in frames] == sorted(f.pts for f in frames)


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_a_cut_off_file_yields_what_is_there_and_says_so_once(tmp_path: Path, share: float) -> None:
    images = [textured(index) for index in range(30)]
    whole = write_clip(tmp_path / "whole.mp4", images, movflags="faststart")
    told: list[str] = []
    everything = list(iter_frames(whole, tell=told.append))
    assert len(everything) == 30
    assert told == []
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: int(share * whole.stat().st_size)])
    rest = list(iter_frames(cut, tell=told.append))
    assert 0.5 * share * 30 < len(rest) < 30
    for frame, original in zip(rest[:-2], everything, strict=False):  # the last may be half a picture
        np.testing.assert_array_equal(frame.image_bgr, original.image_bgr)
    assert len(told) == 1
    assert "cut.mp4" in told[0]
    assert f"frame {len(rest) - 1}" in told[0]


def test_a_fault_is_reported_on_standard_error_by_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = write_clip(tmp_path / "whole.mp4", [textured(index) for index in range(30)], movflags="faststart")
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    list(iter_frames(whole))
    assert capsys.readouterr().err.count("whole.mp4") == 1


@pytest.mark.parametrize("content", [b"", b"no video at all", bytes(range(256)) * 40])
def test_what_is_no_video_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"broken\.mp4"):
        list(iter_frames(path))


def test_an_index_that_is_lost_is_refused(tmp_path: Path) -> None:
    """An MP4 keeps its index at the end, unless asked otherwise: cut off, it cannot be read at all."""
    path = write_clip(tmp_path / "headless.mp4", [textured(index) for index in range(20)])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=r"headless\.mp4"):
        list(iter_frames(path))


def test_sound_without_pictures_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), dtype=np.int16), format="s16", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    with pytest.raises(InputError, match="no video in this file"):
        list(iter_frames(path))


def test_a_video_without_frames_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
    with pytest.raises(InputError, match=r"empty\.avi"):
        list(iter_frames(path))


def test_a_playlist_cannot_reach_the_network(tmp_path: Path) -> None:
    path = tmp_path / "list.m3u8"
    path.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n")
    with pytest.raises(InputError, match=r"list\.m3u8"):
        list(iter_frames(path))


def test_a_missing_file_and_a_bad_range_are_refused(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="absent"):
        list(iter_frames(tmp_path / "absent.mp4"))
    with pytest.raises(InputError, match="frame range"):
        list(iter_frames(clip, every=0))


def test_a_renamed_video_keeps_its_hash(clip: Path, tmp_path: Path) -> None:
    before = video_hash(clip)
    assert video_hash(clip.rename(tmp_path / "renamed.mp4")) == before


def test_a_frame_is_found_again_by_its_address(clip: Path) -> None:
    address = [FrameAddress(video_hash(clip), f.index, f.pts) for f in iter_frames(clip, every=5)][1]
    again = FrameAddress.parse(str(address))
    assert again == address
    (found,) = [f for f in iter_frames(clip) if (f.index, f.pts) == (again.index, again.pts)]
    assert found.index == 5
    with pytest.raises(InputError, match="frame address"):
        FrameAddress.parse("abc#x@1")
