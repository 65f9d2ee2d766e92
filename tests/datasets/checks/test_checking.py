"""All checks of one set: copies are merged, what is suspect is marked and stays."""

import json
from pathlib import Path
from typing import Any

import pytest

from dataengine.coco_json import write_people
from dataengine.datasets.checks.checking import Counts, check_set
from dataengine.datasets.checks.finding import CHECKS, Finding
from dataengine.datasets.checks.params import ChecksParams
from dataengine.errors import ParamsError

from ..checked_samples import a_set


def test_counts_that_do_not_add_up_cannot_be_made() -> None:
    with pytest.raises(AssertionError):
        Counts(10, 5, 2, 2)


def test_people_of_a_copied_picture_move_to_the_first_and_identical_ones_are_merged(tmp_path: Path) -> None:
    people, images = a_set(tmp_path, [1, 2, 1])
    points = people.keypoints_px.copy()
    points[2] = points[0]
    same = people.replace(keypoints_px=points, bbox_xywh_px=people.bbox_xywh_px[[0, 1, 0]])
    for candidates, left in ((same, [1, 2]), (people, [1, 2, 1])):
        checked = check_set(candidates, images, ChecksParams())
        assert checked.images.id.tolist() == [1, 2]
        assert checked.people.image_id.tolist() == left
        assert checked.counts.merged == 6 - len(left) - 2


def test_what_is_suspect_stays_and_is_marked(tmp_path: Path) -> None:
    people, images = a_set(tmp_path, [1, 2, 3])
    points, boxes = people.keypoints_px.copy(), people.bbox_xywh_px.copy()
    points[1, 9] += 300  # the left wrist
    boxes[1] = (0, 0, 96, 120)
    boxes[2] = (40, 40, 10, 10)
    people = people.replace(keypoints_px=points, bbox_xywh_px=boxes)
    checked = check_set(people, images, ChecksParams())
    assert checked.people.extras["suspect"].tolist() == ["", "box,limbs", "tiny,box"]
    write_people(tmp_path / "people.json", checked.people, checked.images)
    records = json.loads((tmp_path / "people.json").read_text())["annotations"]
    assert [record["suspect"] for record in records] == ["", "box,limbs", "tiny,box"]


def test_every_check_says_what_it_means_and_unknown_ones_cannot_be_reported() -> None:
    assert all(says and severity in ("quarantine", "suspect") for severity, says in CHECKS.values())
    with pytest.raises(AssertionError):
        Finding("unheard-of", "images", "1", "a", "b")


@pytest.mark.parametrize(
    "change", [{"same_person_oks": 1.5}, {"tiny_px": -1.0}, {"limb_excess": 0.5}, {"near_duplicate_bits": 20}]
)
def test_impossible_params_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ParamsError, match=f"^{next(iter(change))}: expected"):
        ChecksParams(**change)
