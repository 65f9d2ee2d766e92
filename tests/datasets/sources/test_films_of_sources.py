"""Films of one name in two sources of frames are two, and a source that is appended renames nothing."""

from pathlib import Path

import cv2

from dataengine.datasets.sources.user_sources import SourceParams, read_sources
from dataengine.formats.reading.content import Limits

from ...helpers.clips import textured


def frames_in(folder: Path, video: str, seed: int) -> SourceParams:
    folder.mkdir()
    for number in range(2):
        cv2.imwrite(str(folder / f"{video}_{number:06d}.jpg"), textured(seed + number))
    return SourceParams(images=str(folder), format="frames", name=folder.name)


def names(*params: SourceParams) -> list[set[str]]:
    return [set(source.content.images.video.tolist()) for source in read_sources(params, Limits())]


def test_a_name_that_is_taken_gets_its_source_in_front(tmp_path: Path) -> None:
    gym, court = frames_in(tmp_path / "gym", "walk", 0), frames_in(tmp_path / "court", "walk", 9)
    assert names(gym, court) == [{"walk"}, {"court/walk"}]
    assert names(gym) == [{"walk"}]


def test_a_name_by_content_is_one_film_in_both(tmp_path: Path) -> None:
    first, second = (frames_in(tmp_path / name, "walk-sha1a2b3c4d", 0) for name in ("first", "second"))
    assert names(first, second) == [{"walk-sha1a2b3c4d"}, {"walk-sha1a2b3c4d"}]
