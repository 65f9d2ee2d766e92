"""Lines of people that grow in place, on a disk that is full."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from dataengine.errors import EnvironmentFault
from dataengine.films.coco_lines import ANNOTATIONS, IMAGES, CocoLines

from ..helpers.drawn_people import draw_people_at


@pytest.fixture
def no_file_beyond() -> Iterator[int]:
    """The most bytes of a file, as of a disk that is full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, limits[1]))
    yield 300
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("ends", ["synced", "close"])
def test_a_full_disk_is_one_line_that_names_the_file(tmp_path: Path, ends: str, request: pytest.FixtureRequest) -> None:
    people, images = draw_people_at(tmp_path / "pictures", 2, seed=0)
    lines = CocoLines(tmp_path / "film")
    lines.synced()
    request.getfixturevalue("no_file_beyond")
    lines.add(people, images, first_id=1)  # so few that they stay in memory
    with pytest.raises(EnvironmentFault, match=rf"cannot write .*({IMAGES}|{ANNOTATIONS}): got .*; make room"):
        getattr(lines, ends)()
