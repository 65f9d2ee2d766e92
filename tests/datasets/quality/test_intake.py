"""A set that is checked and split: its counts add up, and no near duplicates lie across splits."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataengine.datasets.checks.finding import Finding
from dataengine.datasets.checks.params import ChecksParams
from dataengine.datasets.splits.assign import DROPPED, SPLITS, split_group
from dataengine.formats.reading.content import ReaderNotes
from dataengine.people import People

from ...helpers.intakes import check_and_split
from ..checked_samples import SPLIT, a_set, near_twins, picture

DAMAGE = st.sampled_from(["fine", "fine", "absent", "cut", "size", "copy", "twin", "collapsed", "near"])


@given(st.lists(DAMAGE, min_size=1, max_size=9), st.integers(0, 4), st.integers(0, 3))
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_records_in_are_kept_quarantined_or_merged_whatever_is_wrong(
    tmp_path: Path, damages: list[str], bad: int, passed_over: int
) -> None:
    shutil.rmtree(tmp_path / "s", ignore_errors=True)
    people, images = a_set(tmp_path / "s", list(range(len(damages))))
    width, points, ids = images.width.copy(), people.keypoints_px.copy(), people.image_id.copy()
    twins = []
    for row, damage in enumerate(damages):
        path = Path(images.path[row])
        if damage == "absent":
            path.unlink()
        elif damage == "cut":
            path.write_bytes(path.read_bytes()[:300])
        elif damage == "size":
            width[row] = 95
        elif damage == "copy":
            picture(path, seed=777)
        elif damage == "near":
            picture(path, seed=888, quality=95 - row)
        elif damage == "twin":
            twins.append(row)
        elif damage == "collapsed":
            points[row] = 50
    people = people.replace(keypoints_px=points, image_id=ids)
    people = People.concat([people, people.take(np.array(twins, dtype=int))])
    findings = [Finding("record", "annotations", str(n), "a.json", "bad") for n in range(bad)]
    intake = check_and_split(
        people, images.replace(width=width), ChecksParams(), SPLIT,
        report=tmp_path / "r", bad=findings, notes=ReaderNotes({"no joints": passed_over}),
    )  # fmt: skip
    document = json.loads((tmp_path / "r/quality.json").read_text())
    counts = document["counts"]
    assert counts["in"] == len(people) + len(images) + bad + passed_over
    assert counts["in"] == counts["kept"] + counts["quarantined"] + counts["merged"] + counts["passed_over"]
    kept = document["kept"]
    assert counts["kept"] == kept["images"] + kept["people"]
    used = intake.split != DROPPED
    assert kept["images"] == used.sum() and kept["people"] == (intake.people_split() != DROPPED).sum()
    copies = damages.count("copy")
    assert counts["merged"] == max(0, copies - 1) + len([row for row in twins if damages[row] == "twin"])
    listed = [finding for finding in document["findings"] if finding["severity"] == "quarantine"]
    assert len(listed) == counts["quarantined"]
    assert sum(check["found"] for check in document["checks"].values()) == len(document["findings"])
    assert document["near_duplicates"]["across_splits"] == 0
    assert sum(document["splits"].values()) == used.sum()


def test_a_training_picture_that_nearly_is_a_test_picture_is_set_aside(tmp_path: Path) -> None:
    people, images = near_twins(tmp_path / "s")
    intake = check_and_split(people, images, ChecksParams(), SPLIT, report=tmp_path / "r")
    homes = [split_group(key, SPLIT) for key in intake.keys]
    for a in range(0, 60, 2):
        expected = max(homes[a : a + 2], key=SPLITS.index)
        assert intake.split[a : a + 2].tolist() == [h if h == expected else DROPPED for h in homes[a : a + 2]]
    assert len(set(intake.images.group.tolist())) == 30, "near duplicates are one group to whoever measures on them"
    assert "" not in intake.images.group.tolist()
    leaks = [f for f in intake.quality.findings if f.check == "leak" and f.table == "images"]
    assert len(leaks) == sum(homes[a] != homes[a + 1] for a in range(0, 60, 2)) > 3
    assert all("near duplicates" in f.reason for f in leaks)
    document = json.loads((tmp_path / "r/quality.json").read_text())
    assert (document["near_duplicates"]["pairs"], document["near_duplicates"]["clusters"]) == (30, 30)


@pytest.mark.realdata
@pytest.mark.slow
def test_half_of_lspet_and_all_of_it_agree_on_every_split(tmp_path: Path, shared_data: Path) -> None:
    from dataengine.formats.coco import read_coco

    content = read_coco(shared_data / "lspet/annotations.json", shared_data / "lspet/images")
    half = np.isin(content.images.id, content.images.id[::2])
    people_half = content.people.take(half[content.images.rows_of(content.people.image_id)])
    small = check_and_split(people_half, content.images.take(half), ChecksParams(), SPLIT, report=tmp_path / "half")
    large = check_and_split(content.people, content.images, ChecksParams(), SPLIT, report=tmp_path / "all")
    after = dict(zip(large.keys, large.split, strict=True))
    assert all(after[key] in (split, DROPPED) for key, split in zip(small.keys, small.split, strict=True))
    assert all(after[key] == "test" for key, split in zip(small.keys, small.split, strict=True) if split == "test")
    document = json.loads((tmp_path / "all/quality.json").read_text())
    assert 25 <= document["near_duplicates"]["pairs"] <= 45 and document["near_duplicates"]["across_splits"] == 0
