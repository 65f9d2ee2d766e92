"""Hostile and broken pictures: one line each, and none of them decoded into memory first."""

import hashlib
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataengine.leakage import picture_facts
from dataengine.leakage.picture_facts import PictureFacts, inspect_picture, inspect_pictures


def jpeg(path: Path, progressive: bool = False) -> Path:
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path, "JPEG", progressive=progressive)
    return path


def bomb(path: Path) -> None:
    """A PNG of a few hundred bytes that says it is 30,000 x 30,000."""
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d)) for t, d in chunks)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def cut(progressive: bool) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        content = jpeg(path, progressive).read_bytes()
        path.write_bytes(content[: int(len(content) * 0.97)])

    return make


BAD: list[tuple[str, Callable[[Path], object], str]] = [
    ("absent", lambda path: None, "does not exist"),
    ("truncated near the end", cut(False), "cannot be read"),
    ("progressive, truncated near the end", cut(True), "cannot be read"),
    ("a page", lambda path: path.write_text("<html>"), "cannot be read"),
    ("empty", lambda path: path.write_bytes(b""), "cannot be read"),
    ("a folder", lambda path: path.mkdir(), "cannot be read"),
    ("a bomb", bomb, "30000x30000 pixels are more than 50 million"),
]


@pytest.mark.parametrize(("name", "make", "reason"), BAD, ids=[name for name, _, _ in BAD])
def test_a_picture_that_cannot_be_used_says_why_in_one_line(
    tmp_path: Path, name: str, make: Callable[[Path], object], reason: str
) -> None:
    make(tmp_path / "x.jpg")
    found = inspect_picture(str(tmp_path / "x.jpg"))
    assert isinstance(found, str) and "\n" not in found
    assert reason in found


def test_a_picture_above_the_limit_is_refused_by_its_header(tmp_path: Path) -> None:
    Image.new("L", (1500, 1000)).save(tmp_path / "x.png")
    assert "1500x1000 pixels are more than 1 million" in str(inspect_picture(str(tmp_path / "x.png"), largest_mpx=1))
    assert isinstance(inspect_picture(str(tmp_path / "x.png"), largest_mpx=2), PictureFacts)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_facts, "LARGEST_FILE_BYTES", 1000)
    assert "more than 1000" in str(inspect_picture(str(jpeg(tmp_path / "x.jpg"))))


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "CMYK", "1", "I;16"])
def test_every_kind_of_picture_gives_a_thumbnail(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("x.jpg" if mode == "CMYK" else "x.png")
    grey = np.linspace(0, 255, 64 * 48).reshape(48, 64).astype(np.uint8)
    image = Image.fromarray(grey.astype(np.uint16) * 256) if mode == "I;16" else Image.fromarray(grey).convert(mode)
    image.save(path)
    look = inspect_picture(str(path))
    assert isinstance(look, PictureFacts)
    assert look.thumbnail.shape == (32, 32) and look.thumbnail.dtype == np.uint8
    assert look.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_all_are_looked_at_in_order(tmp_path: Path) -> None:
    paths = []
    for width in range(40, 60):
        path = tmp_path / f"{width}.png"
        Image.new("RGB", (width, 30)).save(path)
        paths.append(str(path))
    looks = inspect_pictures(paths)
    assert [look.header.width for look in looks if isinstance(look, PictureFacts)] == list(range(40, 60))
