"""The command `check`, judged by the files it writes."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataengine.coco_json import write_people
from dataengine.datasets.check import _summary, run
from dataengine.datasets.checks.params import ChecksParams
from dataengine.datasets.quality.report import write_suspects
from dataengine.errors import InputError, ParamsError

from ..helpers.browser import browse, seen_on_a_phone
from ..helpers.drawn_people import draw_people_at
from ..helpers.label_files import labelled
from .checked_samples import a_set, near_twins
from .ingest_samples import small_set


class Page(HTMLParser):
    """What a page asks for and what tags it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.asks: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.asks += [value or "" for name, value in attributes if name in ("src", "href", "srcset", "action")]


def test_the_command_shows_files_as_splits_and_the_page_is_safe_and_asks_for_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "<script>alert(1)</script> & co"
    people, images = near_twins(folder)
    for name, rows in (("train", np.arange(0, 60, 2)), ("test", np.arange(1, 60, 2))):
        write_people(folder / f"{name}.json", people.take(rows), images.take(rows))
    (folder / "0.jpg").unlink()
    files = [folder / "train.json", folder / "test.json"]
    quality = run(ChecksParams(), annotations=files, images=[folder], out=tmp_path / "out")
    assert quality.across_splits().sum() == 29 and set(quality.split) == {"train", "test"}
    text = (tmp_path / "out/quality.html").read_text()
    page = Page(text)
    assert "script" not in page.tags and "&lt;script&gt;" in text
    assert page.tags.count("img") >= 48, "24 pairs are shown"
    assert all(ask.startswith(("data:image/jpeg;base64,", "#")) for ask in page.asks)
    assert not re.search(r"url\(|@import|http", re.sub(r"base64,[^\"]*", "", text))
    assert "prefers-color-scheme:dark" in text and 'name="viewport"' in text
    assert "near-duplicate pairs lie across splits" in " ".join(text.split())
    counts = json.loads((tmp_path / "out/quality.json").read_text())["counts"]
    assert counts == {"in": 120, "kept": 118, "quarantined": 2, "merged": 0, "left_out": 0, "passed_over": 0}


def test_two_files_of_one_name_are_two_splits(tmp_path: Path) -> None:
    people, images = near_twins(tmp_path)
    files = [tmp_path / "a/people.json", tmp_path / "b/people.json"]
    for file, first in zip(files, (0, 1), strict=True):
        rows = np.arange(first, 60, 2)
        part = images.take(rows).replace(path=[str(file.parent / Path(path).name) for path in images.path[rows]])
        write_people(file, people.take(rows), part)
    quality = run(ChecksParams(), annotations=files, images=[tmp_path], out=tmp_path / "out")
    assert quality.across_splits().sum() == 30 and set(quality.split) == {"a/people", "b/people"}
    assert json.loads((tmp_path / "out/quality.json").read_text())["splits"] == {"a/people": 30, "b/people": 30}
    assert "a/people 30 images, b/people 30 images." in (tmp_path / "out/quality.html").read_text()
    said = _summary(quality, tmp_path / "out")
    assert said.count("120 records: 120 kept") == 1 and "0 merged, 0 passed over" in said, "counts stand there once"


def test_labels_of_people_must_lie_on_the_pictures_that_were_labelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = labelled(*draw_people_at(Path("pool"), 4, seed=0))
    store = [done.path.parent]
    assert run(ChecksParams(), annotations=[done.path], images=store, out=Path("out")).counts.kept == 8
    first, second = sorted((done.path.parent / "pictures").iterdir())[:2]
    first.write_bytes(second.read_bytes())
    with pytest.raises(InputError, match=rf"{done.path} has labels of.*{first} has changed.*`dvc pull --force"):
        run(ChecksParams(), annotations=[done.path], images=store, out=Path("out"))


def test_the_page_fits_a_phone_prints_and_leaves_the_console_silent(tmp_path: Path) -> None:
    people, images = near_twins(tmp_path / "twins")
    boxes = people.bbox_xywh_px.copy()
    boxes[:5] = [[40, 40, side, side] for side in (9, 8, 7, 6, 5)]
    write_people(tmp_path / "twins/all.json", people.replace(bbox_xywh_px=boxes), images)
    run(ChecksParams(), annotations=[tmp_path / "twins/all.json"], images=[tmp_path / "twins"], out=tmp_path / "out")
    page = tmp_path / "out/quality.html"
    text = page.read_text().replace('loading="lazy"', "")  # those below the fold would not be loaded in so short a look
    width, pictures, broken, wide = seen_on_a_phone(text, tmp_path)
    assert width <= 375, f"too wide: {wide}"
    assert pictures >= 48 and broken == 0
    printed = tmp_path / "quality.pdf"
    logged = "--enable-logging=stderr", "--log-level=0"
    said = browse(tmp_path / "profile", *logged, f"--print-to-pdf={printed}", page.as_uri()).stderr
    assert "CONSOLE" not in said
    assert printed.read_bytes().startswith(b"%PDF")


def test_the_sheet_takes_the_gravest_of_each_check_in_turn(tmp_path: Path) -> None:
    people, images = a_set(tmp_path / "s", list(range(8)))
    boxes = people.bbox_xywh_px.copy()
    boxes[:5] = [[40, 40, side, side] for side in (9, 8, 7, 6, 5)]
    write_people(tmp_path / "s/a.json", people.replace(bbox_xywh_px=boxes), images)
    quality = run(ChecksParams(), annotations=[tmp_path / "s/a.json"], images=[tmp_path / "s"], out=tmp_path / "out")
    drawn = write_suspects(tmp_path / "again.jpg", quality)
    assert [f.check for f in drawn] == ["tiny", "box"] * 5
    assert [f.id for f in drawn if f.check == "tiny"] == ["5", "4", "3", "2", "1"], "the smallest first"
    with Image.open(tmp_path / "out/suspects.jpg") as sheet:
        assert sheet.size == (6 * 176, 2 * 176)
        photographs = np.asarray(sheet)
    write_suspects(tmp_path / "labels.jpg", quality, photographs=False)
    with Image.open(tmp_path / "labels.jpg") as sheet:
        white = (np.asarray(sheet) > 240).all(axis=2)
    assert white.mean() > 0.5 > (photographs > 240).all(axis=2).mean(), "labels alone lie on white"


def test_folders_must_match_the_files(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="--images"):
        run(ChecksParams(), annotations=[tmp_path] * 3, images=[tmp_path] * 2, out=tmp_path / "o")


def test_what_was_done_to_pictures_is_told(tmp_path: Path) -> None:
    """A turned one, one of 12 bits in 16, and one that only OpenCV and Pillow would take for whole."""
    path = small_set(tmp_path, 6)
    document = json.loads(path.read_text())
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(tmp_path / "images/000.jpg") as picture:
        picture.rotate(90, expand=True).save(tmp_path / "images/000.jpg", exif=exif)
    deep = np.random.default_rng(0).integers(0, 4096, (48, 64)).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "images/deep.png")
    document["images"][1]["file_name"] = "deep.png"
    damaged = bytearray((tmp_path / "images/002.jpg").read_bytes())
    damaged[len(damaged) // 2 : len(damaged) // 2 + 40] = bytes(40)
    (tmp_path / "images/002.jpg").write_bytes(damaged)
    path.write_text(json.dumps(document))
    quality = run(ChecksParams(), annotations=[path], images=[tmp_path / "images"], out=tmp_path / "out")
    treated = {"turned upright by EXIF orientation 6": 1, "of 12 bits, upper 8 kept": 1}
    assert quality.checked.treated == treated
    info = json.loads((tmp_path / "out/quality.json").read_text())["info"]
    assert {f"pictures {words}": count for words, count in treated.items()}.items() <= info.items()
    (fault,) = [finding for finding in quality.findings if finding.check == "picture" and finding.table == "images"]
    assert fault.file == "002.jpg" and "Corrupt JPEG data" in fault.reason
    assert "pictures of 12 bits, upper 8 kept: 1" in _summary(quality, tmp_path / "out")
