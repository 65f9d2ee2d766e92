"""A picture in two sets of a study is refused, whatever its name."""

import shutil
from pathlib import Path

import pytest

from dataengine.errors import InputError
from dataengine.studies.shared_pictures import picture_hashes, refuse_shared_pictures

from ..helpers.drawn_people import draw_people_at


def test_a_picture_in_two_sets_is_refused_by_its_bytes(tmp_path: Path) -> None:
    sets = {
        f"--{name}": draw_people_at(tmp_path / name, 3, seed)[1] for seed, name in enumerate(("real", "val", "test"))
    }
    refuse_shared_pictures(sets)
    shutil.copyfile(sets["--real"].path[1], sets["--test"].path[2])
    with pytest.raises(InputError, match="--real and --test share pictures: expected none, got 1, such as "):
        refuse_shared_pictures(sets)


def test_a_picture_that_changes_under_its_name_has_another_hash(tmp_path: Path) -> None:
    _, images = draw_people_at(tmp_path, 3, seed=0)
    before = picture_hashes(images)
    assert len(set(before)) == 3 and picture_hashes(images) == before
    shutil.copyfile(images.path[0], images.path[1])
    assert picture_hashes(images) == [before[0], before[0], before[2]]
    Path(images.path[2]).unlink()
    with pytest.raises(InputError, match=r"image .* does not exist"):
        picture_hashes(images)
