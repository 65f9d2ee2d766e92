"""Joints by the names of the category, whatever their order and spelling; people by the name of the category alone."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataengine.coco_json import read_people
from dataengine.errors import InputError
from dataengine.format_table import FORMATS
from dataengine.formats.coco import read_coco
from dataengine.formats.reading.categories import UNNAMED_JOINTS, is_people
from dataengine.formats.reading.content import Limits
from dataengine.formats.reading.joints import COCO_MAP, joint_map, spelled
from dataengine.keypoints import COCO_KEYPOINTS

from .hostile_samples import good_document, written

FACES_OF_68 = [f"face-{number}" for number in range(68)]


def camel(words: list[str]) -> str:
    return words[0] + "".join(map(str.capitalize, words[1:]))


SPELLINGS = [
    "_".join,
    " ".join,
    "-".join,
    ".".join,
    camel,
    lambda words: "".join(map(str.capitalize, words)),
    lambda words: "_".join(words).upper(),
    lambda words: " ".join(map(str.capitalize, words)),
    lambda words: f"  {'_'.join(words)} ",
    lambda words: "_".join(words[::-1]),
    lambda words: camel(words[::-1]),
    lambda words: "".join(words),
    lambda words: "_".join([words[0][0], *words[1:]]) if len(words) > 1 else words[0],
    lambda words: words[0][0].upper() + words[1].capitalize() if len(words) > 1 else words[0],
    lambda words: "-".join([*words[1:], words[0][0]]) if len(words) > 1 else words[0],
    lambda words: words[0][0] + words[1] if len(words) > 1 else words[0],
    lambda words: "_".join([*words, "joint"]),
]


@given(st.permutations(range(17)), st.lists(st.sampled_from(SPELLINGS), min_size=17, max_size=17), st.booleans())
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_and_spelling_of_the_names_gives_the_same_people(
    images: Path, order: list[int], spellings: list[Any], more: bool
) -> None:
    document = good_document()
    rng = np.random.default_rng(0)
    for record in document["annotations"]:
        flags = rng.integers(0, 3, 17)
        flags[0] = 2
        places = rng.uniform(1, 60, (17, 2)).round(3)
        record["keypoints"] = np.column_stack([places, flags]).ravel().tolist()
    path = written(images, json.dumps(document))
    expected = read_coco(path, images)
    strict = read_people(path)[0]
    names = [spellings[joint](COCO_KEYPOINTS[joint].split("_")) for joint in order]
    further = ["neck", "left_hand", "LBigToe"] if more else []
    document["categories"][0]["keypoints"] = [*further, *names]
    for record in document["annotations"]:
        triples = np.array(record["keypoints"]).reshape(17, 3)[order]
        record["keypoints"] = [*[9.0, 9.0, 0] * len(further), *triples.ravel().tolist()]
    path.write_text(json.dumps(document))
    found = read_coco(path, images)
    assert not found.bad and not expected.bad
    for people in (found.people, read_people(path)[0]):
        np.testing.assert_array_equal(people.visibility, expected.people.visibility)
        np.testing.assert_array_equal(people.keypoints_px, expected.people.keypoints_px)
        np.testing.assert_array_equal(people.bbox_xywh_px, expected.people.bbox_xywh_px)
    np.testing.assert_array_equal(strict.keypoints_px, expected.people.keypoints_px)


@pytest.mark.parametrize(
    ("name", "is_joint"),
    [
        ("left_eye_inner", False),
        ("hip", False),
        ("left", False),
        ("left_hand", False),
        ("upper_left_arm", False),
        ("nose_2", False),
        ("left_hip_x", False),
        ("kneel", False),
        ("", False),
        ("左肩", False),
        ("R. Wrist", True),
        ("rEar", True),
        ("EarLeft", True),
        ("left_shoulder_joint", True),
    ],
)
def test_a_name_with_anything_more_is_another_joint(name: str, is_joint: bool) -> None:
    assert (spelled(name) in COCO_KEYPOINTS) is is_joint


def test_names_of_other_skeletons_stay_readable() -> None:
    assert joint_map(("Head top", "upper_neck", "LBigToe", "face-0")).names == (
        "head_top",
        "upper_neck",
        "l_big_toe",
        "face_0",
    )


@pytest.mark.parametrize(
    ("name", "supercategory", "joints", "people"),
    [
        ("person", "person", True, True),
        ("person", None, False, True),
        ("Human", "", False, True),
        ("person_keypoints", "", False, True),
        ("Person-17", "", False, True),
        ("football player", "sports", False, True),
        ("person_sitting", "", False, True),
        ("default", "default", True, True),
        ("skeleton", "", True, True),
        ("", None, True, True),
        (None, None, True, True),
        ("default", "default", False, False),
        ("default", "animal", True, False),
        ("dog", "animal", True, False),
        ("dog", "", True, False),
        ("dog", "person", True, False),
        ("monkey", "", True, False),
        ("baby elephant", "", True, False),
        ("robot", "", True, False),
        (7, None, False, False),
    ],
)
def test_a_category_is_people_by_its_name_and_never_by_its_joints_alone(
    name: Any, supercategory: Any, joints: bool, people: bool
) -> None:
    assert is_people(name, supercategory, COCO_MAP if joints else None) is people


def with_category(images: Path, **category: Any) -> Path:
    """Four people; a second category with an annotation like the first person's in each picture."""
    document = good_document()
    document["categories"].append({"id": 2, **category})
    count = len(category.get("keypoints") or COCO_KEYPOINTS)
    document["annotations"] += [
        {**record, "id": 50 + record["id"], "category_id": 2, "keypoints": [20.0, 20.0, 2] * count}
        for record in document["annotations"]
    ]
    return written(images, json.dumps(document))


@pytest.mark.parametrize(
    "category",
    [
        {"name": "dog", "keypoints": [f"k{number}" for number in range(17)]},
        {"name": "dog", "keypoints": list(COCO_KEYPOINTS)},
        {"name": "dog", "supercategory": "animal"},
        {"name": "ball", "keypoints": []},
        {"name": "person", "keypoints": FACES_OF_68},
    ],
)
def test_other_categories_are_passed_over_by_name_and_counted(images: Path, category: dict[str, Any]) -> None:
    path = with_category(images, **category)
    content = read_coco(path, images)
    assert len(content.people) == 4 and content.bad == []
    assert content.notes.passed_over == {"other category": 4}
    assert content.notes.other_categories == {category["name"]: 4}
    people, _ = read_people(path)
    np.testing.assert_array_equal(people.keypoints_px, content.people.keypoints_px)


@pytest.mark.parametrize("keypoints", [list(COCO_KEYPOINTS), [f"k{number}" for number in range(17)], []])
def test_a_file_of_dogs_has_no_people(images: Path, keypoints: list[str]) -> None:
    document = good_document()
    document["categories"] = [{"id": 1, "name": "dog", "keypoints": keypoints}]
    path = written(images, json.dumps(document))
    for read in (lambda: read_coco(path, images), lambda: read_people(path)):
        with pytest.raises(InputError, match=r"has no people.*got dog with.*call it person") as caught:
            read()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("missing", [{}, {"keypoints": []}, {"keypoints": None}])
def test_seventeen_unnamed_joints_are_told(
    images: Path, missing: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    document = good_document()
    document["categories"] = [{"id": 1, "name": "person", **missing}]
    path = written(images, json.dumps(document))
    content = read_coco(path, images)
    assert (len(content.people), dict(content.notes.assumed)) == (4, {UNNAMED_JOINTS: 4})
    assert content.people.keypoints_px[0, 3].tolist() == [13, 20]
    assert len(read_people(path)[0]) == 4
    assert f"{UNNAMED_JOINTS} (4)" in capsys.readouterr().err


@pytest.mark.parametrize("names", [[str(n) for n in range(1, 18)], [f"kp_{n}" for n in range(17)], list(range(17))])
def test_joints_that_are_numbered_and_not_named_are_refused(images: Path, names: list[Any]) -> None:
    """An annotation tool numbers them in the order of drawing, which need not be COCO's."""
    document = good_document()
    document["categories"][0]["keypoints"] = names
    path = written(images, json.dumps(document))
    for read in (lambda: read_coco(path, images), lambda: read_people(path)):
        with pytest.raises(InputError, match="has no people: expected a category 'person' whose keypoints are named"):
            read()


def test_several_categories_of_people_each_have_their_own_joints(images: Path) -> None:
    document = good_document()
    document["categories"] = [
        {"id": 0, "name": "person", "keypoints": list(COCO_KEYPOINTS)},
        {"id": "b", "name": "climber", "keypoints": ["neck", *COCO_KEYPOINTS[:4:-1]]},
        {"id": 7.0, "name": "people"},
        {"id": 9, "name": "person"},
    ]
    body = [value for joint in (99, *range(16, 4, -1)) for value in (10.0 + joint, 20.0, 2)]
    body[:3] = [33.0, 33.0, 2]
    for record, category in zip(document["annotations"], (0.0, "b", 7, 9), strict=True):
        record["category_id"] = category
    document["annotations"][1]["keypoints"] = body
    path = written(images, json.dumps(document))
    content = read_coco(path, images)
    whole = [[10.0 + joint, 20.0] for joint in range(17)]
    assert not content.bad
    for people in (content.people, read_people(path)[0]):
        assert people.keypoints_px[[0, 2, 3]].tolist() == [whole] * 3
        assert people.visibility[1].tolist() == [0] * 5 + [2] * 12
        assert people.keypoints_px[1, 5:].tolist() == whole[5:]
    assert content.dropped_joints == {"neck": 1}
    assert content.notes.assumed == {UNNAMED_JOINTS: 2}


@pytest.mark.parametrize(
    ("second", "ambiguous"),
    [
        ({"id": 1, "name": "person", "keypoints": list(COCO_KEYPOINTS)}, False),
        ({"id": 1, "name": "person", "keypoints": list(COCO_KEYPOINTS[::-1])}, True),
        ({"id": 1, "name": "dog"}, True),
    ],
)
def test_a_category_id_means_one_category(images: Path, second: dict[str, Any], ambiguous: bool) -> None:
    document = good_document()
    document["categories"].append(second)
    path = written(images, json.dumps(document))
    if not ambiguous:
        assert len(read_coco(path, images).people) == 4
        return
    with pytest.raises(InputError, match="is ambiguous: expected each category id once, got id 1 twice"):
        read_coco(path, images)


def test_a_file_with_thousands_of_other_categories_is_listed_in_short(images: Path) -> None:
    document = good_document(1)
    document["categories"] += [{"id": number, "name": f"thing {number}"} for number in range(2, 300)]
    document["annotations"] += [{"id": number, "category_id": number} for number in range(2, 300)]
    notes = read_coco(written(images, json.dumps(document)), images).notes
    assert notes.passed_over == {"other category": 298}
    assert len(notes.other_categories) == 21 and sum(notes.other_categories.values()) == 298


def test_label_studios_coco_export_is_refused_whole_with_the_reason(images: Path) -> None:
    document = good_document()
    document["info"] = {"year": 2026, "version": "1.0", "contributor": "Label Studio"}
    document["categories"] = [{"id": 0, "name": "person"}, {**document["categories"][0], "name": "default"}]
    path = written(images, json.dumps(document))
    for read in (lambda: read_coco(path, images), lambda: read_people(path)):
        with pytest.raises(InputError, match=r"people of a picture are merged.*Label Studio's own JSON"):
            read()


@pytest.mark.parametrize(
    ("next_to", "text", "people"),
    [
        ("labels/classes.txt", "person\ndog\n", {0}),
        ("labels/classes.txt", "dog\nperson\n", {1}),
        ("data.yaml", "names: [dog, person]\nkpt_shape: [17, 3]\n", {1}),
        ("data.yaml", "names: {0: person, 1: ball}\n", {0}),
        ("data.yaml", "train: images\n", {0}),
        ("unrelated.yaml", "names: [dog]\n", {0}),
    ],
)
def test_the_classes_of_a_yolo_set_are_people_by_name(images: Path, next_to: str, text: str, people: set[int]) -> None:
    labels = images.parent / "labels"
    labels.mkdir()
    (images.parent / next_to).write_text(text)
    (labels / "0.txt").write_text("".join(f"{number} 0.5 0.5 0.4 0.4 {'0.5 0.5 1 ' * 17}\n" for number in range(2)))
    content = FORMATS["yolo"].read(labels, images, Limits())
    assert content.people.extras["source_id"].tolist() == [f"0:{number + 1}" for number in people]
    assert content.notes.passed_over == {"other category": 1} and content.bad == []
    assert content.notes.assumed == {UNNAMED_JOINTS: 1}


@pytest.mark.parametrize("form", ["{0: %s}", "[%s]", "%s"])
def test_the_joints_of_a_yolo_set_go_by_the_names_that_it_states(images: Path, form: str) -> None:
    labels = images.parent / "labels"
    labels.mkdir()
    names = json.dumps(["neck", *COCO_KEYPOINTS[::-1]])
    (images.parent / "data.yaml").write_text(f"names: [person]\nkpt_names: {form % names}\n")
    shares = " ".join(f"{joint / 100} 0.5 2" for joint in range(18))
    (labels / "0.txt").write_text(f"0 0.5 0.5 0.4 0.4 {shares}\n")
    content = FORMATS["yolo"].read(labels, images, Limits())
    np.testing.assert_allclose(
        content.people.keypoints_px[0, :, 0], [96 * (17 - j) / 100 for j in range(17)], rtol=1e-6
    )
    assert content.notes.assumed == {} and content.dropped_joints == {"neck": 1}


def test_a_yolo_set_of_dogs_has_no_people(images: Path) -> None:
    (images.parent / "labels").mkdir()
    (images.parent / "data.yaml").write_text("names: [dog]\n")
    with pytest.raises(InputError, match=r"data.yaml has no people.*got dog"):
        FORMATS["yolo"].read(images.parent / "labels", images, Limits())
