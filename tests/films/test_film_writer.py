"""Films that are written, where times are not those of a camera."""

from pathlib import Path

import numpy as np
import pytest

from dataengine.films.film_writer import LONGEST_STILL_S, FilmWriter, available_encoder
from dataengine.video.decoding import iter_frames


@pytest.mark.parametrize("first_s", [0.0, 5.0])
def test_a_pause_that_no_film_can_hold_is_cut(tmp_path: Path, first_s: float) -> None:
    """MP4 refused lengths of an image above 2**31 ticks, and PyAV times above 2**63."""
    encoder, suffix = available_encoder()
    image = np.zeros((16, 16, 3), dtype=np.uint8)
    path = tmp_path / f"film{suffix}"
    with FilmWriter(path, encoder) as writer:
        for time_s in (first_s, first_s + 1, 1e5, 1e5 + 1, 1e30, 1e30):
            writer.write(image, time_s)
    steps = np.diff([frame.pts_s for frame in iter_frames(path)])
    assert steps[[0, 1, 2, 3]] == pytest.approx([1, LONGEST_STILL_S, 1, LONGEST_STILL_S], abs=1e-3)
    assert 0 < steps[4] < 1e-3
