"""What a source tells about itself."""

from pathlib import Path

import pytest

from dataengine.infer.sources import FilmFile

from ..train.film.made_film import film


def test_what_a_film_has_lost_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = film(tmp_path / "walk.mp4", 3)
    monkeypatch.setattr(
        "dataengine.infer.sources.iter_frames", lambda _, tell: tell("walk.mp4: 1 of 3 frames is lost") or ()
    )
    source = FilmFile(path)
    assert list(source) == []
    assert source.refused == ["walk.mp4: 1 of 3 frames is lost"]
    assert "infer: walk.mp4: 1 of 3 frames is lost" in capsys.readouterr().err
