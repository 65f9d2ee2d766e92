"""What may be named in a folder, with the links that DVC makes and those that somebody else may have made."""

import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from dataengine.coco_json import read_people, write_people
from dataengine.dvc_cache.enclosure import Enclosure
from dataengine.errors import InputError
from dataengine.people import Images, People

from ..helpers.dvc_checkout import dvc


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a picture and a sub-folder, next to a secret."""
    folder = tmp_path / "archive"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.jpg").write_text("a")
    (tmp_path / "secret.jpg").write_text("s")
    return folder


@pytest.mark.parametrize("name", ["a.jpg", "deep/../a.jpg", "deep/none.jpg", "../archive/a.jpg"])
def test_names_that_stay(folder: Path, name: str) -> None:
    assert folder / name in Enclosure(folder)


@pytest.mark.parametrize("name", ["../secret.jpg", "deep/../../secret.jpg", "/etc/passwd", "../archive-2/a.jpg", ".."])
def test_names_that_leave(folder: Path, name: str) -> None:
    assert folder / name not in Enclosure(folder)


def test_a_folder_that_is_reached_through_a_link_holds_what_is_in_it(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert tmp_path / "link" / "a.jpg" in Enclosure(tmp_path / "link")
    assert tmp_path / "link" / "a.jpg" in Enclosure(folder)


@pytest.mark.parametrize(
    "target",
    [
        "secret.jpg",
        "files/md5/secret.jpg",
        "files/md5/0a/secret.jpg",
        f"files/md5/0a/{'b' * 30}/secret.jpg",
        f"files/md5/0a/{'b' * 30}.jpg",
        f"files/md5/0a/{'b' * 30}.dir",
        f"files/sha/0a/{'b' * 30}",
    ],
)
def test_a_link_that_an_archive_holds_is_refused(folder: Path, tmp_path: Path, target: str) -> None:
    place = tmp_path / "elsewhere" / target
    place.parent.mkdir(parents=True)
    place.write_text("s")
    (folder / "link.jpg").symlink_to(place)
    assert folder / "link.jpg" not in Enclosure(folder)


def test_a_folder_of_a_cache_is_no_object_of_it(folder: Path, tmp_path: Path) -> None:
    """A link to a folder would open every name in it."""
    place = tmp_path / "cache" / "files" / "md5" / "0a" / ("b" * 30)
    place.mkdir(parents=True)
    (folder / "deeper").symlink_to(place)
    assert folder / "deeper" / "a.jpg" not in Enclosure(folder)


def test_links_in_a_circle_open_nothing(folder: Path) -> None:
    (folder / "one.jpg").symlink_to(folder / "two.jpg")
    (folder / "two.jpg").symlink_to(folder / "one.jpg")
    assert folder / "one.jpg" in Enclosure(folder)
    with pytest.raises(OSError, match="symbolic links"):
        (folder / "one.jpg").read_bytes()


@pytest.mark.parametrize("shared", [True, False])
def test_pictures_that_dvc_keeps_behind_links_can_be_read(checkout: Path, tmp_path: Path, shared: bool) -> None:
    """A cache on a server that a team shares, and the cache of the checkout itself."""
    cache = tmp_path / "server" / "cache" if shared else checkout / ".dvc" / "cache"
    dvc("config", "cache.dir", str(cache))
    dvc("config", "cache.type", "symlink")
    Path("set/images").mkdir(parents=True)
    assert cv2.imwrite("set/images/a.png", np.zeros((8, 8, 3), dtype=np.uint8))
    images = Images.build(id=[1], path=["set/images/a.png"], width=8, height=8)
    write_people(Path("set/people.json"), People.empty(), images)
    dvc("add", "-q", "set")
    picture = Path("set/images/a.png")
    assert picture.is_symlink() and cache in picture.resolve().parents
    assert read_people(Path("set/people.json"))[1].path.tolist() == [str(picture)]

    document = json.loads(Path("set/people.json").read_text())
    document["images"][0]["file_name"] = os.path.relpath(picture.resolve(), "set")
    shutil.copytree("set", "copy", symlinks=True)
    Path("copy/people.json").unlink()
    Path("copy/people.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match="leaves its folder"):  # a link may lead to an object, a name may not
        read_people(Path("copy/people.json"))
