import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools.coco import COCO

from dataengine.coco_json import read_people, read_people_file, read_project_people, write_people
from dataengine.errors import InputError
from dataengine.people import Images, People


def one_image(folder: Path) -> Images:
    return Images.build(
        id=[4],
        path=[str(folder / "images" / "a.jpg")],
        width=640,
        height=480,
        video="clip.mp4",
        frame=12,
        time_s=0.4004,
        group="park",
    )


@settings(max_examples=25, deadline=None)
@given(
    keypoints=hnp.arrays(np.float32, (2, 17, 2), elements=st.floats(-50, 2000, width=32)),
    visibility=hnp.arrays(np.uint8, (2, 17), elements=st.integers(0, 2)),
    weight=st.floats(0, 1),
)
def test_round_trip_keeps_labels_visibility_and_extras(
    tmp_path_factory: pytest.TempPathFactory, keypoints: np.ndarray, visibility: np.ndarray, weight: float
) -> None:
    folder = tmp_path_factory.mktemp("coco")
    people = People.build(
        image_id=[4, 4],
        bbox_xywh_px=[[1, 2, 30, 40], [5, 6, 7, 8]],
        keypoints_px=keypoints,
        visibility=visibility,
        weight=weight,
        source=["real", "pseudo"],
        extras={"K": [[[1, 0], [0, 1]], [[2, 0], [0, 2]]], "pose_name": ["run", "sit"], "cluster": [3, 1]},
    )
    write_people(folder / "people.json", people, one_image(folder))
    back, images = read_people(folder / "people.json")
    labelled = visibility > 0
    np.testing.assert_allclose(back.keypoints_px[labelled], keypoints[labelled], atol=6e-4)
    np.testing.assert_array_equal(back.visibility, visibility)
    np.testing.assert_allclose(back.weight, people.weight, atol=1e-6)
    assert back.source.tolist() == ["real", "pseudo"]
    assert back.extras["pose_name"].tolist() == ["run", "sit"]
    assert back.extras["K"].tolist() == people.extras["K"].tolist()
    assert (images.video[0], images.frame[0], images.path[0]) == ("clip.mp4", 12, str(folder / "images" / "a.jpg"))
    assert images.time_s[0] == 0.4004 and images.group.tolist() == ["park"]


def test_a_picture_without_a_time_stamp_is_written_and_read_without_one(tmp_path: Path) -> None:
    write_people(tmp_path / "people.json", People.empty(), one_image(tmp_path).replace(time_s=np.nan))
    document = json.loads((tmp_path / "people.json").read_text())
    assert "time_s" not in document["images"][0]
    assert np.isnan(read_people(tmp_path / "people.json")[1].time_s).all()


def test_pycocotools_loads_it_unchanged(tmp_path: Path) -> None:
    visibility = np.zeros((1, 17), np.uint8)
    visibility[0, :5] = 2
    people = People.build(
        image_id=4,
        bbox_xywh_px=[[1, 2, 30, 40]],
        keypoints_px=np.arange(34).reshape(1, 17, 2),
        visibility=visibility,
        extras={"area": [555.0], "iscrowd": [1]},
    )
    write_people(tmp_path / "people.json", people, one_image(tmp_path))
    coco = COCO(str(tmp_path / "people.json"))
    (annotation,) = coco.loadAnns(coco.getAnnIds(iscrowd=True))
    assert annotation["area"] == 555.0
    assert annotation["num_keypoints"] == 5
    assert annotation["keypoints"][:6] == [0, 1, 2, 2, 3, 2]
    assert annotation["keypoints"][15:] == [0] * 36
    assert coco.loadCats([1])[0]["skeleton"][0] == [16, 14]


def test_the_same_people_give_the_same_bytes(tmp_path: Path) -> None:
    people = People.build(
        image_id=4, bbox_xywh_px=[[0, 0, 1, 1]], keypoints_px=np.full((1, 17, 2), 0.1), visibility=np.ones((1, 17))
    )
    for name in ("a.json", "b.json"):
        write_people(tmp_path / name, people, one_image(tmp_path))
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def broken(tmp_path: Path, **changes: object) -> Path:
    people = People.build(
        image_id=4, bbox_xywh_px=[[0, 0, 1, 1]], keypoints_px=np.zeros((1, 17, 2)), visibility=np.ones((1, 17))
    )
    path = tmp_path / "people.json"
    write_people(path, people, one_image(tmp_path))
    document = json.loads(path.read_text())
    for where, value in changes.items():
        table, key = where.split("__")
        document[table][0][key] = value
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        ("annotations__keypoints", [1, 2, 3], "keypoints is a list of 3, not 51 numbers"),
        ("annotations__keypoints", 5, "keypoints is 5, not 51 numbers"),
        ("annotations__keypoints", ["a"] * 51, "keypoints has 'a' among its 51 numbers"),
        ("annotations__keypoints", [float("nan"), 1, 2] * 17, "not finite"),
        ("annotations__keypoints", [1, 1, 2.5] * 17, "visibility is out of range.*2.5"),
        ("annotations__image_id", 99, "id 99"),
        ("annotations__bbox", [1, 2, 3], "bbox is a list of 3, not 4 numbers"),
        ("annotations__bbox", [1, 2, 3, "wide"], "bbox has 'wide' among its 4 numbers"),
        ("annotations__score", "high", "score is 'high', not a number"),
        ("annotations__weight", [1], "weight is a list, not a number"),
        ("annotations__source", {}, "source is an object, not a text"),
        ("annotations__image_id", 4.5, "image_id is 4.5, not a whole number"),
        ("annotations__track_id", 1.5, "track_id is 1.5, not a whole number"),
        ("annotations__track_id", 1e30, "track_id is 1e.30, not a whole number"),
        ("annotations__track_id", True, "track_id is True, not a whole number"),
        ("images__width", 640.5, "width is 640.5, not a whole number"),
        ("images__width", 0, "width of image 4 is 0, not 1 or more pixels"),
        ("images__height", -480, "height of image 4 is -480, not 1 or more pixels"),
        ("images__height", float("nan"), "height is nan, not a whole number"),
        ("images__time_s", "noon", "time_s is 'noon', not a number"),
        ("images__video", ["clip.mp4"], "video is a list, not a text"),
        ("images__file_name", 5, "file_name is 5, not a text"),
        ("images__file_name", "../../etc/passwd", "leaves its folder"),
        ("images__file_name", "/etc/passwd", "leaves its folder"),
    ],
)
def test_hostile_files_are_refused_in_one_line(tmp_path: Path, where: str, value: object, message: str) -> None:
    path = broken(tmp_path, **{where: value})
    with pytest.raises(InputError, match=message) as caught:
        read_people(path)
    assert "\n" not in str(caught.value)
    assert "17 keypoints a person" not in str(caught.value)  # whatever is wrong with the file


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    path = broken(tmp_path)
    document = json.loads(path.read_text())
    del document["images"][0]["width"]
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match="each record an object, got a record without the key 'width'"):
        read_people(path)


def test_null_is_not_known_rather_than_a_film_called_none(tmp_path: Path) -> None:
    for key in ("video", "frame", "time_s", "group"):
        _, images = read_people(broken(tmp_path, **{f"images__{key}": None}))
        value = getattr(images, key)[0]
        assert value == {"video": "", "frame": -1, "group": ""}.get(key) or (key == "time_s" and np.isnan(value))
    people, _ = read_people(broken(tmp_path, annotations__source=None))
    assert people.source.tolist() == ["real"]


@pytest.mark.parametrize(("track", "number"), [(None, -1), (3, 3), (3.0, 3), ("03", 3), ("-1", -1)])
def test_a_track_is_a_whole_number_however_it_is_written(tmp_path: Path, track: object, number: int) -> None:
    people, _ = read_people(broken(tmp_path, annotations__track_id=track))
    assert people.track_id.tolist() == [number]


def test_a_file_of_what_is_passed_over_alone_has_nobody(tmp_path: Path) -> None:
    path = broken(tmp_path, annotations__keypoints=None)
    read = read_people_file(path)
    assert (len(read.people), len(read.images), read.lines()) == (0, 1, ["passed over: 1 no joints"])


def test_a_category_that_the_file_does_not_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="category 7 is unknown"):
        read_people(broken(tmp_path, annotations__category_id=7))
    with pytest.raises(InputError, match="iscrowd is 'perhaps', not 0 or 1"):
        read_people(broken(tmp_path, annotations__iscrowd="perhaps"))


def test_missing_and_broken_json(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_people(tmp_path / "none.json")
    (tmp_path / "cut.json").write_text('{"images": [')
    with pytest.raises(InputError, match="expected a JSON file"):
        read_people(tmp_path / "cut.json")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match="cannot be read"):
        read_people(tmp_path / "deep.json")


@pytest.mark.parametrize(
    "text",
    [
        '{"images": ["x"], "annotations": []}',
        '{"images": [], "annotations": ["x"]}',
        '{"images": [], "annotations": 7}',
        '{"images": null, "annotations": []}',
        "[]",
        '{"images": [{"id": %s, "file_name": "a", "width": 1, "height": 1}], "annotations": []}' % ("9" * 30),
        '{"images": [{"id": 1, "file_name": "\\u0000", "width": 1, "height": 1}], "annotations": []}',
        '{"images": [{"id": 1, "file_name": 5, "width": 1, "height": 1}], "annotations": []}',
        '{"images": [{"id": 1, "file_name": "a", "width": 1e400, "height": 1}], "annotations": []}',
        '{"images": [{"id": 1, "file_name": "a", "width": {}, "height": 1}], "annotations": []}',
    ],
)
def test_every_wrong_type_is_an_input_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError) as caught:
        read_people(tmp_path / "a.json")
    assert "\n" not in str(caught.value)


def test_a_file_of_the_project_names_images_anywhere_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = broken(tmp_path / "project" / "data" / "mix", images__file_name="../ingest/a.jpg")
    with pytest.raises(InputError, match="leaves its folder"):
        read_people(path)
    monkeypatch.chdir(tmp_path / "project")
    assert read_project_people(path)[1].path.tolist() == [str(tmp_path / "project" / "data" / "ingest" / "a.jpg")]
    monkeypatch.chdir(tmp_path / "project" / "data" / "mix")
    with pytest.raises(InputError, match="leaves its folder"):
        read_project_people(path)
