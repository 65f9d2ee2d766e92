"""Files that were made to hurt: one line each, bounded memory, and the good records beside a bad one survive."""

import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataengine.datasets.formats.coco import read_coco
from dataengine.datasets.formats.content import Limits
from dataengine.datasets.formats.table import FORMATS
from dataengine.errors import InputError
from dataengine.keypoints import COCO_KEYPOINTS

from .writing_samples import HEIGHT, WIDTH, write_image

GIGABYTE = 1024**3


def good_document(count: int = 4) -> dict[str, Any]:
    """`count` images with a person each."""
    keypoints = [value for joint in range(17) for value in (10.0 + joint, 20.0, 2)]
    return {
        "images": [{"id": i, "file_name": f"{i}.png", "width": WIDTH, "height": HEIGHT} for i in range(count)],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 1, "bbox": [5, 5, 40, 40], "keypoints": keypoints, "iscrowd": 0}
            for i in range(count)
        ],
        "categories": [{"id": 1, "name": "person", "keypoints": list(COCO_KEYPOINTS)}],
    }


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """The folder of four pictures, and a secret beside it."""
    for number in range(4):
        write_image(tmp_path / "images" / f"{number}.png")
    write_image(tmp_path / "secret.png")
    return tmp_path / "images"


def written(images: Path, text: str) -> Path:
    path = images.parent / "a.json"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../secret.png", "leaves the image folder"),
        ("sub/../../secret.png", "leaves the image folder"),
        ("/etc/passwd", "leaves the image folder"),
        ("..\\\\secret.png", "leaves the image folder"),
        (".", "leaves the image folder"),
        ("link.png", "leaves the image folder"),
        ("folder/secret.png", "leaves the image folder"),
        ("text", "cannot be read"),
        ("fifo", "not a file"),
        ("\\u0000.png", "file_name is"),
        ("\\ud800.png", "is not text"),
        ("x" * 5000, "file_name is"),
        ("y" * 300, "cannot be read"),
        ("bomb.png", "pixels are more than 50 million"),
        ("sub", "not a file"),
    ],
)
def test_a_file_name_that_would_harm_is_refused_alone(images: Path, name: str, reason: str) -> None:
    (images / "sub").mkdir()
    (images / "link.png").symlink_to(images.parent / "secret.png")
    (images / "folder").symlink_to(images.parent)
    (images / "text").write_bytes(b"not an image")
    os.mkfifo(images / "fifo")
    (images / "bomb.png").write_bytes(bomb(20_000, 20_000))
    text = json.dumps(good_document()).replace("1.png", name)
    content = read_coco(written(images, text), images)
    assert len(content.people) == 3
    assert len(content.bad) == 2
    (record,) = [record for record in content.bad if record.table == "images"]
    assert reason in record.reason
    assert "\n" not in record.reason
    assert len(record.file) + len(record.reason) < 400


def bomb(width: int, height: int) -> bytes:
    """A PNG of that size in a few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def test_a_link_that_stays_inside_is_fine(images: Path) -> None:
    (images / "1.png").unlink()
    (images / "1.png").symlink_to(images / "2.png")
    assert len(read_coco(written(images, json.dumps(good_document())), images).people) == 4


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("11.0", "NaN", "not a finite number"),
        ("11.0", "-Infinity", "not a finite number"),
        ("11.0", "1e308", "not a finite number"),
        ("11.0", "1e999", "not a finite number"),
        ("11.0", "9" * 6000, "not a finite number"),
        ("11.0", "true", "not 51 numbers"),
        ("11.0", '"11"', "not 51 numbers"),
        ("11.0", "[[[]]]", "not 51 numbers"),
        ("11.0, 20.0, 2", "11.0, 20.0, 1.5", "a visibility is not 0, 1 or 2"),
        ("[5, 5, 40, 40]", "[5, 5, 1e308, 1e308]", "bbox is not four"),
        ("[5, 5, 40, 40]", "[5, 5, NaN, 4]", "bbox is not four"),
        ("[5, 5, 40, 40]", '{"x": 5}', "bbox is not four"),
        ('"id": 1, "image_id": 1', '"id": 1, "id": 77, "image_id": 1', "a key stands in the record more than once"),
        ('"id": 1, "image_id": 1', f'"id": {"1" * 25}, "image_id": 1', "not a whole number"),
        ('"id": 1, "image_id": 1', '"id": 1, "image_id": "1"', "unknown or bad"),
        ('"id": 1, "image_id": 1', f'"id": {"[" * 700 + "]" * 700}, "image_id": 1', "id is a list"),
        ('"id": 1, "image_id": 1', '"id": 1, "image_id": true', "unknown or bad"),
        ('"id": 1, "image_id": 1, "category_id": 1', '"id": 1, "image_id": 1, "category_id": {}', "not a person's"),
    ],
)
def test_one_hostile_annotation_loses_no_other(images: Path, old: str, new: str, reason: str) -> None:
    document = good_document()
    texts = [json.dumps(record) for record in document.pop("annotations")]
    texts[1] = texts[1].replace(old, new, 1)
    text = json.dumps(document)[:-1] + ', "annotations": [' + ", ".join(texts) + "]}"
    content = read_coco(written(images, text), images)
    assert len(content.people) == 3
    assert [reason in record.reason for record in content.bad] == [True], content.bad
    assert len(content.bad[0].reason) < 200


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[" * 200_000, "cannot be read"),
        (b'{"images": ' * 100_000, "cannot be read"),
        (b"\xff\xfe{}", "cannot be read"),
        (b'{"images": [], "images": [], "annotations": [], "categories": []}', "each of its keys once"),
        (b'{"images": {}, "annotations": 3}', "is not COCO"),
        (b'{"images": [], "annotations": [], "categories": 3}', "has no people"),
        (b'{"images": [], "annotations": [], "categories": [{"id": 1, "keypoints": ["a"]}]}', "has no people"),
        (b"null", "is not COCO"),
        (b"", "cannot be read"),
    ],
)
@pytest.mark.parametrize("name", ["coco", "crowdpose", "posetrack18", "aic", "dataengine"])
def test_a_file_that_is_hostile_as_a_whole_is_one_line(images: Path, name: str, content: bytes, message: str) -> None:
    path = images.parent / "a.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        FORMATS[name].read(path, images, Limits())
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_other_joints_than_the_formats_are_refused(images: Path) -> None:
    document = good_document()
    names = document["categories"][0]["keypoints"]
    names[5], names[6] = names[6], names[5]
    with pytest.raises(InputError, match="has other joints"):
        read_coco(written(images, json.dumps(document)), images)


def test_too_large_a_file_is_refused_unread(images: Path) -> None:
    path = images.parent / "large.json"
    with path.open("wb") as opened:
        opened.truncate(3 * GIGABYTE)  # sparse: takes no room
    with pytest.raises(InputError, match="too large: expected at most 1 MB"):
        read_coco(path, images, Limits(annotation_mb=1))
    with pytest.raises(InputError, match="too large"):
        FORMATS["lsp"].read(path, images, Limits(annotation_mb=1))


READ_LIMITED = """
import resource, sys
from pathlib import Path
from dataengine.datasets.formats.content import Limits
from dataengine.datasets.formats.table import FORMATS
from dataengine.errors import InputError
import numpy, scipy.io, PIL.Image
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
try:
    content = FORMATS[sys.argv[1]].read(Path(sys.argv[2]), Path(sys.argv[3]), Limits())
    print("read", len(content.people), len(content.bad))
except InputError as error:
    print("refused", str(error).count(chr(10)))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def read_limited(name: str, annotations: Path, images: Path) -> tuple[str, int]:
    """What happened, and by how many megabytes the process grew, under a real limit of 4 GB."""
    command = [sys.executable, "-c", READ_LIMITED, name, str(annotations), str(images)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said, grown = done.stdout.splitlines()
    return said, int(grown)


def test_a_json_that_swells_in_memory_is_refused_in_bounds(images: Path) -> None:
    path = images.parent / "swelling.json"
    size = 48 * 1024**2
    path.write_bytes(b'{"images":[' + b"[]," * (size // 3) + b"0]}")  # 24 bytes of memory for each of the file
    said, grown = read_limited("coco", path, images)
    assert said == "refused 0"
    assert grown < 12 * 48 + 256 + 100


def test_a_bomb_among_good_images_takes_no_memory(images: Path) -> None:
    (images / "1.png").write_bytes(bomb(60_000, 60_000))
    said, grown = read_limited("coco", written(images, json.dumps(good_document())), images)
    assert said == "read 3 2"
    assert grown < 200


def mat_element(kind: int, body: bytes) -> bytes:
    return struct.pack("<II", kind, len(body)) + body + b"\0" * (-len(body) % 8)


def declared_matrix(dims: tuple[int, ...], matlab_class: int, body: bytes, name: bytes = b"joints") -> bytes:
    """A MAT 5 file with one matrix that declares `dims`, whatever its body holds."""
    flags = mat_element(6, struct.pack("<II", matlab_class, 0))
    shape = mat_element(5, struct.pack(f"<{len(dims)}i", *dims))
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM"
    return header + mat_element(14, flags + shape + mat_element(1, name) + body)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("lsp", declared_matrix((14, 3, 2**31 - 1), 6, mat_element(9, b"\0" * 64))),
        ("lsp", declared_matrix((14, 3, 4_000_000), 6, mat_element(9, b"\0" * 64))),
        ("lsp", declared_matrix((2**30, 2), 1, b"")),
        (
            "mpii",
            declared_matrix(
                (1, 150_000_000), 2, mat_element(5, struct.pack("<i", 8)) + mat_element(1, b"annolist"), b"RELEASE"
            ),
        ),
        ("lsp", b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM" + mat_element(15, zlib.compress(b"\0" * (1 << 28)))),
    ],
)
def test_a_mat_that_declares_more_than_it_holds_is_refused_in_bounds(images: Path, name: str, content: bytes) -> None:
    path = images.parent / "joints.mat"
    path.write_bytes(content)
    said, grown = read_limited(name, path, images)
    assert said == "refused 0"
    assert grown < 900


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0 0.5 0.5 0.2", "4 columns"),
        ("0 " + "0.5 " * 54, "55 columns"),
        ("0 " + "0.5 " * 57, "58 columns"),
        ("0 0.5 0.5 0.2 0.2 " + "0.5 0.5 x " * 17, "not a number"),
        ("0 0.5 0.5 0.2 0.2 " + "nan 0.5 2 " * 17, "not a finite number"),
        ("0 0.5 0.5 1e308 0.2 " + "0.5 0.5 2 " * 17, "beyond all bounds"),
        ("0 0.5 0.5 0 0.2 " + "0.5 0.5 2 " * 17, "the box is empty"),
        ("0 0.5 0.5 0.2 0.2 " + "0.5 0.5 3 " * 17, "a visibility is not"),
        ("7 0.5 0.5 0.2 0.2 " + "0.5 0.5 2 " * 17, "class 7 is not a person's"),
    ],
)
def test_a_bad_yolo_line_loses_no_other(images: Path, line: str, reason: str) -> None:
    good = "0 0.5 0.5 0.4 0.4 " + "0.5 0.5 1 " * 17
    without_flags = "0 0.5 0.5 0.4 0.4 " + "0.5 0.5 " * 16 + "0 0"
    labels = images.parent / "labels"
    labels.mkdir()
    (labels / "0.txt").write_text(f"{good}\n{line}\n\n{without_flags}\n")
    (labels / "1.txt").write_bytes(b"\xff\xfe")
    (labels / "stray.txt").write_text(good)
    (labels / "2.txt").symlink_to(images.parent / "a.json")
    content = FORMATS["yolo"].read(labels, images, Limits())
    assert content.people.visibility.tolist() == [[1] * 17, [2] * 16 + [0]]
    reasons = {record.id: record.reason for record in content.bad}
    assert reason in reasons["line 2"]
    assert reasons["1.txt"] == "not a text of numbers"
    assert reasons["stray"] == "no image has this name"
    assert "leaves" in reasons["2.txt"]
    assert len(content.images) == 4


def test_our_own_file_with_hostile_extra_keys(images: Path) -> None:
    document = good_document()
    document["annotations"][0] |= {"picture": 1, "columns": 2, "self": 3, "source": "martian"}
    document["annotations"][1] |= {"triples": 1, "source_id": "x", "track_id": 1e9}
    deep: Any = 1
    for _ in range(300):
        deep = [deep]
    document["annotations"][2] |= {"box": deep}
    document["annotations"][3] |= {"picture": 1, "box": {"deep": [1]}, "weight": 0.5, "__class__": 1}
    content = FORMATS["dataengine"].read(written(images, json.dumps(document)), images, Limits())
    assert len(content.bad) == 3
    assert content.people.weight.tolist() == [0.5]
    assert content.people.extras["box"].tolist() == [{"deep": [1]}]


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([1, 2, "1.png", []]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), name=st.sampled_from(["coco", "wholebody", "crowdpose", "posetrack18", "aic", "dataengine"]))
def test_whatever_stands_in_a_record_nothing_is_lost_uncounted(images: Path, data: st.DataObject, name: str) -> None:
    document = good_document()
    read = FORMATS[name].read  # the same document serves all: formats with other joints find only bad people in it
    for _ in range(data.draw(st.integers(1, 4))):
        table = data.draw(st.sampled_from(["images", "annotations", "categories"]))
        row = data.draw(st.integers(0, len(document[table]) - 1))
        if data.draw(st.booleans()) or not isinstance(document[table][row], dict):
            document[table][row] = data.draw(ANYTHING)
        else:
            key = data.draw(st.sampled_from([*document[table][row], "track_id", "vid_id", "area", "score", "source"]))
            document[table][row][key] = data.draw(ANYTHING)
    path = written(images, json.dumps(document))
    try:
        content = read(path, images, Limits())
    except InputError as error:
        assert "\n" not in str(error)
        return
    assert content.records == len(document["images"]) + len(document["annotations"])
    assert all("\n" not in record.reason and len(record.reason) < 300 for record in content.bad)
    content.images.rows_of(content.people.image_id)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(record=ANYTHING, joints=ANYTHING, flags=ANYTHING, release=ANYTHING)
def test_lists_of_anything_are_read_or_refused(
    images: Path, record: Any, joints: Any, flags: Any, release: Any
) -> None:
    entries = [record, {"image": "1.png", "joints": joints, "joints_vis": flags}, {"image": joints}]
    content = FORMATS["mpii"].read(written(images, json.dumps(entries)), images, Limits())
    assert len(content.bad) >= 3
    people = {"a": release, "b": [1, 2, 3] * 14}
    write_image(images / "1.jpg")
    entries = [
        record,
        {"image_id": "1", "keypoint_annotations": people, "human_annotations": {"a": joints, "b": flags}},
    ]
    content = FORMATS["aic"].read(written(images, json.dumps([*entries, release])), images, Limits())
    assert content.records >= 3
