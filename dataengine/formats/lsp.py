"""Leeds Sports Pose (LSP) and its extended training set (LSPET): `joints.mat` and im0001.jpg, im0002.jpg, ...

Both have 14 joints, MATLAB pixels (from 1), one person per image, and a third row whose meaning differs:
LSP is 3x14xN and the row says *occluded* (0 visible, 1 occluded; all joints are labelled). LSPET is 14x3xN and the row
says *labelled* (1; a joint with 0 was not seen and has no usable position). The shape shows which of the two it is.

Dropped on the way in: neck and head top. Out: LSPET's shape, because only it can leave joints unlabelled; lost are
the face, occlusion flags, boxes, all but the first person of an image.
"""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.files import atomic_path
from dataengine.keypoints import OCCLUDED, UNLABELLED, VISIBLE
from dataengine.people import Images, People

from .coco_like import coco_triples
from .mat_files import load_variable
from .persons import Persons
from .pictures import Named, find_pictures
from .reading.content import BadRecord, Limits, Reject, SourceContent, need
from .reading.joints import joint_map
from .writing import Written, lost_fields, lost_occlusion

JOINT_NAMES = (
    "Right ankle",
    "Right knee",
    "Right hip",
    "Left hip",
    "Left knee",
    "Left ankle",
    "Right wrist",
    "Right elbow",
    "Right shoulder",
    "Left shoulder",
    "Left elbow",
    "Left wrist",
    "Neck",
    "Head top",
)
LSP = joint_map(JOINT_NAMES)
IMAGE_NAME = re.compile(r"im(\d{4,6})\.(jpg|jpeg|png)", re.IGNORECASE)
NUMBERS = ("double", "single", "int8", "uint8", "int16", "uint16", "int32", "uint32")
MATLAB_ORIGIN = 1.0  # the centre of MATLAB's first pixel


def read_lsp(annotations: Path, folder: Path, limits: Limits) -> SourceContent:
    """Read either set. A row whose image is not in `folder` is bad, and so is its annotation."""
    triples = _joints(annotations, limits)
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder", expected="the folder of im0001.jpg, im0002.jpg, ...")
    files: dict[int, list[str]] = {}
    for name in sorted(path.name for path in folder.iterdir()):
        if match := IMAGE_NAME.fullmatch(name):
            files.setdefault(int(match[1]), []).append(name)
    numbers = range(1, len(triples) + 1)
    bad: list[BadRecord] = []
    named = [_named(number, files.get(number, [f"im{number:0{_digits(len(triples))}d}.jpg"])) for number in numbers]
    pictures = find_pictures(named, folder, limits, bad)
    persons = Persons(LSP, outside_is_dropped=True)
    for number, person in zip(numbers, triples, strict=True):
        try:
            need(number in pictures, f"image {number} is bad")
            need(bool(np.isin(person[:, 2], (UNLABELLED, OCCLUDED, VISIBLE)).all()), "a flag is not 0 or 1")
            # LSPET leaves zeros, and sometimes worse, where a joint is not labelled
            person = np.where(person[:, 2:] > UNLABELLED, person, 0.0)
            persons.add(pictures[number], person, None, source_id=number)
        except Reject as reason:
            bad.append(BadRecord(str(annotations), "annotations", str(number), str(reason)))
    return persons.content(list(pictures.values()), bad, 2 * len(triples))


def _named(number: int, files: list[str]) -> Named | BadRecord:
    if len(files) > 1:
        return BadRecord(files[0], "images", str(number), f"another image has its number: {files[1]}")
    return Named(number, files[0])


def lsp_names(images: Images) -> list[str]:
    """What the images must be called: their place in the matrix."""
    digits = _digits(len(images))
    return [f"im{row + 1:0{digits}d}{Path(path).suffix.lower()}" for row, path in enumerate(images.path)]


def write_lsp(annotations: Path, people: People, images: Images, folder: Path) -> Written:
    """Write a 14x3xN `joints`; images are called as `lsp_names` says."""
    from scipy.io import savemat

    rows = images.rows_of(people.image_id)
    first = np.unique(rows, return_index=True)[1]
    alone = people.take(first)
    triples = LSP.from_coco(coco_triples(alone))
    labelled = triples[..., 2:] > UNLABELLED
    matrix = np.zeros((len(images), len(LSP), 3))
    matrix[rows[first]] = np.where(labelled, np.concatenate([triples[..., :2] + MATLAB_ORIGIN, labelled], axis=2), 0.0)
    with atomic_path(annotations) as partial:
        savemat(str(partial), {"joints": matrix.transpose(1, 2, 0)}, do_compression=True)
    lost = LSP.lost(coco_triples(alone)) | lost_occlusion(alone) | lost_fields(alone) | {"boxes": len(alone)}
    others = len(people) - len(alone)
    return Written(len(alone), len(images), lost | ({"people beyond the first of an image": others} if others else {}))


def _joints(annotations: Path, limits: Limits) -> NDArray[np.float64]:
    """(N, 14, 3) x, y in pixels, COCO flag (a bad flag of the file stays out of range)."""
    joints = np.asarray(load_variable(annotations, "joints", limits, kinds=NUMBERS), dtype=np.float64)
    joints = joints[..., None] if joints.ndim == 2 else joints
    if joints.shape[:2] == (3, len(LSP)):
        triples, flags = joints.transpose(2, 1, 0).copy(), {0: VISIBLE, 1: OCCLUDED}
    elif joints.shape[:2] == (len(LSP), 3):
        triples, flags = joints.transpose(2, 0, 1).copy(), {0: UNLABELLED, 1: VISIBLE}
    else:
        expected = f"a matrix 3x{len(LSP)}xN (LSP) or {len(LSP)}x3xN (LSPET)"
        raise InputError(f"{annotations} has other joints", expected=expected, got=f"{joints.shape}")
    stated = triples[..., 2].copy()
    triples[..., 2] = np.select([stated == 0, stated == 1], [flags[0], flags[1]], -1)
    triples[..., :2] -= MATLAB_ORIGIN
    return triples


def _digits(count: int) -> int:
    return 4 if count <= 2000 else 5  # as the two sets name their images
