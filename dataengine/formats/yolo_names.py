"""What the classes and joints of a YOLO set are called, as the files next to its labels say.

Ultralytics' `data.yaml` has `names` of classes and may have `kpt_names` of joints; annotation tools leave `classes.txt`
or `obj.names`. They are looked for in the folder of the labels and the two above it, as sets are laid out.
"""

from pathlib import Path
from typing import Any

import yaml

from dataengine.errors import InputError

from .reading.categories import PersonCategories, person_categories
from .reading.joints import COCO_MAP

DATA_FILES = ("data.yaml", "dataset.yaml")
NAME_FILES = ("classes.txt", "obj.names")
LARGEST_BYTES = 1024**2
FOLDERS = 3


def yolo_categories(labels: Path) -> PersonCategories:
    """The classes of the set whose labels are in the folder `labels`; class 0 is a person where nothing names any.

    Raises:
        InputError: a file of names is damaged, or names no class of people.
    """
    for folder in list((labels / "_").absolute().parents)[:FOLDERS]:
        for name in (*DATA_FILES, *NAME_FILES):
            categories = _stated(folder / name) if (folder / name).is_file() else []
            if categories:
                return person_categories({"categories": categories}, folder / name, COCO_MAP)
    return person_categories({"categories": [{"id": 0, "name": "person"}]}, labels, COCO_MAP)


def _stated(path: Path) -> list[dict[str, Any]]:
    """The classes that a file names, as COCO has them; none where it is about something else."""
    text = _text(path)
    if path.name in NAME_FILES:
        return [{"id": number, "name": line.strip()} for number, line in enumerate(text.splitlines()) if line.strip()]
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InputError(f"{path} cannot be read", expected="YAML with the names of the classes") from error
    if not isinstance(document, dict):
        return []
    joints = document.get("kpt_names")
    joints = [joints] if isinstance(joints, list) and joints and isinstance(joints[0], str) else joints
    of_class = _by_number(joints)
    return [
        {"id": number, "name": name, "keypoints": of_class.get(number, [])}
        for number, name in _by_number(document.get("names")).items()
    ]


def _by_number(listed: Any) -> dict[Any, Any]:
    """A list or a mapping of numbers as a mapping."""
    if isinstance(listed, dict):
        return listed
    return dict(enumerate(listed)) if isinstance(listed, list) else {}


def _text(path: Path) -> str:
    try:
        with path.open("rb") as opened:
            return opened.read(LARGEST_BYTES).decode("utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"{path} cannot be read", got=str(error.strerror)) from error
