"""What lies in the output folder already is not lost, and is not taken for the source."""

from pathlib import Path

import pytest

from dataengine.errors import InputError
from dataengine.infer.keeping import check_inputs_stay, check_overlay_is_ours
from dataengine.infer.sources import PictureFiles, open_source


@pytest.mark.parametrize("name", ["overlay.mp4", "overlay/a.jpg", "overlay", "people.json", "summary.json"])
def test_no_result_takes_the_place_of_an_input(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="would be written over; name another folder"):
        check_inputs_stay(tmp_path / "deep/..", [tmp_path / "walk.mp4", tmp_path / name])
    check_inputs_stay(tmp_path / "out", [tmp_path, tmp_path / name, tmp_path / "out/walk.mp4"])


def test_only_an_overlay_that_was_drawn_is_replaced(tmp_path: Path) -> None:
    check_overlay_is_ours(tmp_path)
    (tmp_path / "overlay/deep").mkdir(parents=True)
    (tmp_path / "overlay/deep/a.png.jpg").touch()
    check_overlay_is_ours(tmp_path)
    (tmp_path / "overlay/deep/mine.jpg").touch()
    with pytest.raises(InputError, match=r"mine\.jpg would be lost"):
        check_overlay_is_ours(tmp_path)


def test_what_was_drawn_into_the_source_is_no_picture_of_it(tmp_path: Path) -> None:
    (tmp_path / "out/overlay").mkdir(parents=True)
    for name in ("a.png", "out/overlay/a.png.jpg", "out/overlay/mine.jpg", "b.png.jpg"):
        (tmp_path / name).touch()
    source = open_source(str(tmp_path), tmp_path / "out")
    assert isinstance(source, PictureFiles)
    assert [each.name for each in source.files] == ["a.png", "b.png.jpg", "mine.jpg"]
    assert (source.name, open_source(str(tmp_path / "a.png")).name) == (tmp_path.name, "a.png")
