"""Label Studio's JSON as the tool writes it: regions, relations, choices, several annotators, stored paths."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from dataengine.errors import InputError
from dataengine.formats.reading.content import Limits, SourceContent
from dataengine.formats.tools.label_studio import read_label_studio
from dataengine.formats.tools.label_studio_regions import UNTIED
from dataengine.formats.tools.label_studio_tasks import answers_of, picture_of
from dataengine.formats.tools.label_studio_writing import labelling_config, write_predictions
from dataengine.keypoints import COCO_KEYPOINTS

from ..writing_samples import HEIGHT, WIDTH, image_table, write_image

NOSE, EAR = 0, 3
Regions = list[dict[str, Any]]


def region(key: str, kind: str, labels: list[str], value: dict[str, Any], **more: Any) -> dict[str, Any]:
    size = {"original_width": WIDTH, "original_height": HEIGHT, "image_rotation": 0}
    return {"id": key, "type": kind, "to_name": "image", "value": {**value, kind: labels}, **size, **more}


def joint(key: str, name: str, x: float, y: float, **more: Any) -> dict[str, Any]:
    value = {"x": 100 * (x + 0.5) / WIDTH, "y": 100 * (y + 0.5) / HEIGHT, "width": 0.3}  # from the corner
    return region(key, "keypointlabels", [name], value, **more)


def box(key: str, x: float, label: str = "person") -> dict[str, Any]:
    value = {"x": 100 * x / WIDTH, "y": 0, "width": 100 * 40 / WIDTH, "height": 100 * 60 / HEIGHT, "rotation": 0}
    return region(key, "rectanglelabels", [label], value)


def occluded(key: str) -> dict[str, Any]:
    return region(key, "choices", ["occluded"], {"x": 1, "y": 1, "width": 0.3})


def read(folder: Path, *results: Regions, image: str = "a.png", **more: Any) -> SourceContent:
    write_image(folder / "images" / "a.png")
    annotations = [{"id": n, "completed_by": n, "result": result, **more} for n, result in enumerate(results)]
    (folder / "a.json").write_text(json.dumps([{"id": 1, "data": {"image": image}, "annotations": annotations}]))
    return read_label_studio(folder / "a.json", folder / "images", Limits())


def test_two_people_stay_two_with_their_boxes_flags_and_fractions(tmp_path: Path) -> None:
    result = [
        *(box("a", 2), box("b", 50)),
        *(joint("a1", "nose", 10.25, 20.5, parentID="a"), occluded("a1")),
        *(joint("b1", "Left Ear", 60.75, 21.125), {"type": "relation", "from_id": "b1", "to_id": "b"}),
    ]
    people = read(tmp_path, result).people
    assert people.extras["source_id"].tolist() == ["a", "b"]
    assert people.visibility[0, NOSE] == 1 and people.visibility[1, EAR] == 2 and people.visibility.sum() == 3
    np.testing.assert_allclose(people.keypoints_px[[0, 1], [NOSE, EAR]], [[10.25, 20.5], [60.75, 21.125]], atol=1e-4)
    np.testing.assert_allclose(people.bbox_xywh_px, [[2, 0, 40, 60], [50, 0, 40, 60]], atol=1e-4)


def test_untied_joints_are_those_of_the_only_person(tmp_path: Path) -> None:
    alone = read(tmp_path, [joint("1", "nose", 5, 5), joint("2", "left_ear", 7, 4)]).people
    boxed = read(tmp_path, [box("a", 2), joint("1", "nose", 5, 5)]).people
    assert len(alone) == len(boxed) == 1
    assert boxed.bbox_xywh_px[0, 2] == 40
    assert read(tmp_path, [box("a", 2), joint("1", "nose", 5, 5)]).notes.assumed == {UNTIED: 1}


def test_untied_joints_among_several_people_are_refused_one_by_one(tmp_path: Path) -> None:
    content = read(
        tmp_path, [box("a", 2), box("b", 50), joint("a1", "nose", 9, 9, parentID="a"), joint("x", "nose", 60, 9)]
    )
    assert len(content.people) == 1
    assert content.notes.passed_over == {"no joints": 1}
    assert "tied to none" in content.bad[0].reason


def test_two_annotators_are_told_apart_and_skipped_tasks_and_predictions_are_no_labels(tmp_path: Path) -> None:
    one = [joint("1", "nose", 5, 5)]
    content = read(tmp_path, one, one, updated_at="2026-01-02T03:04:05Z")
    assert content.people.extras["annotator"].tolist() == ["0", "1"]
    assert set(content.people.extras["labelled_at"].tolist()) == {"2026-01-02T03:04:05Z"}
    assert not len(read(tmp_path, one, was_cancelled=True).people)
    images = image_table(tmp_path / "p", 1)
    people = content.people.take([0]).replace(image_id=images.id)
    write_predictions(tmp_path / "p.json", people, images, tmp_path / "p")
    assert json.loads((tmp_path / "p.json").read_text())[0]["predictions"][0]["result"]
    assert not len(read_label_studio(tmp_path / "p.json", tmp_path / "p", Limits()).people)


@pytest.mark.parametrize(("stated", "kept"), [(12.5, 12.5), (40, 40.0), (None, None), (-1, None), ("5", None)])
def test_how_long_an_answer_took_is_kept(tmp_path: Path, stated: object, kept: float | None) -> None:
    people = read(tmp_path, [joint("1", "nose", 5, 5)], lead_time=stated).people
    assert people.extras.get("lead_time_s", np.array([None])).tolist() == [kept]


def test_skipped_tasks_and_other_regions_are_counted(tmp_path: Path) -> None:
    skipped = read(tmp_path, [joint("1", "nose", 5, 5)], was_cancelled=True)
    assert skipped.notes.passed_over == {"skipped": 1}
    assert skipped.records == 2
    shape = region("p", "polygonlabels", ["ball"], {"points": [[1, 1], [9, 1], [9, 9]]})
    content = read(tmp_path, [box("a", 2), joint("1", "nose", 5, 5, parentID="a"), shape])
    assert len(content.people) == 1
    assert content.notes.other_categories == {"ball": 1}


def test_a_joint_below_a_joint_belongs_to_the_rectangle_above_both(tmp_path: Path) -> None:
    nested = [joint("1", "nose", 9, 9, parentID="a"), joint("2", "left_ear", 9, 8, parentID="1")]
    people = read(tmp_path, [box("a", 2), box("b", 50), *nested, joint("3", "nose", 60, 9, parentID="b")]).people
    assert (people.visibility > 0).sum(axis=1).tolist() == [2, 1]


def test_rectangles_of_one_id_are_two(tmp_path: Path) -> None:
    content = read(tmp_path, [box("a", 2), box("a", 50), joint("1", "nose", 9, 9, parentID="a")])
    assert len(content.people) == 1
    assert content.notes.passed_over == {"no joints": 1}


def test_keypoints_that_are_all_called_person_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="names of joints, got 'person'"):
        read(tmp_path, [joint("1", "person", 5, 5)])


def test_a_dog_is_passed_over_and_nobody_is_an_answer(tmp_path: Path) -> None:
    dog = read(tmp_path, [box("d", 2, "dog"), joint("d1", "nose", 5, 5, parentID="d")])
    assert dog.notes.other_categories == {"dog": 1}
    task = {"data": {}, "annotations": [{"result": [region("n", "choices", ["nobody"], {})]}]}
    assert answers_of(0, task)[0].says_nobody


@pytest.mark.parametrize(
    "stored",
    ["/data/upload/1/ab12cd34-a.png", "/data/local-files/?d=films/a.png", "s3://bucket/films/a.png", "films/a.png"],
)
def test_pictures_are_found_by_the_end_of_their_stored_path(tmp_path: Path, stored: str) -> None:
    assert len(read(tmp_path, [joint("1", "nose", 5, 5)], image=stored).people) == 1


@pytest.mark.parametrize(
    ("stored", "path"),
    [
        ("/data/local-files/?d=films/a%20b.png", "films/a b.png"),
        ("http://host:8080/data/local-files/?d=films%2Fa.png", "films/a.png"),
        ("https://host/films/a.png?X-Amz-Signature=1", "films/a.png"),
        ("s3://bucket/films/100%25.png", "bucket/films/100%25.png"),
        ("/tasks/7/resolve/?fileuri=czM6Ly9idWNrZXQvZmlsbXMvYS5wbmc=", "bucket/films/a.png"),
        ("/data/upload/3/ab12cd34-a.png", "ab12cd34-a.png"),
        ("http://[bad/a.png", "bad/a.png"),
    ],
)
def test_what_is_known_of_a_path(stored: str, path: str) -> None:
    assert picture_of({"data": {"image": stored}}).endswith(path)
    assert picture_of({"data": {"text": "who?", "photo": stored}}).endswith(path)


@pytest.mark.parametrize("name", ["Hall (2).png", "a b.png", "größe.png"])
def test_an_upload_is_found_by_the_name_that_the_server_makes_of_its_own(tmp_path: Path, name: str) -> None:
    write_image(tmp_path / "images" / "day" / name)
    stored = "/data/upload/1/ab12cd34-" + {"Hall (2).png": "Hall_2.png", "a b.png": "a_b.png"}.get(name, name)
    found = read(tmp_path, [joint("1", "nose", 5, 5)], image=stored)
    assert Path(found.images.path[0]).name == name


def test_uploads_whose_names_become_one_are_refused_with_both(tmp_path: Path) -> None:
    for name in ("c d.png", "c_d.png"):
        write_image(tmp_path / "images" / name)
    content = read(tmp_path, [joint("1", "nose", 5, 5)], image="/data/upload/1/ab12cd34-c_d.png")
    assert "c d.png" in content.bad[0].reason and "c_d.png" in content.bad[0].reason


def test_of_two_pictures_of_one_name_the_path_decides(tmp_path: Path) -> None:
    for day in ("monday", "tuesday"):
        write_image(tmp_path / "images" / day / "b.png")
    found = read(tmp_path, [joint("1", "nose", 5, 5)], image="s3://bucket/tuesday/b.png")
    assert Path(found.images.path[0]).parent.name == "tuesday"
    unclear = read(tmp_path, [joint("1", "nose", 5, 5)], image="/data/upload/1/ab12cd34-b.png")
    assert not len(unclear.people)
    assert "monday" in unclear.bad[0].reason and "tuesday" in unclear.bad[0].reason
    assert {bad.table for bad in unclear.bad} == {"images", "annotations"}


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ([joint("1", "nose", 5, 5, image_rotation=90)], "turned"),
        ([joint("1", "nose", 500, 5)], "outside the image"),
        (
            [box("a", 1), joint("1", "nose", 5, 5, parentID="a"), joint("2", "nose", 6, 6, parentID="a")],
            "more than once",
        ),
        ([region("1", "keypointlabels", ["nose"], {"x": "5", "y": 5})], "not numbers"),
    ],
)
def test_a_bad_person_alone_is_set_aside(tmp_path: Path, result: Regions, reason: str) -> None:
    content = read(tmp_path, result)
    assert not len(content.people)
    assert reason in content.bad[0].reason


@pytest.mark.parametrize("document", [{}, [1], [{"image": "a.png", "kp": []}]])
def test_what_is_not_the_export_json_is_refused(tmp_path: Path, document: Any) -> None:
    (tmp_path / "a.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match="Label Studio's JSON"):
        read_label_studio(tmp_path / "a.json", tmp_path, Limits())


def test_the_labelling_config_names_all_joints_in_order() -> None:
    labels = ElementTree.fromstring(labelling_config()).findall("KeyPointLabels/Label")
    assert [label.get("value") for label in labels] == list(COCO_KEYPOINTS)
    assert [label.get("model_index") for label in labels] == [str(number) for number in range(17)]
