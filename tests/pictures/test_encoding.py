import base64
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from dataengine.errors import EnvironmentFault, InputError
from dataengine.pictures.encoding import data_uri, encode_picture, write_picture

IMAGE = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)


@pytest.mark.parametrize(("suffix", "quality"), [(".png", None), (".jpg", None), (".jpg", 72), (".JPG", 100)])
def test_the_file_is_the_one_that_opencv_writes(tmp_path: Path, suffix: str, quality: int | None) -> None:
    ours, opencvs = tmp_path / f"ours{suffix}", tmp_path / f"opencv{suffix}"
    write_picture(ours, IMAGE, quality=quality)
    assert cv2.imwrite(str(opencvs), IMAGE, () if quality is None else (cv2.IMWRITE_JPEG_QUALITY, quality))
    assert ours.read_bytes() == opencvs.read_bytes() == encode_picture(IMAGE, suffix, quality=quality)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([ours.name, opencvs.name])


def test_png_keeps_every_pixel(tmp_path: Path) -> None:
    write_picture(tmp_path / "new" / "a.png", IMAGE)
    assert np.array_equal(cv2.imread(str(tmp_path / "new" / "a.png")), IMAGE)


def test_a_full_disk_is_one_clear_line_and_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    (tmp_path / f".a.{os.getpid()}.partial.png").symlink_to("/dev/full")  # where the bytes go before they are whole
    with pytest.raises(EnvironmentFault, match=r"cannot write .*a\.png: got .*No space left"):
        write_picture(path, IMAGE)
    assert not list(tmp_path.iterdir())


@contextmanager
def files_of_1_kb() -> Iterator[None]:
    """The process may write files of 1,000 bytes only: what ends a longer one in the middle.

    For as short as possible: the log that the tests' own output goes to is such a file, too.
    """
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_write_that_stops_half_way_raises_and_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with pytest.raises(EnvironmentFault, match=r"cannot write .*a\.png: got .*too large; make room"), files_of_1_kb():
        write_picture(path, IMAGE)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_one_clear_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(EnvironmentFault, match="cannot write"):
        write_picture(tmp_path / "a.png", IMAGE)


@pytest.mark.parametrize(
    ("image", "suffix"),
    [
        (IMAGE, ".txt"),
        (IMAGE, ""),
        (np.zeros((0, 0, 3), np.uint8), ".png"),
        (np.zeros((1, 70_000, 3), np.uint8), ".jpg"),
    ],
)
def test_what_no_format_can_hold_is_refused(tmp_path: Path, image: np.ndarray, suffix: str) -> None:
    with pytest.raises(InputError, match="cannot be encoded"):
        write_picture(tmp_path / f"a{suffix}", image)
    assert not list(tmp_path.iterdir())


def test_a_data_uri_holds_the_jpeg() -> None:
    head, content = data_uri(IMAGE, quality=72).split(",")
    assert head == "data:image/jpeg;base64"
    assert base64.b64decode(content) == encode_picture(IMAGE, ".jpg", quality=72)


def test_nobody_else_encodes_or_writes_pictures(repository: Path) -> None:
    rooms = ("dataengine", "blender", "datasets", "active", "train")
    found = {p.resolve() for room in rooms for p in (repository / room).rglob("*.py")}
    writers = {path for path in found if any(f"cv2.{call}(" in path.read_text() for call in ("imwrite", "imencode"))}
    assert writers == {repository / "dataengine" / "pictures" / "encoding.py"}
