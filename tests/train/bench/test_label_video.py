from pathlib import Path

import numpy as np
import pytest

from dataengine.bench.record import Figure, Missing
from dataengine.train.bench import label_video
from dataengine.video.decoding import iter_frames

from ..film.made_film import BlockDetector, film


def test_a_film_is_repeated_frame_by_frame_at_rising_times(tmp_path: Path) -> None:
    once = film(tmp_path / "once.mp4", 12)
    thrice = list(iter_frames(label_video.repeated(once, tmp_path / "thrice.mp4", 3)))
    pictures = [frame.image_bgr for frame in iter_frames(once)]
    assert len(thrice) == 36 and np.diff([frame.pts_s for frame in thrice]).min() > 0.05
    assert all((frame.image_bgr == pictures[frame.index % 12]).all() for frame in thrice)


def test_without_the_film_the_figures_are_missing(tmp_path: Path) -> None:
    figures = list(label_video.run(tmp_path / "none.mp4"))
    assert len(figures) == 4 and all(isinstance(figure, Missing) for figure in figures)


def test_the_figures_are_of_the_stream(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walk = film(tmp_path / "walk.mp4", 20)
    monkeypatch.setattr(label_video, "BlazePoseDetector", lambda models, every, threads: BlockDetector(every))
    monkeypatch.setattr(label_video, "PARAMS", repository / "params.yaml")
    monkeypatch.setattr(label_video, "plain_seconds", lambda path, folder: 4.0)
    monkeypatch.setattr(label_video, "peak_mb", lambda path, folder: 100.0 + len(list(iter_frames(path))))
    share, twice, plain, memory = label_video.run(walk, (1, 3))
    assert isinstance(share, Figure) and isinstance(plain, Figure) and isinstance(memory, Figure)
    assert isinstance(twice, Figure) and (twice.name, twice.ours) == ("video.share_of_two_looks", share.ours)
    assert share.ours > 0 and share.peer is not None and share.peer > 0
    assert (plain.peer, memory.ours) == (5.0, 40.0)
    assert memory.peer == pytest.approx(40 * 160 * 120 * 3 / 1e6)
