"""What a source tells about itself."""

import os
from pathlib import Path

import pytest

from dataengine.errors import InputError
from dataengine.infer.sources import FilmFile, open_source

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


def test_no_name_is_not_the_folder_one_is_in_and_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="without a name does not exist: expected a film"):
        open_source("")
    os.mkfifo(tmp_path / "walk.mp4")
    with pytest.raises(InputError, match=r"walk\.mp4 is not a file: .*got a pipe or a device"):
        open_source(str(tmp_path / "walk.mp4"))
