"""YOLO-pose text, in and out: one .txt per image, one line per person, everything a share of the image's size.

A line is `class cx cy w h` and then for each joint `x y v` (56 columns for 17; v as in COCO) or `x y` (39 columns: a
joint at 0 0 or below 0 is not labelled, every other is taken as visible). The labels' folder mirrors the images'
folder. An image without a file, or with an empty one, has no people; a line of 5 columns is a box alone. Which classes
are people, and which joints they have, is for `yolo_names.py` to say.

A joint's share is its COCO coordinate over the size, 0 for the first pixel's centre, without half a pixel more: so
Ultralytics' `convert_coco` makes them, and with it the published COCO labels. A box's share counts from the corner.
"""

import os
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.files import atomic_path, is_junk
from dataengine.keypoints import UNLABELLED, VISIBLE
from dataengine.people import Images, People
from dataengine.terminal.progress import track

from .coco_like import coco_triples
from .persons import Persons
from .pictures import Named, Picture, find_pictures, inner_path
from .reading.categories import UNNAMED_JOINTS, PersonCategories
from .reading.content import NO_JOINTS, OTHER_CATEGORY, BadRecord, Limits, Reject, SourceContent, need
from .writing import Written, lost_fields, relative_names
from .yolo_names import NAME_FILES, yolo_categories

BOX = 5  # columns: the class and its box
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
LARGEST_LABEL_BYTES = 4 * 1024**2  # several thousand people in one picture
LARGEST_SHARE = 1e6
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(nan|inf)")
DECIMALS = 7  # of shares: a thousandth of a pixel in an image of 10,000


def read_yolo(annotations: Path, folder: Path, limits: Limits) -> SourceContent:
    """Read the .txt files of folder `annotations` for the images in `folder`; a bad line does not lose the others."""
    if not annotations.is_dir() or not folder.is_dir():
        raise InputError(f"{annotations} and {folder}", expected="two folders, of labels and of images")
    classes = yolo_categories(annotations)
    names = [name for name in _below(folder, "*") if name.suffix.lower() in SUFFIXES]
    labels = {name.with_suffix("") for name in _below(annotations, "*.txt")}
    bad: list[BadRecord] = []
    stems: dict[Path, int] = {}
    for name in names:
        stems[name.with_suffix("")] = stems.get(name.with_suffix(""), 0) + 1
    pictures = find_pictures([Named(name.as_posix(), name.as_posix()) for name in names], folder, limits, bad)
    persons, count = Persons(classes.joints, outside_is_dropped=True), len(names)
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
                _add_line(persons, classes, line, pictures.get(name.as_posix()), f"{stem.as_posix()}:{number}")
            except Reject as reason:
                bad.append(BadRecord(str(annotations / label), "annotations", f"line {number}", str(reason)))
    for stem in sorted(labels - stems.keys()):
        if _is_no_label(annotations / f"{stem}.txt"):
            continue
        count += 1
        bad.append(
            BadRecord(str(annotations / f"{stem}.txt"), "annotations", stem.as_posix(), "no image has this name")
        )
    return persons.content(list(pictures.values()), bad, count)


def write_yolo(annotations: Path, people: People, images: Images, folder: Path) -> Written:
    """Write one .txt per image into folder `annotations`, also for images without people; flags as in COCO."""
    rows = images.rows_of(people.image_id)
    labels = [Path(name).with_suffix(".txt") for name in relative_names(images, folder)]
    if len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise InputError("two images would share a label file", expected="names that differ", got=str(twice))
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
    for label, person_lines in zip(labels, lines, strict=True):
        with atomic_path(annotations / label) as partial:
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


def _below(folder: Path, pattern: str) -> list[Path]:
    """The files below `folder` that somebody put there, relative to it."""
    found = sorted(path.relative_to(folder) for path in folder.rglob(pattern))
    return [name for name in found if not is_junk(name)]


def _is_no_label(path: Path) -> bool:
    """Whether a text without an image is something else: names of classes, a list of files, a read-me."""
    if not path.is_file():  # opening a pipe would wait forever
        return False
    try:
        with path.open("rb") as opened:
            lines = opened.read(LARGEST_LABEL_BYTES).decode("utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return path.name in NAME_FILES or (any(map(str.strip, lines)) and not any(map(_is_label, lines)))


def _is_label(line: str) -> bool:
    columns = line.split()
    return len(columns) >= BOX and all(map(_NUMBER.fullmatch, columns))


def _add_line(persons: Persons, classes: PersonCategories, line: str, picture: Picture | None, source_id: str) -> None:
    values = _numbers(line)
    category = int(values[0]) if np.isfinite(values[0]) else -1
    need(category == values[0] and category >= 0, f"class {values[0]:g} is not a whole number")
    rows = classes.rows.get(category)
    if rows is None:
        persons.pass_over(OTHER_CATEGORY, classes.others.get(category, f"class {category}"))
        return
    joints = _joints(values, len(rows)) if len(values) != BOX else np.zeros((len(rows), 3))
    if not (joints[:, 2] > UNLABELLED).any():
        persons.pass_over(NO_JOINTS)
        return
    need(picture is not None, "its image is bad")
    assert picture is not None
    need(bool(np.isfinite(values[:BOX]).all() and np.isfinite(joints).all()), "a column is not a finite number")
    in_range = (np.abs(values[:BOX]) < LARGEST_SHARE).all() and (np.abs(joints) < LARGEST_SHARE).all()
    need(bool(in_range), "a share of the image is far out of range")
    size = np.array([picture.width, picture.height], dtype=np.float64)
    centre, extent = values[1:3] * size, values[3:5] * size
    triples = np.zeros((len(classes.joints), 3))
    triples[rows] = np.column_stack([joints[:, :2] * size, joints[:, 2]])
    persons.add(picture, triples, [*(centre - extent / 2).tolist(), *extent.tolist()], source_id=source_id)
    if category in classes.unnamed:
        persons.assume(UNNAMED_JOINTS)


def _numbers(line: str) -> NDArray[np.float64]:
    try:
        return np.array([float(column) for column in line.split()])
    except ValueError as error:
        raise Reject("a column is not a number") from error


def _joints(values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """(count, 3) x and y as shares, flag; a joint of flag 0 has no place, whatever stands there."""
    widths = {BOX + 2 * count: 2, BOX + 3 * count: 3}
    need(len(values) in widths, f"{len(values)} columns, not {' or '.join(map(str, widths))}")
    joints = values[BOX:].reshape(count, widths[len(values)])
    if joints.shape[1] == 2:
        nowhere = (joints < 0).any(axis=1) | (joints == 0).all(axis=1)
        joints = np.column_stack([joints, np.where(nowhere, UNLABELLED, VISIBLE)])
    need(bool(np.isin(joints[:, 2], (0, 1, 2)).all()), "a visibility is not 0, 1 or 2")
    return np.where(joints[:, 2:] > UNLABELLED, joints, 0.0)
