"""CVAT's XML there and back, as CVAT's own importer and exporter have it, and files that nobody need trust."""

import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataengine.errors import InputError
from dataengine.formats.picture_search import PictureSearch
from dataengine.formats.reading.content import Limits, SourceContent
from dataengine.formats.tools.archives import unpacked
from dataengine.formats.tools.cvat import read_cvat
from dataengine.formats.tools.cvat_writing import labels_path, write_cvat
from dataengine.keypoints import COCO_KEYPOINTS, COCO_SKELETON
from dataengine.people import People

from ..writing_samples import crowds, image_table, write_image

HALF_OF_LAST_DECIMAL = 0.005 + 1e-4  # and what float32 adds
EXPORTED = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta><task><id>7</id><assignee><username>anna</username><email/></assignee></task></meta>
  <image id="0" name="clip.png" width="96" height="64">{shapes}</image>
</annotations>
"""
SKELETON = """<skeleton label="{label}" source="manual" z_order="0"{more}>
  <points label="{nose}" source="manual" outside="0" occluded="1" points="10.25,20.75"></points>
  <points label="left_wrist" source="manual" outside="1" occluded="0" points="3.00,4.00"></points>
  <points label="right-wrist" source="manual" outside="0" occluded="0" points="30.00,40.00"></points>
  <attribute name="annotator">ben</attribute><attribute name="mood"></attribute>
</skeleton>"""


def skeleton(label: str = "person", nose: str = "nose", more: str = "") -> str:
    return SKELETON.format(label=label, nose=nose, more=more)


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], SourceContent]:
    """Read what an image is said to hold."""
    write_image(tmp_path / "images" / "clip.png")

    def reader(shapes: str) -> SourceContent:
        (tmp_path / "annotations.xml").write_text(EXPORTED.format(shapes=shapes))
        return read_cvat(tmp_path / "annotations.xml", tmp_path / "images", Limits())

    return reader


@settings(max_examples=20, deadline=None)
@given(people=crowds())
def test_people_survive_to_the_formats_precision(people: People) -> None:
    """Flags, joints, boxes, tracks, scores and ids, each person compared with itself by its id."""
    with tempfile.TemporaryDirectory() as temporary:
        source, file = Path(temporary) / "source", Path(temporary) / "out.xml"
        images = image_table(source, 3)
        people = people.replace(score=np.linspace(0.1, 1, len(people), dtype=np.float32))
        written = write_cvat(file, people, images, source)
        content = read_cvat(file, source, Limits())
    assert written.lost == {} and not content.bad and not content.notes.total
    back = content.people.take(np.argsort(np.array(content.people.extras["source_id"].tolist(), dtype=int)))
    assert back.extras["source_id"].tolist() == [str(row + 1) for row in range(len(people))]
    np.testing.assert_array_equal(back.image_id, people.image_id)
    np.testing.assert_array_equal(back.visibility, people.visibility)
    np.testing.assert_array_equal(back.track_id, people.track_id)
    np.testing.assert_allclose(back.score, people.score, atol=1e-5)
    np.testing.assert_allclose(back.keypoints_px, people.keypoints_px, atol=HALF_OF_LAST_DECIMAL)
    np.testing.assert_allclose(back.bbox_xywh_px, people.bbox_xywh_px, atol=2 * HALF_OF_LAST_DECIMAL)


def test_the_file_has_what_cvats_importer_asks_for(tmp_path: Path) -> None:
    """It indexes these attributes without a default, and takes numbers by `float` and `int`."""
    images = image_table(tmp_path / "source", 1)
    flags = np.array([[0, 1] + [2] * 15], dtype=np.uint8)
    people = People.build(
        image_id=1, bbox_xywh_px=[[10, 4, 50, 50]], keypoints_px=np.full((1, 17, 2), 20.0), visibility=flags
    )
    write_cvat(tmp_path / "a.xml", people, images, tmp_path / "source")
    (image,) = ElementTree.parse(tmp_path / "a.xml").getroot().findall("image")
    assert image.attrib == {"id": "0", "name": "part/clip_000000.png", "width": "96", "height": "64"}
    box, person = image
    assert (box.tag, box.attrib["group_id"]) == ("box", person.attrib["group_id"])
    assert [float(box.attrib[name]) for name in ("xtl", "ytl", "xbr", "ybr")] == [10, 4, 60, 54]
    joints = person.findall("points")
    assert [joint.attrib["label"] for joint in joints] == list(COCO_KEYPOINTS)
    states = [(joint.attrib["outside"], joint.attrib["occluded"]) for joint in joints[:3]]
    assert states == [("1", "0"), ("0", "1"), ("0", "0")]
    x, y = map(float, joints[0].attrib["points"].split(","))
    assert 10 < x < 60 and 4 < y < 54, "a joint that is switched on is found in the person's box"


def test_the_labels_for_cvats_constructor(tmp_path: Path) -> None:
    images = image_table(tmp_path / "source", 1)
    write_cvat(tmp_path / "a.xml", People.empty(), images, tmp_path / "source")
    person, box, nobody = json.loads(labels_path(tmp_path / "a.xml").read_text())
    assert (person["type"], box["type"], nobody["type"]) == ("skeleton", "rectangle", "tag")
    assert [joint["name"] for joint in person["sublabels"]] == list(COCO_KEYPOINTS)
    drawn = list(ElementTree.fromstring(f"<svg>{person['svg']}</svg>"))
    nodes = {each.attrib["data-node-id"]: each for each in drawn if each.get("data-type") == "element node"}
    assert [nodes[str(number)].attrib["data-label-name"] for number in range(1, 18)] == list(COCO_KEYPOINTS)
    edges = [each.attrib for each in drawn if each.get("data-type") == "edge"]
    assert [(int(each["data-node-from"]) - 1, int(each["data-node-to"]) - 1) for each in edges] == list(COCO_SKELETON)
    for edge in edges:
        start = nodes[edge["data-node-from"]].attrib
        assert (edge["x1"], edge["y1"]) == (start["cx"], start["cy"])


def test_what_cvat_exports_is_read_by_name(read: Callable[[str], SourceContent]) -> None:
    people = read(skeleton("Person", "Nose")).people
    nose, wrist, left = (COCO_KEYPOINTS.index(name) for name in ("nose", "right_wrist", "left_wrist"))
    assert people.visibility[0, [nose, wrist, left]].tolist() == [1, 2, 0]
    assert people.keypoints_px[0, nose].tolist() == [9.75, 20.25], "CVAT counts from the corner"
    assert people.extras["annotator"].tolist() == ["ben"]


def test_a_box_belongs_to_the_one_skeleton_of_its_group(read: Callable[[str], SourceContent]) -> None:
    box = '<box label="person_box" occluded="0" xtl="1.00" ytl="2.00" xbr="50.00" ybr="60.00" group_id="{}"/>'
    grouped = read(skeleton(more=' group_id="3"') + box.format(3))
    assert grouped.people.bbox_xywh_px.tolist() == [[1, 2, 49, 58]] and not grouped.notes.total
    alone = read(skeleton(more=' group_id="3"') + box.format(4))
    assert alone.notes.passed_over == {"no joints": 1}
    assert alone.people.bbox_xywh_px[0].tolist() != [1, 2, 49, 58]
    shared = read(skeleton(more=' group_id="3"') * 2 + box.format(3))
    assert len(shared.people) == 2 and shared.notes.passed_over == {"no joints": 1}


def test_whatever_is_no_person_with_joints_is_counted(read: Callable[[str], SourceContent]) -> None:
    content = read(
        skeleton()
        + skeleton("dog")
        + '<box label="ball" occluded="0" xtl="1" ytl="2" xbr="5" ybr="6"/>'
        + '<polygon label="person" points="1,2;3,4;5,6"/><tag label="nobody"/><tag label="blurred"/>'
        + '<mask label="tree" rle="1" left="0" top="0" width="1" height="1"/>'
    )
    assert len(content.people) == 1 and not content.bad
    assert content.notes.passed_over == {"no joints": 1, "other category": 4}
    assert content.notes.other_categories == {"dog": 1, "ball": 1, "blurred": 1, "tree": 1}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("10.25,20.75", "10.25,nan", "a keypoint is not a finite number"),
        ("10.25,20.75", "10.25", "'nose' is not at one place"),
        ("10.25,20.75", "ten,20", "a coordinate is not a number"),
        ("10.25,20.75", "200.00,20.75", "a labelled joint lies outside the image"),
        ("right-wrist", "nose", "two joints are called 'nose'"),
        ('name="mood"></', 'name="track_id">x</', "track_id is 'x', not a whole number"),
    ],
)
def test_a_bad_skeleton_does_not_lose_the_others(
    read: Callable[[str], SourceContent], old: str, new: str, reason: str
) -> None:
    content = read(skeleton().replace(old, new) + skeleton())
    assert [bad.reason for bad in content.bad] == [reason] and len(content.people) == 1


def test_nameless_points_are_refused_with_the_reason(read: Callable[[str], SourceContent]) -> None:
    (bad,) = read('<points label="person" occluded="0" points="1,2;3,4"/>' + skeleton()).bad
    assert "label people with a skeleton" in bad.reason
    with pytest.raises(InputError, match="name the skeleton's points in CVAT as COCO does"):
        read(skeleton(nose="1").replace("left_wrist", "2").replace("right-wrist", "3"))


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ('<!DOCTYPE a [<!ENTITY b "c">]><annotations>&b;</annotations>', "document type"),
        ("<annotations><image", "cannot be read"),
        ("<html/>", "not CVAT's XML"),
        ('<annotations><track id="0" label="person"/></annotations>', "export as CVAT for images 1.1"),
        ("", "cannot be read"),
    ],
)
def test_other_xml_is_refused_in_one_line(tmp_path: Path, text: str, cause: str) -> None:
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(InputError, match=cause):
        read_cvat(tmp_path / "a.xml", tmp_path, Limits())


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_stands_in_the_file_it_is_read_or_refused(data: st.DataObject) -> None:
    """One value of a good file is replaced by another: a record is set aside, or the file is refused in one line."""
    good = EXPORTED.format(
        shapes=skeleton(more=' group_id="1"') + '<box label="person" xtl="1" ytl="2" xbr="9" ybr="9" group_id="1"/>'
    )
    values = list(re.finditer(r'(?<==")[^"]*(?=")', good.split("<version>")[1]))
    place = data.draw(st.sampled_from(values))
    odd = st.sampled_from(["", "-1", "nan", "1e400", "9" * 400, "a,b", ",", "1,2;3,4", "../../etc/passwd", "\u2028"])
    drawn = data.draw(odd | st.text(st.characters(exclude_characters='"<&', exclude_categories=["C"]), max_size=9))
    start = good.index("<version>") + len("<version>")
    text = good[: start + place.start()] + drawn + good[start + place.end() :]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_image(folder / "images" / "clip.png")
        (folder / "a.xml").write_text(text, encoding="utf-8")
        try:
            content = read_cvat(folder / "a.xml", folder / "images", Limits())
        except InputError as error:
            assert "\n" not in str(error)
        else:
            assert len(content.people) + len(content.bad) + content.notes.total >= 1


def test_a_zip_is_read_as_cvat_packs_it(tmp_path: Path) -> None:
    write_image(tmp_path / "images" / "clip.png")
    with ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("annotations.xml", EXPORTED.format(shapes=skeleton()))
    assert len(read_cvat(tmp_path / "export.zip", tmp_path / "images", Limits()).people) == 1
    with ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme.txt", "")
    with pytest.raises(InputError, match=r"a zip with annotations\.xml"):
        read_cvat(tmp_path / "other.zip", tmp_path / "images", Limits())


def test_a_zip_unpacks_below_its_folder_and_within_its_size(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("images/0/a.jpg", "picture")
        archive.writestr("__MACOSX/images/._a.jpg", "junk")
    with unpacked(tmp_path / "a.zip") as folder:
        assert [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()] == ["images/0/a.jpg"]
    with pytest.raises(InputError, match="too large"), unpacked(tmp_path / "a.zip", largest_bytes=6):
        pass
    for name in ("../out.jpg", "/out.jpg", "a/../../out.jpg", "..\\out.jpg"):
        with ZipFile(tmp_path / "evil.zip", "w") as archive:
            archive.writestr(name, "x")
        with pytest.raises(InputError, match="leaves it"), unpacked(tmp_path / "evil.zip"):
            pass


def test_pictures_are_found_by_the_end_of_their_paths(tmp_path: Path) -> None:
    for name in ("default/0/a.jpg", "default/1/a.jpg", "b.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    search = PictureSearch([tmp_path])
    assert search.path("0/a.jpg") == str(tmp_path / "default/0/a.jpg")
    assert search.path("C:\\work\\default\\1\\a.jpg") == str(tmp_path / "default/1/a.jpg")
    assert search.path("/data/upload/3/0123abcd-b.jpg") == str(tmp_path / "b.jpg")
    for name, reason in (("a.jpg", "may be any of 2 images"), ("2/a.jpg", "does not exist"), ("..", "file_name is")):
        with pytest.raises(Exception, match=reason):
            search.path(name)
    assert search.by_less == {str(tmp_path / "b.jpg"), str(tmp_path / "default/1/a.jpg")}
