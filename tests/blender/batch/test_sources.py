"""Every file that decides a picture is part of its fingerprint."""

import shutil
from pathlib import Path

import pytest

from dataengine.blender.batch.sources import CLIPS, STILLS, TARGETED, sources_sha256

PACKAGES = (*STILLS, *CLIPS, *TARGETED)


@pytest.fixture
def room(repository: Path, tmp_path: Path) -> Path:
    """A copy of the renderer's sub-packages."""
    for package in PACKAGES:
        shutil.copytree(
            repository / "blender" / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    return tmp_path


def test_a_copy_has_the_same_hash(room: Path) -> None:
    assert sources_sha256(*PACKAGES, room=room) == sources_sha256(*PACKAGES)


def test_a_flipped_byte_in_any_source_gives_another_hash(room: Path) -> None:
    before = sources_sha256(*PACKAGES, room=room)
    sources = [path for path in room.rglob("*") if path.suffix in (".py", ".yaml") and path.stat().st_size]
    assert len(sources) > 40
    for path in sources:
        content = path.read_bytes()
        path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
        assert sources_sha256(*PACKAGES, room=room) != before, path
        path.write_bytes(content)
    assert sources_sha256(*PACKAGES, room=room) == before


def test_new_and_renamed_files_count(room: Path) -> None:
    before = sources_sha256(*STILLS, room=room)
    (room / "scene" / "deeper").mkdir()
    (room / "scene" / "deeper" / "fog.py").write_text("DENSITY = 0.1\n")
    added = sources_sha256(*STILLS, room=room)
    (room / "scene" / "deeper" / "fog.py").rename(room / "scene" / "deeper" / "haze.py")
    assert len({before, added, sources_sha256(*STILLS, room=room)}) == 3


def test_caches_of_python_do_not_count(room: Path) -> None:
    before = sources_sha256(*STILLS, room=room)
    (room / "scene" / "__pycache__").mkdir()
    (room / "scene" / "__pycache__" / "spec.cpython-311.pyc").write_bytes(b"anything")
    assert sources_sha256(*STILLS, room=room) == before


def test_what_only_clips_depend_on_leaves_stills_alone(room: Path) -> None:
    before = sources_sha256(*STILLS, room=room)
    (room / "clips" / "layout.py").write_text("changed\n")
    assert sources_sha256(*STILLS, room=room) == before


def test_a_package_that_is_not_there_is_an_error(room: Path) -> None:
    with pytest.raises(ValueError, match="lighting"):
        sources_sha256("lighting", room=room)
