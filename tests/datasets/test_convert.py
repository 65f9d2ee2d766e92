"""The command, as a user types it."""

import json
from pathlib import Path

import pytest

from dataengine.cli import main
from dataengine.format_table import FORMATS

from ..formats.writing_samples import write_image


def labels(folder: Path) -> Path:
    """Two pictures, one with a person."""
    for name in ("a.png", "b.png"):
        write_image(folder / "images" / name)
    (folder / "labels").mkdir()
    (folder / "labels/a.txt").write_text("0 0.5 0.5 0.4 0.4 " + "0.5 0.5 2 " * 17 + "\n0 1\n")
    return folder


def arguments(folder: Path, target: str, out: Path) -> list[str]:
    source = ["--from", "yolo", "--annotations", str(folder / "labels"), "--images", str(folder / "images")]
    return ["convert", *source, "--to", target, "--out", str(out)]


def test_it_says_what_it_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(arguments(labels(tmp_path), "crowdpose", tmp_path / "out"))
    shown = capsys.readouterr().out
    assert "line 2: 2 columns, not 39 or 56" in shown
    assert "not representable: nose 1, left_eye 1" in shown
    assert "4 records: 1 people, 2 images, 1 quarantined, 0 passed over" in shown
    assert len(json.loads((tmp_path / "out/annotations.json").read_text())["annotations"]) == 1


def test_it_says_what_it_passed_over_and_took_for_granted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = labels(tmp_path)
    (folder / "labels/classes.txt").write_text("person\nball\n")
    (folder / "labels/b.txt").write_text("1 0.5 0.5 0.4 0.4\n1 0.5 0.5 0.4 0.4\n0 0.5 0.5 0.4 0.4\n")
    with pytest.raises(SystemExit, match="0"):
        main(arguments(folder, "coco", tmp_path / "out"))
    shown = capsys.readouterr().out
    assert "passed over: 1 no joints, 2 other category (ball 2)" in shown
    assert "taken: joints in the format's order, since nothing names them (1)" in shown
    document = json.loads((tmp_path / "out/report.json").read_text())
    assert document["passed_over"] == {"no joints": 1, "other category": 2}
    assert document["other_categories"] == {"ball": 2}
    assert document["records"] == {"in": 7, "people": 1, "images": 2, "quarantined": 1, "passed_over": 3}


def test_it_replaces_its_own_folder_and_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = labels(tmp_path / "in")
    for _ in range(2):
        with pytest.raises(SystemExit, match="0"):
            main(arguments(folder, "coco", tmp_path / "out"))
    with pytest.raises(SystemExit, match="2"):
        main(arguments(folder, "coco", folder))
    assert "expected a new folder" in capsys.readouterr().err
    assert (folder / "images/a.png").exists()


@pytest.mark.parametrize("target", [name for name, entry in FORMATS.items() if entry.write is None])
def test_formats_without_a_writer_are_refused(tmp_path: Path, target: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments(labels(tmp_path), target, tmp_path / "out"))
    assert "cannot be written: expected coco" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_annotations_are_asked_for_where_the_format_has_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = labels(tmp_path) / "images"
    (images / "a.png").rename(images / "clip_000000.png")
    to = ["--images", str(images), "--to", "coco", "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit, match="2"):
        main(["convert", "--from", "lsp", *to])
    assert "--annotations is missing: expected joints.mat of LSP or LSPET" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="0"):
        main(["convert", "--from", "frames", *to])
    assert "0 people, 1 images" in capsys.readouterr().out


def test_a_set_of_which_no_picture_can_be_used_is_refused_and_what_was_written_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, ours, out = labels(tmp_path / "in"), tmp_path / "ours", tmp_path / "out"
    with pytest.raises(SystemExit, match="0"):
        main(arguments(folder, "dataengine", ours))
    again = ["convert", "--from", "dataengine", "--annotations", str(ours / "annotations.json"), "--to", "coco"]
    with pytest.raises(SystemExit, match="0"):
        main([*again, "--images", str(ours), "--out", str(out)])
    before = {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    capsys.readouterr()
    with pytest.raises(SystemExit, match="2"):
        main([*again, "--images", str(ours / "images"), "--out", str(out)])
    said = capsys.readouterr().err
    assert "no picture of the set can be used: expected one or more, got 3 bad records" in said
    assert "images/a.png: images 1: the image does not exist; give the folder" in said
    assert {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_nothing_lost_is_not_listed_as_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = labels(tmp_path / "in")
    (folder / "labels/a.txt").write_text("")
    with pytest.raises(SystemExit, match="0"):
        main(arguments(folder, "lsp", tmp_path / "out"))
    shown = capsys.readouterr().out
    assert "written: 0 people, 2 images" in shown
    assert "not representable" not in shown
