"""Files that were made to hurt: one line each, and bounded memory."""

import json
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from dataengine.errors import InputError
from dataengine.format_table import FORMATS
from dataengine.formats.coco import read_coco
from dataengine.formats.reading.content import Limits
from dataengine.formats.reading.joints import POSETRACK
from dataengine.keypoints import COCO_KEYPOINTS

from .hostile_samples import bomb, good_document, written

GIGABYTE = 1024**3


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


@pytest.mark.parametrize(
    ("format_name", "joints", "message"),
    [
        ("coco", POSETRACK.names, "has PoseTrack18's joints, whose flags differ from COCO's.*read it as posetrack18"),
        ("coco", (*COCO_KEYPOINTS[:-1], "LeftAnkle"), "expected each joint once.*left_ankle"),
        ("coco", [f"k{number}" for number in range(17)], "has no people.*person with the keypoints 'k0, k1, k2, ...'"),
        ("crowdpose", COCO_KEYPOINTS, "has other joints.*read it as coco"),
        ("posetrack18", COCO_KEYPOINTS, "has other joints"),
        ("dataengine", COCO_KEYPOINTS[:-1], "has other joints"),
    ],
)
def test_joints_whose_meaning_cannot_be_known_are_refused(
    images: Path, format_name: str, joints: Sequence[str], message: str
) -> None:
    document = good_document()
    document["categories"][0]["keypoints"] = list(joints)
    with pytest.raises(InputError, match=message):
        FORMATS[format_name].read(written(images, json.dumps(document)), images, Limits())


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
from dataengine.formats.reading.content import Limits
from dataengine.formats.reading.joints import POSETRACK
from dataengine.format_table import FORMATS
from dataengine.keypoints import COCO_KEYPOINTS
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
