"""in(out(people)) is people, within what the format can say; and what it cannot say is counted."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from pycocotools.coco import COCO

from dataengine.datasets.convert import convert
from dataengine.errors import InputError
from dataengine.format_table import FORMATS
from dataengine.formats.reading.content import Limits, SourceContent
from dataengine.formats.writing import copy_images
from dataengine.people import Images, People

from .writing_samples import HEIGHT, WIDTH, crowds, image_table, write_image

LIMBS = np.arange(5, 17)
POSETRACK_JOINTS = np.array([0, 3, 4, *range(5, 17)])
# format -> (joints it can hold, occlusion kept, boxes kept, tolerance in pixels)
HOLDS: dict[str, tuple[np.ndarray, bool, bool, float]] = {
    "coco": (np.arange(17), True, True, 1e-3),
    "ochuman": (np.arange(17), True, True, 1e-3),
    "dataengine": (np.arange(17), True, True, 1e-3),
    "cvat": (np.arange(17), True, True, 6e-3),
    "label-studio": (np.arange(17), True, True, 1e-3),
    "yolo": (np.arange(17), True, True, 1e-3),
    "crowdpose": (LIMBS, True, True, 1e-3),
    "aic": (LIMBS, True, True, 1e-3),
    "posetrack18": (POSETRACK_JOINTS, False, True, 1e-3),
    "mpii": (LIMBS, False, False, 1e-3),
}


def there_and_back(name: str, people: People, images: Images, source: Path, out: Path) -> SourceContent:
    """Written in the format, read again."""
    known = FORMATS[name]
    assert known.write is not None
    table = copy_images(images, source, out / "images", known.image_names)
    written = known.write(out / known.annotations, people, table, out / "images")
    assert written.people <= len(people)
    folder = out if name == "dataengine" else out / "images"
    return known.read(out / known.annotations, folder, Limits())


def in_order(people: People, images: Images) -> People:
    """Sorted by image, then by the first coordinates: formats keep no other order."""
    return people.take(np.lexsort((people.bbox_xywh_px[:, 0], people.keypoints_px.sum(axis=(1, 2)), people.image_id)))


@pytest.mark.parametrize("name", HOLDS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=crowds(joints=LIMBS))
def test_people_come_back_as_the_format_can_say_them(name: str, people: People) -> None:
    joints, occlusion, boxes, tolerance = HOLDS[name]
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / "source"
        images = image_table(source, 3).replace(group="hall")
        content = there_and_back(name, people, images, source, Path(temporary) / "out")
    assert not content.bad
    assert not content.without_labels
    # images may get new ids; their names stay
    names = {Path(path).name: identity for path, identity in zip(images.path, images.id, strict=True)}
    back = content.people.replace(
        image_id=np.array(
            [names[Path(content.images.path[row]).name] for row in content.images.rows_of(content.people.image_id)],
            dtype=np.int64,
        )
    )
    found, expected = in_order(back, images), in_order(people, images)
    np.testing.assert_array_equal(found.image_id, expected.image_id)
    flags = expected.visibility if occlusion else np.where(expected.visibility > 0, 2, 0)
    np.testing.assert_array_equal(found.visibility[:, joints], flags[:, joints])
    labelled = expected.visibility > 0
    np.testing.assert_allclose(found.keypoints_px[labelled], expected.keypoints_px[labelled], atol=tolerance)
    if boxes:
        np.testing.assert_allclose(found.bbox_xywh_px, expected.bbox_xywh_px, atol=2 * tolerance)
    if name in ("posetrack18", "dataengine", "cvat"):
        np.testing.assert_array_equal(found.track_id, expected.track_id)
    held = name not in ("yolo", "mpii", "cvat", "label-studio")
    assert set(content.images.group.tolist()) <= ({"hall"} if held else {""})


@settings(max_examples=12, deadline=None)
@given(people=crowds(joints=LIMBS))
def test_lspet_keeps_one_person_an_image_and_counts_the_others(people: People) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        source, out = Path(temporary) / "source", Path(temporary) / "out"
        images = image_table(source, 3)
        table = copy_images(images, source, out / "images", FORMATS["lsp"].image_names)
        write = FORMATS["lsp"].write
        assert write is not None
        written = write(out / "joints.mat", people, table, out / "images")
        content = FORMATS["lsp"].read(out / "joints.mat", out / "images", Limits())
    alone = len(set(people.image_id.tolist()))
    assert written.people == len(content.people) == alone
    assert written.lost.get("people beyond the first of an image", 0) == len(people) - alone
    assert content.without_labels == 3 - alone
    for row, image in enumerate(content.people.extras["source_id"].tolist()):
        first = int(np.flatnonzero(people.image_id == image)[0])
        labelled = people.visibility[first] > 0
        np.testing.assert_array_equal(content.people.visibility[row], np.where(labelled, 2, 0))
        np.testing.assert_allclose(
            content.people.keypoints_px[row][labelled], people.keypoints_px[first][labelled], atol=1e-4
        )


@pytest.mark.parametrize(
    ("name", "joints"), [("crowdpose", LIMBS), ("aic", LIMBS), ("mpii", LIMBS), ("posetrack18", POSETRACK_JOINTS)]
)
def test_what_a_format_cannot_say_is_counted(tmp_path: Path, name: str, joints: np.ndarray) -> None:
    images = image_table(tmp_path / "source", 1)
    people = People.build(
        image_id=[1, 1],
        bbox_xywh_px=[[0, 0, 50, 50]] * 2,
        keypoints_px=np.full((2, 17, 2), 9.0),
        visibility=np.tile([1] * 8 + [2] * 9, (2, 1)),
        weight=[0.5, 1],
        extras={"mood": ["good", "bad"]},
    )
    write = FORMATS[name].write
    assert write is not None
    lost = write(tmp_path / "a.json", people, images, tmp_path / "source").lost
    assert (lost["weight"], lost["mood"]) == (1, 2)
    faces = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
    assert {face for face in faces if face in lost} == {face for j, face in enumerate(faces) if j not in joints}
    assert all(lost[face] == 2 for face in faces if face in lost)
    assert lost.get("occlusion flags", 0) == (16 if name in ("mpii", "posetrack18") else 0)


def test_conversion_writes_a_set_that_pycocotools_loads_and_an_account(tmp_path: Path) -> None:
    source = tmp_path / "source"
    images = image_table(source, 3)
    visibility = np.full((2, 17), 2)
    people = People.build(
        image_id=[1, 3], bbox_xywh_px=[[1, 2, 30, 40]] * 2, keypoints_px=np.full((2, 17, 2), 20), visibility=visibility
    )
    there_and_back("yolo", people, images, source, tmp_path / "yolo")
    (tmp_path / "yolo/labels/part/clip_000001.txt").write_text("0 1 2\n")
    content = FORMATS["yolo"].read(tmp_path / "yolo/labels", tmp_path / "yolo/images", Limits())
    convert(content, FORMATS["coco"], "coco", images=tmp_path / "yolo/images", out=tmp_path / "coco")
    truth = COCO(str(tmp_path / "coco/annotations.json"))
    assert [image["file_name"] for image in truth.imgs.values()] == [f"part/clip_00000{i}.png" for i in range(3)]
    assert (truth.imgs[1]["width"], truth.imgs[1]["height"]) == (WIDTH, HEIGHT)
    assert [record["num_keypoints"] for record in truth.anns.values()] == [17, 17]
    report = FORMATS["coco"].read(tmp_path / "coco/annotations.json", tmp_path / "coco/images", Limits())
    assert len(report.people) == 2
    account = (tmp_path / "coco/report.json").read_text()
    assert '"reason": "3 columns, not 39 or 56"' in account


def test_images_that_would_share_a_yolo_file_are_refused(tmp_path: Path) -> None:
    paths = [str(write_image(tmp_path / "images" / name)) for name in ("a.png", "a.bmp")]
    images = Images.build(id=[1, 2], path=paths, width=WIDTH, height=HEIGHT)
    write = FORMATS["yolo"].write
    assert write is not None
    with pytest.raises(InputError, match=r"two images would share a label file.*a\.txt"):
        write(tmp_path / "labels", People.empty(), images, tmp_path / "images")
    assert not (tmp_path / "labels").exists()
