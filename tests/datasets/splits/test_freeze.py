"""A test set that is frozen stays what it is, or is refused with what changed."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataengine.datasets.checks.params import ChecksParams
from dataengine.datasets.quality.intake import Intake
from dataengine.datasets.splits.assign import DROPPED, SplitParams, split_group
from dataengine.datasets.splits.freeze import LOCK_NAME
from dataengine.errors import InputError

from ...helpers.intakes import check_and_split
from ..checked_samples import SPLIT, a_set


def frozen(folder: Path, intake: Intake) -> SplitParams:
    """The params that freeze what `intake` found, as a user does it: the lock file copied."""
    folder.mkdir(parents=True)
    intake.freeze(folder, SPLIT)
    shutil.copyfile(folder / LOCK_NAME, folder / "kept.json")
    return replace(SPLIT, frozen_test=str(folder / "kept.json"))


def test_a_frozen_test_set_stays_while_data_is_added_and_what_would_join_it_waits(tmp_path: Path) -> None:
    people, images = a_set(tmp_path / "s", list(range(60)))
    first = check_and_split(
        people.take(np.arange(25)), images.take(np.arange(25)), ChecksParams(), SPLIT, report=tmp_path / "r"
    )
    params = frozen(tmp_path / "lock", first)
    second = check_and_split(people, images, ChecksParams(), params, report=tmp_path / "r")
    second.freeze(tmp_path / "again", params)
    assert second.test_set(params) == first.test_set(SPLIT)
    assert (second.split[:25] == first.split).all()
    waiting = [split_group(key, SPLIT) == "test" for key in second.keys[25:]]
    assert (second.split[25:][waiting] == DROPPED).all() and sum(waiting) > 3
    assert "reserved" in (tmp_path / "r/quality.html").read_text()
    renamed = check_and_split(people, images, ChecksParams(), replace(params, test_version="2"), report=tmp_path / "r")
    grown = renamed.freeze(tmp_path / "new", replace(params, test_version="2"))
    assert set(grown.keys) > set(first.test_set(SPLIT).keys) and grown.version == "2"


def test_a_changed_test_set_is_refused_with_what_changed(tmp_path: Path) -> None:
    people, images = a_set(tmp_path / "s", list(range(25)))
    params = frozen(tmp_path / "lock", check_and_split(people, images, ChecksParams(), SPLIT, report=tmp_path / "r"))
    before = check_and_split(people, images, ChecksParams(), params, report=tmp_path / "r")
    row = int(np.flatnonzero(before.people_split() == "test")[0])
    points = people.keypoints_px.copy()
    points[row, 3, 0] += 0.01
    moved = check_and_split(people.replace(keypoints_px=points), images, ChecksParams(), params, report=tmp_path / "r")
    with pytest.raises(InputError, match=r"frozen and has changed.*other labels.*test_version"):
        moved.freeze(tmp_path / "x", params)
    rest = np.setdiff1d(np.arange(25), [row])
    fewer = check_and_split(people.take(rest), images.take(rest), ChecksParams(), params, report=tmp_path / "r")
    with pytest.raises(InputError, match="1 images missing, 0 new"):
        fewer.freeze(tmp_path / "x", params)
    assert not (tmp_path / "x").exists()


def test_the_test_sets_hash_knows_neither_order_nor_place(tmp_path: Path) -> None:
    people, images = a_set(tmp_path / "s", list(range(60)))
    shutil.copytree(tmp_path / "s", tmp_path / "t")
    elsewhere = images.replace(path=[p.replace(str(tmp_path / "s"), str(tmp_path / "t")) for p in images.path])
    order = np.random.default_rng(1).permutation(60)
    ours, theirs = (
        check_and_split(p, i, ChecksParams(), SPLIT, report=tmp_path / "r").test_set(SPLIT)
        for p, i in ((people, images), (people.take(order), elsewhere.take(order[::-1])))
    )
    assert ours == theirs and ours.people > 10


@pytest.mark.parametrize("text", ["[]", '{"version": "1"}', '{"version": 1, "sha256": 2, "people": 3, "keys": [4]}'])
def test_a_lock_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "lock.json").write_text(text)
    people, images = a_set(tmp_path / "s", [1])
    with pytest.raises(InputError, match="does not freeze a test set"):
        check_and_split(
            people,
            images,
            ChecksParams(),
            replace(SPLIT, frozen_test=str(tmp_path / "lock.json")),
            report=tmp_path / "r",
        )
