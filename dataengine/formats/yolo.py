"""YOLO-pose text, in and out: one .txt per image, one line per person, everything a share of the image's size.

A line is `class cx cy w h` and then 17 times `x y v` (56 columns; v as in COCO) or `x y` (39 columns: a joint at 0 0 or
below 0 is not labelled, every other is taken as visible). The labels' folder mirrors the images' folder. An image
without a file, or with an empty one, has no people. Only class 0 is a person.

A joint's share is its COCO coordinate over the size, 0 for the first pixel's centre, without half a pixel more: so
Ultralytics' `convert_coco` makes them, and with it the published COCO labels. A box's share counts from the corner.
"""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.files import atomic_path
from dataengine.keypoints import UNLABELLED, VISIBLE
from dataengine.people import JOINTS, Images, People
from dataengine.terminal.progress import track

from .coco_like import coco_triples
from .content import BadRecord, Limits, Reject, SourceContent, need
from .joints import COCO_MAP
from .persons import Persons
from .pictures import Named, Picture, find_pictures, inner_path
from .writing import Written, lost_fields, relative_names

WITH_FLAGS, WITHOUT_FLAGS = 5 + 3 * JOINTS, 5 + 2 * JOINTS
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
LARGEST_LABEL_BYTES = 4 * 1024**2  # several thousand people in one picture
LARGEST_SHARE = 1e6
DECIMALS = 7  # of shares: a thousandth of a pixel in an image of 10,000


def read_yolo(annotations: Path, folder: Path, limits: Limits) -> SourceContent:
    """Read the .txt files of folder `annotations` for the images in `folder`; a bad line does not lose the others."""
    if not annotations.is_dir() or not folder.is_dir():
        raise InputError(f"{annotations} and {folder}", expected="two folders, of labels and of images")
    names = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    labels = {path.relative_to(annotations).with_suffix("") for path in annotations.rglob("*.txt")}
    bad: list[BadRecord] = []
    stems: dict[Path, int] = {}
    for name in names:
        stems[name.with_suffix("")] = stems.get(name.with_suffix(""), 0) + 1
    pictures = find_pictures([Named(name.as_posix(), name.as_posix()) for name in names], folder, limits, bad)
    persons, count = Persons(COCO_MAP, outside_is_dropped=True), len(names)
    for name in track(names, "read labels", total=len(names), unit="file"):
        stem = name.with_suffix("")
        if stem not in labels:
            continue
        label = Path(f"{stem.as_posix()}.txt")
        try:
            need(stems[stem] == 1, "two images have this file's name")
            lines = _lines(annotations, label)
        except Reject as reason:
            count += 1
            bad.append(BadRecord(str(annotations / label), "annotations", label.as_posix(), str(reason)))
            continue
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            count += 1
            try:
                picture = pictures.get(name.as_posix())
                need(picture is not None, f"image {name} is bad")
                assert picture is not None
                box, triples = _parsed(line, picture)
                persons.add(picture, triples, box, source_id=f"{stem.as_posix()}:{number}")
            except Reject as reason:
                bad.append(BadRecord(str(annotations / label), "annotations", f"line {number}", str(reason)))
    for stem in sorted(labels - stems.keys()):
        count += 1
        bad.append(
            BadRecord(str(annotations / f"{stem}.txt"), "annotations", stem.as_posix(), "no image has this name")
        )
    return persons.content(list(pictures.values()), bad, count)


def write_yolo(annotations: Path, people: People, images: Images, folder: Path) -> Written:
    """Write one .txt per image into folder `annotations`, also for images without people; flags as in COCO."""
    rows = images.rows_of(people.image_id)
    triples, boxes = coco_triples(people), people.bbox_xywh_px.astype(np.float64)
    lines: list[list[str]] = [[] for _ in range(len(images))]
    for person, row in enumerate(rows):
        size = np.array([images.width[row], images.height[row]], dtype=np.float64)
        centre = boxes[person, :2] + boxes[person, 2:] / 2
        shares = [*(centre / size), *(boxes[person, 2:] / size)]
        numbers = [f"{share:.{DECIMALS}f}" for share in shares]
        for point, flag in zip(triples[person, :, :2] / size, triples[person, :, 2], strict=True):
            numbers += [f"{point[0]:.{DECIMALS}f}", f"{point[1]:.{DECIMALS}f}", str(int(flag))]
        lines[row].append(" ".join(["0", *numbers]))
    for name, person_lines in zip(relative_names(images, folder), lines, strict=True):
        with atomic_path((annotations / name).with_suffix(".txt")) as partial:
            partial.write_text("".join(f"{line}\n" for line in person_lines), encoding="ascii")
    return Written(len(people), len(images), lost_fields(people))


def _lines(annotations: Path, label: Path) -> list[str]:
    path = Path(inner_path(annotations, label.as_posix()))
    try:
        with path.open("rb") as opened:
            need(os.fstat(opened.fileno()).st_size <= LARGEST_LABEL_BYTES, f"more than {LARGEST_LABEL_BYTES} bytes")
            return opened.read(LARGEST_LABEL_BYTES).decode("ascii").splitlines()
    except OSError as error:
        raise Reject(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Reject("not a text of numbers") from error


def _parsed(line: str, picture: Picture) -> tuple[list[float], NDArray[np.float64]]:
    columns = line.split()
    need(len(columns) in (WITH_FLAGS, WITHOUT_FLAGS), f"{len(columns)} columns, not {WITHOUT_FLAGS} or {WITH_FLAGS}")
    try:
        values = np.array([float(column) for column in columns])
    except ValueError as error:
        raise Reject("a column is not a number") from error
    need(bool(np.isfinite(values).all()), "a column is not a finite number")
    need(values[0] == 0, f"class {values[0]:g} is not a person's (0)")
    need(bool((np.abs(values) < LARGEST_SHARE).all()), "a share of the image is far out of range")
    size = np.array([picture.width, picture.height], dtype=np.float64)
    centre, extent = values[1:3] * size, values[3:5] * size
    if len(columns) == WITH_FLAGS:
        triples = values[5:].reshape(JOINTS, 3)
        need(bool(np.isin(triples[:, 2], (0, 1, 2)).all()), "a visibility is not 0, 1 or 2")
    else:
        points = values[5:].reshape(JOINTS, 2)
        nowhere = (points < 0).any(axis=1) | (points == 0).all(axis=1)
        triples = np.column_stack([points, np.where(nowhere, UNLABELLED, VISIBLE)])
    triples[:, :2] = np.where(triples[:, 2:] > UNLABELLED, triples[:, :2] * size, 0.0)
    return [*(centre - extent / 2).tolist(), *extent.tolist()], triples
