"""The scale of OKS: one rule wherever people come from, and what another rule would have made of the same answers."""

from pathlib import Path

import numpy as np
import pytest

from dataengine.boxes import THINNEST, box_from_keypoints
from dataengine.coco_json import read_people, write_people
from dataengine.columns import object_column
from dataengine.errors import InputError
from dataengine.evaluation.ap.matching import average_precision, pair_up
from dataengine.evaluation.ap.oks import coco_ap, person_oks
from dataengine.evaluation.ap.poses import detections_of, truths_of, truths_of_records
from dataengine.files import read_json
from dataengine.people import Images, People
from dataengine.person_scale import (
    area_of_joints,
    person_area,
    scale_counts,
    scale_words,
    with_area,
    with_joint_area,
)

SIZE = 640


def standing(n: int, seed: int = 0) -> tuple[People, Images]:
    """People of 17 labelled joints, 40 to 200 px wide, each in an image, with drawn boxes and no area."""
    rng = np.random.default_rng(seed)
    width = rng.uniform(40, 200, (n, 1, 1))
    points = (rng.uniform(0, 1, (n, 17, 2)) * np.array([1.0, 1.8]) * width + 100).astype(np.float32)
    flags = np.full((n, 17), 2)
    people = People.build(
        image_id=np.arange(n), bbox_xywh_px=box_from_keypoints(points, flags), keypoints_px=points, visibility=flags
    )
    images = Images.build(id=np.arange(n), path=[f"{i}.png" for i in range(n)], width=SIZE, height=SIZE)
    return people, images


def off_by(people: People, share: float, seed: int = 1) -> People:
    """Answers whose joints are off by `share` of the person's extent, more or less, best ones surest."""
    rng = np.random.default_rng(seed)
    extent = np.sqrt(area_of_joints(people.keypoints_px, people.visibility) / 0.53)
    noise = rng.normal(size=people.keypoints_px.shape) * (share * extent)[:, None, None]
    return people.replace(
        keypoints_px=(people.keypoints_px + noise).astype(np.float32),
        score=rng.uniform(0.5, 1.0, len(people)).astype(np.float32),
    )


def test_the_same_answers_score_by_the_scale_that_they_are_given() -> None:
    """The experiment behind the rule: a whole drawn box, 0.53 of it, and 0.53 of the joints' extent as masks have."""
    people, images = standing(200)
    found = off_by(people, 0.09)
    extent = people.bbox_xywh_px[:, 2:].astype(np.float64).prod(axis=1) / 1.24**2
    old_box = extent * 1.3**2  # joints + 15 % on each side
    ap = {
        "whole box": coco_ap(people.with_extra("area", old_box), images, found)["AP"],
        "0.53 of the box": coco_ap(people.with_extra("area", 0.53 * old_box), images, found)["AP"],
        "as masks": coco_ap(people.with_extra("area", 0.543 * extent), images, found)["AP"],
        "by joints": coco_ap(with_joint_area(people), images, found)["AP"],
    }
    assert ap["whole box"] > ap["0.53 of the box"] + 0.1 > ap["as masks"] + 0.2
    assert ap["by joints"] == pytest.approx(ap["as masks"], abs=0.03)


def test_a_missing_area_is_053_of_the_box_as_in_xtcocotools() -> None:
    """`tmparea = bbox[3] * bbox[2] * 0.53` and its OKS, written out for one person."""
    people, _ = standing(1)
    found = off_by(people, 0.05)
    box = people.bbox_xywh_px[0].astype(np.float64)
    sigmas = np.array([26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]) / 1000
    distance = found.keypoints_px[0].astype(np.float64) - people.keypoints_px[0]
    exponent = (distance**2).sum(axis=1) / (sigmas * 2) ** 2 / (box[3] * box[2] * 0.53 + np.spacing(1)) / 2
    assert person_oks(people, found.keypoints_px)[0] == pytest.approx(np.exp(-exponent).mean(), abs=1e-12)


@pytest.mark.parametrize("area", ["missing", "some", "all"])
def test_people_and_coco_records_have_the_same_scale(area: str) -> None:
    people, images = standing(12)
    if area != "missing":
        areas = [500.0 if area == "all" or row % 3 else None for row in range(12)]
        people = people.with_extra("area", object_column(areas))
    records = [
        {
            "image_id": int(people.image_id[row]),
            "bbox": people.bbox_xywh_px[row].astype(np.float64).tolist(),
            "keypoints": np.column_stack([people.keypoints_px[row], np.full(17, 2)]).ravel().tolist(),
        }
        | ({} if area == "missing" or people.extras["area"][row] is None else {"area": 500.0})
        for row in range(12)
    ]
    ours, image_id = truths_of(people, images)
    theirs, _ = truths_of_records(records, images.id.tolist())
    assert np.array_equal(ours.area, theirs.area)
    found = detections_of(off_by(people, 0.05), images, image_id)
    ap = [average_precision(pair_up(truths, found, image_id).match()) for truths in (ours, theirs)]
    assert ap[0] == ap[1] > 0


def test_a_file_keeps_the_scale_and_where_it_is_from(tmp_path: Path) -> None:
    people, images = standing(4)
    images = images.replace(path=[str(tmp_path / f"{i}.png") for i in range(4)])
    mixed = with_joint_area(people)
    origin = mixed.extras["area_from"].astype(object)
    area = mixed.extras["area"].astype(object)
    area[1], origin[1] = 123.0, "mask"
    area[2], origin[2] = 77.0, None
    area[3], origin[3] = None, None
    mixed = people.replace(extras={"area": area, "area_from": origin})
    write_people(tmp_path / "people.json", mixed, images)
    back, _ = read_people(tmp_path / "people.json")
    assert back.extras["area_from"].tolist() == ["joints", "mask", "given", "box"]
    np.testing.assert_allclose(person_area(back), person_area(mixed), rtol=1e-6)
    assert scale_counts(back) == {"mask": 1, "given": 1, "box": 1, "joints": 1}
    write_people(tmp_path / "again.json", back, images)
    assert read_json(tmp_path / "again.json") == read_json(tmp_path / "people.json")


def test_an_area_without_an_origin_is_the_files_own() -> None:
    people, _ = standing(2)
    assert scale_words(people) == "0.53 of the annotator's box"
    assert scale_words(with_area(people.with_extra("area", [1.0, 2.0]))) == "the file's own area"
    assert scale_words(with_joint_area(people)) == "0.53 of the joints' extent"


def test_people_on_a_line_or_with_one_joint_have_a_scale() -> None:
    points, flags = np.zeros((3, 17, 2)), np.zeros((3, 17), int)
    points[0, 5:8], flags[0, 5:8] = [(50, 10), (50, 60), (50, 110)], 2  # on a line, 100 px long
    points[1, 0], flags[1, 0] = (9, 9), 2
    assert area_of_joints(points, flags).tolist() == pytest.approx([0.53 * 100 * 100 * THINNEST, 1.0, 1.0])


@pytest.mark.parametrize("area", [-1.0, float("nan"), "large", [3.0]])
def test_an_area_that_is_none_is_refused(area: object) -> None:
    people, _ = standing(2)
    with pytest.raises(InputError, match="area of person 1"):
        person_area(people.with_extra("area", object_column([1.0, area])))
