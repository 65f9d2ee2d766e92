"""Shot boundaries and frame sampling on clips whose cuts, blur and repeats are known because they were put there."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dataengine.errors import ParamsError
from dataengine.video.decoding import iter_frames
from dataengine.video.sampling import FrameSampling, Survey, choose, sample_frames, sharpness_of, survey
from dataengine.video.shots import shot_starts

from ..helpers.clips import damaged, textured, write_clip

TINTS = ((1.0, 0.3, 0.2), (0.2, 1.0, 0.3), (0.9, 0.9, 0.9), (0.3, 0.4, 1.0))


def moving(seed: int, count: int, step: int = 2) -> list[NDArray[np.uint8]]:
    """A camera that pans over a scene."""
    scene = textured(seed, tint=TINTS[seed % len(TINTS)], shape=(96, 128 + count * step))
    return [np.ascontiguousarray(scene[:, i * step : i * step + 128]) for i in range(count)]


@pytest.fixture(scope="module")
def cut_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three shots: frames 0, 14 and 35 are the first of one."""
    images = moving(0, 14) + moving(1, 21) + moving(2, 12)
    return write_clip(tmp_path_factory.mktemp("cuts") / "cuts.mp4", images)


def test_cuts_are_found_where_clips_were_joined(cut_clip: Path) -> None:
    shots = survey(cut_clip).shot
    assert np.flatnonzero(np.diff(shots, prepend=-1)).tolist() == [0, 14, 35]


def test_fast_motion_and_a_flash_are_no_cuts(tmp_path: Path) -> None:
    images = moving(3, 30, step=8)
    images[12] = np.full_like(images[12], 255)
    assert survey(write_clip(tmp_path / "flash.mp4", images)).shot.max() == 0


@pytest.mark.realdata
def test_a_real_clip_has_cuts_only_where_it_was_spliced(shared_data: Path) -> None:
    seen = survey(shared_data / "video" / "one-by-one-person-detection.mp4")
    assert seen.shot.max() == 0
    spliced = np.concatenate([seen.thumbnails[200:260], seen.thumbnails[900:960], seen.thumbnails[500:550]])
    assert shot_starts(spliced).tolist() == [0, 60, 120]


def test_no_frame_and_one_frame_have_no_cut() -> None:
    assert shot_starts(np.zeros((0, 4, 4, 3), np.uint8)).tolist() == []
    assert shot_starts(np.zeros((1, 4, 4, 3), np.uint8)).tolist() == [0]


def test_the_rate_goes_by_the_clock_not_by_the_count(tmp_path: Path) -> None:
    ticks = [0, 10, 20, 30, 40, 50, 150, 155, 160, 250]
    clip = write_clip(tmp_path / "uneven.mp4", moving(0, 10), ticks=ticks)
    kept = list(sample_frames(clip, FrameSampling(fps=2)))
    assert [f.index for f in kept] == [0, 5, 6, 9]
    assert [f.index for f in sample_frames(clip, FrameSampling(every=4))] == [0, 4, 8]


def test_still_pictures_are_kept_once_and_each_shot_has_its_first(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "still.mp4", [textured(0)] * 8 + moving(1, 10, step=12) + [textured(2)] * 8)
    kept = [f.index for f in sample_frames(clip, FrameSampling(min_change=0.02))]
    assert kept[0] == 0
    assert [i for i in kept if i < 8] == [0]
    assert 8 in kept
    assert [i for i in kept if i >= 18] == [18]
    assert len([i for i in kept if 8 <= i < 18]) > 2


def test_blurred_frames_give_their_slot_to_the_next_sharp_one(tmp_path: Path) -> None:
    images = moving(1, 20)
    for blurred in (5, 6, 13):
        images[blurred] = np.asarray(cv2.GaussianBlur(images[blurred], (0, 0), 4), dtype=np.uint8)
    clip = write_clip(tmp_path / "blurred.mp4", images)
    sharp = [f.index for f in sample_frames(clip, FrameSampling(min_sharpness=0.5))]
    assert sorted(set(range(20)) - set(sharp)) == [5, 6, 13]
    assert [f.index for f in sample_frames(clip, FrameSampling(every=5, min_sharpness=0.5))] == [0, 7, 10, 15]


def test_sharpness_falls_with_blur() -> None:
    image = textured(4)
    values = [sharpness_of(np.asarray(cv2.GaussianBlur(image, (0, 0), s), dtype=np.uint8)) for s in (0.5, 1, 2, 4)]
    assert values == sorted(values, reverse=True)


@given(st.lists(st.floats(0.001, 2), min_size=1, max_size=60), st.floats(0.2, 50))
def test_a_rate_is_never_passed_and_no_full_slot_is_left_out(gaps: list[float], fps: float) -> None:
    times = np.cumsum(gaps)
    n = len(times)
    seen = Survey(times, np.zeros((n, 2, 2, 3), np.uint8), np.ones(n), np.zeros(n, np.int64), np.zeros(n, bool))
    kept = choose(seen, FrameSampling(fps=fps))
    slots = np.floor((times - times[0]) * fps + 1e-6).astype(int)
    assert slots[kept].tolist() == sorted(set(slots.tolist()))


@pytest.mark.parametrize("bad", [{"every": 0}, {"fps": -1}, {"min_change": 1.0}, {"min_sharpness": float("nan")}])
def test_senseless_rules_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ParamsError):
        FrameSampling(**bad)  # type: ignore[arg-type]


def test_a_broken_tail_is_reported_once_though_the_video_is_read_twice(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "cut.mp4", [textured(i) for i in range(30)], movflags="faststart")
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    told: list[str] = []
    assert list(sample_frames(clip, FrameSampling(min_change=0.01), tell=told.append))
    assert len(told) == 1


def test_frames_after_damage_are_chosen_by_what_they_show(tmp_path: Path) -> None:
    """Six still pictures, eight frames each; two frames are lost in the first."""
    pictures = [textured(number // 8) for number in range(48)]
    clip = damaged(write_clip(tmp_path / "still.mp4", pictures), [2, 3])
    kept = [frame.index for frame in sample_frames(clip, FrameSampling(min_change=0.05))]
    assert [index for index in kept if index >= 12] == [16, 24, 32, 40]


@pytest.mark.parametrize(
    "sampling", [FrameSampling(), FrameSampling(fps=5), FrameSampling(min_change=0.001), FrameSampling(every=3)]
)
def test_what_the_decoder_made_up_is_never_chosen(tmp_path: Path, sampling: FrameSampling) -> None:
    """Three packets of HEVC are noise: frames that lean on them come, marked, with a wrong picture."""
    clip = damaged(write_clip(tmp_path / "clip.mp4", moving(1, 60), codec="libx265"), [30, 31, 32])
    decoded = {frame.index: frame.damaged for frame in iter_frames(clip, tell=lambda line: None)}
    chosen = [frame.index for frame in sample_frames(clip, sampling, tell=lambda line: None)]
    assert sum(decoded.values()) > 10 and sum(not made_up for made_up in decoded.values()) > 10
    assert chosen and not any(decoded[index] for index in chosen)
    if sampling == FrameSampling():
        assert chosen == [index for index, made_up in decoded.items() if not made_up]


def test_a_damaged_frame_gives_its_slot_to_the_next_whole_one() -> None:
    n = 20
    made_up = np.isin(np.arange(n), [5, 6, 13])
    pictures = np.zeros((n, 2, 2, 3), np.uint8)
    seen = Survey(np.arange(n) / 10, pictures, np.ones(n), np.zeros(n, np.int64), made_up)
    assert choose(seen, FrameSampling(every=5)).tolist() == [0, 7, 10, 15]
