"""Films as people have them: with cover art, mirrored, damaged, cut by an edit list; made here, with known outcomes."""

import gc
from pathlib import Path

import av
import numpy as np
import pytest
from av.sidedata.sidedata import SideDataContainer
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.video.decoding import DecodedFilm, iter_frames
from dataengine.video.orientation import placed

from ..helpers.clips import copied_with, damaged, shown_by, textured, write_clip

COUNT = 60
MATRICES = [(a, b, c, d) for a, b, c, d in np.ndindex(3, 3, 3, 3)]
EIGHT = [(a - 1, b - 1, c - 1, d - 1) for a, b, c, d in MATRICES if abs((a - 1) * (d - 1) - (b - 1) * (c - 1)) == 1]
EIGHT = [matrix for matrix in EIGHT if sum(map(abs, matrix)) == 2]


def film(path: Path, codec: str = "libx264", count: int = COUNT) -> Path:
    scene = textured(1, shape=(96, 128 + 2 * count))
    return write_clip(path, [np.ascontiguousarray(scene[:, 2 * n : 2 * n + 128]) for n in range(count)], codec=codec)


def by_arithmetic(image: NDArray[np.uint8], a: int, b: int, c: int, d: int) -> NDArray[np.uint8]:
    """Each pixel moved by itself to (a x + c y, b x + d y), and the picture's corner back to the origin."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    to_x, to_y = a * x + c * y, b * x + d * y
    to_x, to_y = to_x - to_x.min(), to_y - to_y.min()
    out = np.zeros((to_y.max() + 1, to_x.max() + 1, 3), np.uint8)
    out[to_y, to_x] = image
    return out


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_all_eight_display_matrices_are_as_pixels_move(tmp_path: Path, suffix: str) -> None:
    assert len(EIGHT) == 8
    clip = film(tmp_path / f"clip{suffix}", count=2)
    stored = next(iter_frames(clip)).image_bgr
    for matrix in EIGHT:
        shown = next(iter_frames(shown_by(clip, *matrix))).image_bgr
        np.testing.assert_array_equal(shown, by_arithmetic(stored, *matrix))


def test_a_scaled_matrix_turns_alone_an_empty_one_does_nothing_and_an_odd_one_is_refused() -> None:
    image = textured(2)
    np.testing.assert_array_equal(placed(image, 0, 0.5, -2, 0), by_arithmetic(image, 0, 1, -1, 0))
    assert placed(image, 0, 0, 0, 0) is image
    with pytest.raises(InputError, match="odd angle"):
        placed(image, 0.9, 0.4, -0.4, 0.9)


@pytest.mark.parametrize("suffix", [".mkv", ".mov"])
@pytest.mark.parametrize("cover_first", [True, False])
def test_the_film_is_read_whichever_stream_its_cover_is(tmp_path: Path, suffix: str, cover_first: bool) -> None:
    clip = film(tmp_path / "plain.mp4", count=12)
    covered = copied_with(clip, tmp_path / f"covered{suffix}", textured(9, shape=(300, 300)), cover_first=cover_first)
    with av.open(str(covered)) as container:
        assert [each.width for each in container.streams.video] == ([300, 128] if cover_first else [128, 300])
    for frame, original in zip(iter_frames(covered), iter_frames(clip), strict=True):
        np.testing.assert_array_equal(frame.image_bgr, original.image_bgr)


@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg4"])
@pytest.mark.parametrize("packets", [[1, 2], [30, 31, 32], [COUNT - 1]])
def test_frames_after_damage_keep_number_and_time(tmp_path: Path, codec: str, packets: list[int]) -> None:
    clip = film(tmp_path / "clip.mp4", codec)
    whole = {frame.index: frame for frame in iter_frames(clip)}
    told, ends = list[str](), list[DecodedFilm]()
    frames = list(iter_frames(damaged(clip, packets), tell=told.append, report=ends.append))
    assert COUNT - len(packets) <= len(frames) <= COUNT
    assert (ends[0].frames, ends[0].lost) == (len(frames), COUNT - len(frames))
    made_up = sum(frame.damaged for frame in frames)
    assert ends[0].damaged == made_up and (f", {made_up} are damaged" in told[0]) is (made_up > 0)
    assert [frame.index for frame in frames] == sorted({frame.index for frame in frames})
    assert {(frame.index, frame.pts) for frame in frames} <= {(f.index, f.pts) for f in whole.values()}
    assert len(told) == 1
    assert f"{ends[0].lost} of {COUNT} frames are lost" in told[0]


def test_a_damaged_start_costs_the_frames_that_lean_on_it_and_no_more(tmp_path: Path) -> None:
    clip = film(tmp_path / "clip.mp4", "mpeg4")  # a key frame every 12 frames
    told = list[str]()
    frames = list(iter_frames(damaged(clip, [0]), tell=told.append))
    assert frames
    assert frames[-1].index == COUNT - 1
    assert len(told) == 1


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize(
    "ticks", [range(0, 10 * COUNT, 10), range(300, 300 + 10 * COUNT, 10), [n * n for n in range(COUNT)]]
)
def test_offsets_and_uneven_times_raise_no_alarm(tmp_path: Path, suffix: str, ticks: range | list[int]) -> None:
    images = [textured(n % 3) for n in range(COUNT)]
    clip = write_clip(tmp_path / f"clip{suffix}", images, ticks=list(ticks), codec="libx264")
    told = list[str]()
    assert [frame.index for frame in iter_frames(clip, tell=told.append)] == list(range(COUNT))
    assert told == []


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_a_start_that_an_edit_list_cuts_away_is_no_loss(tmp_path: Path, codec: str) -> None:
    clip = film(tmp_path / "clip.mp4", codec)
    trimmed, cut = tmp_path / "trimmed.mp4", 20
    with av.open(str(clip)) as read, av.open(str(trimmed), "w") as written:
        source = read.streams.video[0]
        stream = written.add_stream_from_template(source)
        times = sorted(packet.pts for packet in read.demux(source) if packet.pts is not None)
        read.seek(0)
        for packet in read.demux(source):
            if packet.size:
                packet.pts, packet.dts = (packet.pts or 0) - times[cut], (packet.dts or 0) - times[cut]
                packet.stream = stream
                written.mux(packet)
    with av.open(str(trimmed)) as container:
        states = container.streams.video[0].frames
    told, ends = list[str](), list[DecodedFilm]()
    frames = list(iter_frames(trimmed, tell=told.append, report=ends.append))
    assert states == COUNT
    assert told == []
    assert ends[0].lost == 0
    assert [frame.index for frame in frames] == list(range(len(frames)))
    whole = [frame.image_bgr for frame in iter_frames(clip)]
    np.testing.assert_array_equal(frames[-1].image_bgr, whole[-1])


@pytest.mark.parametrize("suffix", [".mkv", ".avi"])
def test_a_film_that_is_cut_off_says_so(tmp_path: Path, suffix: str) -> None:
    whole = film(tmp_path / f"clip{suffix}", "mpeg4")
    told = list[str]()
    assert len(list(iter_frames(whole, tell=told.append))) == COUNT
    assert told == []
    whole.write_bytes(whole.read_bytes()[: int(0.6 * whole.stat().st_size)])
    assert 10 < len(list(iter_frames(whole, tell=told.append))) < COUNT
    assert len(told) == 1


def test_frames_are_freed_as_they_are_read(tmp_path: Path) -> None:
    """None waits for the garbage collector: hundreds of decoded frames would lie in memory."""
    clip = film(tmp_path / "turned.mp4")
    gc.collect()
    gc.freeze()  # what is there already is not looked at again with every frame
    gc.disable()
    try:
        held = [sum(isinstance(each, SideDataContainer) for each in gc.get_objects()) for _ in iter_frames(clip)]
    finally:
        gc.enable()
        gc.unfreeze()
    assert len(held) > 20 and max(held) <= 2
