"""Films as people have them: mirrored, with artwork, damaged, trimmed. Written here, and read as players show them."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.video import FilmAccount, iter_frames

from ..helpers.clips import damaged, shown_by, textured, trimmed, write_clip

FRAMES = 40
SIGNS = (1, -1)
EIGHT = [(a, 0, 0, d) for a, d in itertools.product(SIGNS, SIGNS)] + [
    (0, b, c, 0) for b, c in itertools.product(SIGNS, SIGNS)
]


def scenes(count: int = FRAMES) -> list[NDArray[np.uint8]]:
    """One scene in which a bright square walks."""
    scene = textured(3)
    pictures = [scene.copy() for _ in range(count)]
    for number, picture in enumerate(pictures):
        picture[40:60, 2 * number : 2 * number + 20] = 255
    return pictures


def shown(stored: NDArray[np.uint8], matrix: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """Every stored pixel put where the matrix maps its centre, moved to begin at 0."""
    a, b, c, d = matrix
    rows, columns = np.indices(stored.shape[:2])
    x, y = a * columns + c * rows, b * columns + d * rows
    x, y = x - x.min(), y - y.min()
    picture = np.zeros((int(y.max()) + 1, int(x.max()) + 1, 3), dtype=np.uint8)
    picture[y, x] = stored
    return picture


@pytest.mark.parametrize("matrix", EIGHT)
def test_a_film_is_shown_as_its_display_matrix_says(tmp_path: Path, matrix: tuple[int, int, int, int]) -> None:
    clip = write_clip(tmp_path / "clip.mp4", scenes(2))
    stored = next(iter_frames(clip)).image_bgr
    np.testing.assert_array_equal(next(iter_frames(shown_by(clip, *matrix))).image_bgr, shown(stored, matrix))


def test_a_film_turned_by_an_odd_angle_is_refused(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", scenes(2))
    with pytest.raises(InputError, match="odd angle"):
        next(iter_frames(shown_by(clip, 1, 1, -1, 1)))


@pytest.mark.parametrize("suffix", ["mkv", "mov"])
def test_artwork_before_the_film_is_not_the_film(tmp_path: Path, suffix: str) -> None:
    cover = textured(9, shape=(300, 300))
    clip = write_clip(tmp_path / f"film.{suffix}", scenes(), cover=cover, codec="libx264")
    frames = list(iter_frames(clip))
    assert len(frames) == FRAMES
    assert frames[0].image_bgr.shape == (96, 128, 3)


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_decoding_goes_on_after_damage_and_says_what_is_lost(tmp_path: Path, codec: str) -> None:
    clip = write_clip(tmp_path / "clip.mp4", scenes(), codec=codec)
    whole = {frame.pts: frame for frame in iter_frames(clip)}
    told, account = list[str](), FilmAccount()
    rest = list(iter_frames(damaged(clip, packets=(15, 16)), tell=told.append, account=account))
    assert len(rest) == account.decoded == FRAMES - 2
    assert account.lost == 2
    assert not account.fault
    assert len(told) == 1
    assert "2 frames cannot be decoded, 38 can" in told[0]
    assert [frame.index for frame in rest] == list(range(FRAMES - 2))
    for frame in rest:  # what is not marked is what it was, at its own time
        if not frame.damaged and frame.pts < whole[rest[0].pts].pts + 14:
            np.testing.assert_array_equal(frame.image_bgr, whole[frame.pts].image_bgr)
    assert {frame.pts for frame in rest} < set(whole)


def test_a_film_whose_first_frame_is_lost_is_used_from_the_next_that_can_be(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", scenes(), codec="libx264", g="10")
    account = FilmAccount()
    rest = list(iter_frames(damaged(clip, packets=(0,)), tell=lambda line: None, account=account))
    assert len(rest) >= FRAMES - 10
    assert account.lost >= 1


@pytest.mark.parametrize(("start", "count"), [(0, 20), (10, 30), (15, 10)])
def test_an_edit_list_raises_no_alarm(tmp_path: Path, start: int, count: int) -> None:
    clip = write_clip(tmp_path / "clip.mp4", scenes())
    told: list[str] = []
    frames = list(iter_frames(trimmed(clip, start=start, frames=count), tell=told.append))
    assert told == []
    assert abs(len(frames) - count) <= 1
    everything = list(iter_frames(clip))
    np.testing.assert_array_equal(frames[-1].image_bgr, everything[start + len(frames) - 1].image_bgr)
