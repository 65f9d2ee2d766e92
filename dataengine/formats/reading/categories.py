"""Which categories of a COCO-like file are people, and which of their keypoints is which joint.

A category is people by its name (`is_people`), never by the number of its keypoints: a dog may have seventeen, and may
have been given a person's names for them. Joints are taken by the category's names, in whatever order; where it names
none, in the format's own order, which the reader says. Everything else is another category, passed over and counted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.keypoints import COCO_KEYPOINTS

from .content import identifier, shown
from .joints import COCO_MAP, POSETRACK, JointMap, joint_map, words_of

PEOPLE = frozenset(
    word
    for line in (
        "person persons people human humans man men woman women boy boys girl girls child children adult adults",
        "pedestrian pedestrians athlete athletes player players goalkeeper referee worker workers runner runners",
        "skater skier surfer swimmer swimmers dancer dancers climber climbers gymnast gymnasts wrestler rider riders",
        "cyclist cyclists driver passenger patient patients subject actor performer",
    )
    for word in line.split()
)
"""What a category of people is called; the last word of its name decides, as in `football player`."""
UNSAID = frozenset(
    word
    for line in (
        "default keypoint keypoints kpt kpts joint joints skeleton skeletons pose poses body figure full object",
        "instance label class coco template",
    )
    for word in line.split()
)
"""Words of tools, which say nothing of what the category is: `person_keypoints`. A name of these alone, as Label Studio
writes, is people where the joints are a person's."""
FIRST = frozenset({"person", "people", "human"})
"""These decide as the first word, too: `person_sitting`."""
ANIMALS = frozenset({"animal", "animals"})
ARMS, LEGS = (
    frozenset(f"{side}_{part}" for side in ("left", "right") for part in parts)
    for parts in (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
)
UNNAMED_JOINTS = "joints in the format's order, since nothing names them"
SHOWN = 8
LABEL_STUDIO, FIFTYONE = "Label Studio", "voxel51.com"
WHOLE_PIXELS = "joints as FiftyOne's export cuts them to whole pixels, half a pixel up and to the left on average"


@dataclass(frozen=True, eq=False)
class PersonCategories:
    """The categories of a file."""

    joints: JointMap
    """The joints of all people, in the order of the first category that names them."""
    rows: Mapping[int | str, NDArray[np.int64]]
    """Category of people -> the row in `joints` of each of its keypoints, in its own order."""
    unnamed: frozenset[int | str]
    """Those of `rows` that name no joints: taken in the format's order."""
    others: Mapping[int | str, str] = field(default_factory=dict)
    """Every other category -> its name."""


def person_categories(
    document: Mapping[str, Any],
    annotations: Path,
    default: JointMap,
    *,
    any_joints: bool = True,
) -> PersonCategories:
    """The categories of `document`, a file of the path `annotations`.

    Args:
        default: the format's own joints, which stand for those of a category that names none.
        any_joints: whether a category may have others than `default`.

    Raises:
        InputError: there are no people, or which joint is which cannot be known.
    """
    _refuse_merged_people(document, annotations)
    named: dict[int | str, JointMap] = {}
    unnamed, others = set[int | str](), dict[int | str, str]()
    for identity, record in _listed(document.get("categories"), annotations):
        joints = _named_joints(record, annotations)
        if not is_people(record.get("name"), record.get("supercategory"), joints) or _strange(record, joints):
            others[identity] = _label(record, identity)
        elif joints is None:
            unnamed.add(identity)
        else:
            _refuse_other_joints(joints, annotations, default, any_joints)
            named[identity] = joints
    if not named and not unnamed:
        raise _no_people(annotations, document.get("categories"))
    return _together(named, unnamed, others, default)


def is_fiftyones(document: Mapping[str, Any]) -> bool:
    """Whether FiftyOne exported the file: it writes `int(x * width)`."""
    info = document.get("info")
    return isinstance(info, dict) and FIFTYONE in str(info.get("url"))


def is_people(name: Any, supercategory: Any = None, joints: JointMap | None = None) -> bool:
    """Whether a category of that name is people; one that says nothing is, where its `joints` are a person's.

    >>> [is_people(name) for name in ("Person", "football-player", "human_pose", "person sitting", "dog", "guide dog")]
    [True, True, True, True, False, False]
    """
    if _words(supercategory) and _words(supercategory)[-1] in ANIMALS:
        return False
    words = [word for word in _words(name) if word not in UNSAID and not word.isdigit()]
    if words:
        return words[-1] in PEOPLE or words[0] in FIRST
    return joints is not None and (set(joints.names) >= ARMS or set(joints.names) >= LEGS)


def _words(text: Any) -> list[str]:
    return words_of(text) if isinstance(text, str) else []


def _listed(categories: Any, annotations: Path) -> Iterator[tuple[int | str, dict[str, Any]]]:
    seen: dict[int | str, dict[str, Any]] = {}
    for record in categories if isinstance(categories, list) else ():
        identity = identifier(record.get("id")) if isinstance(record, dict) else None
        if identity is None:
            continue
        if seen.setdefault(identity, record) != record:
            raise InputError(
                f"{annotations} is ambiguous", expected="each category id once", got=f"id {identity} twice"
            )
        yield identity, record


def _named_joints(record: Mapping[str, Any], annotations: Path) -> JointMap | None:
    """The joints that a category names; None where it names none."""
    stated = record.get("keypoints")
    if not isinstance(stated, list) or not stated or not all(isinstance(name, str) for name in stated):
        return None
    joints = joint_map(stated)
    twice = sorted({name for name in joints.names if joints.names.count(name) > 1})
    if twice and is_people(record.get("name"), record.get("supercategory"), joints):
        got = f"two names for {shown(twice[0])}"
        raise InputError(f"{annotations}: joints of category {_label(record)}", expected="each joint once", got=got)
    return joints


def _strange(record: Mapping[str, Any], joints: JointMap | None) -> bool:
    """Whether a category of people names joints, but none that COCO has."""
    return not len(joints.rows) if joints is not None else bool(record.get("keypoints"))


def _refuse_other_joints(joints: JointMap, annotations: Path, default: JointMap, any_joints: bool) -> None:
    names = set(joints.names)
    if not any_joints and names != set(default.names):
        expected, got = ", ".join(default.names), shown(", ".join(joints.names))
        raise InputError(f"{annotations} has other joints", expected=expected, got=got, fix="read it as coco")
    if default is COCO_MAP and names == set(POSETRACK.names):
        fix = "read it as posetrack18"
        raise InputError(f"{annotations} has PoseTrack18's joints, whose flags differ from COCO's", fix=fix)


def _together(
    named: Mapping[int | str, JointMap],
    unnamed: set[int | str],
    others: Mapping[int | str, str],
    default: JointMap,
) -> PersonCategories:
    maps = [*named.values(), *([default] if unnamed else [])]
    names = tuple(dict.fromkeys(name for joints in maps for name in joints.names))
    place = {name: row for row, name in enumerate(names)}
    of_category = {**named, **dict.fromkeys(unnamed, default)}
    rows = {key: np.array([place[name] for name in joints.names]) for key, joints in of_category.items()}
    return PersonCategories(JointMap(names), rows, frozenset(unnamed), others)


def _no_people(annotations: Path, categories: Any) -> InputError:
    listed = [record for record in categories if isinstance(record, dict)] if isinstance(categories, list) else []
    named = [f"{_label(record)} with {_keypoints(record.get('keypoints'))}" for record in listed[:SHOWN]]
    more = [f"{len(listed) - SHOWN} more"] if len(listed) > SHOWN else []
    return InputError(
        f"{annotations} has no people",
        expected=f"a category 'person' whose keypoints are named as COCO's: {', '.join(COCO_KEYPOINTS[:3])}, ...",
        got=", ".join([*named, *more]) or "no categories",
        fix="if one of them is people, call it person",
    )


def _keypoints(stated: Any) -> str:
    names = [name for name in stated if isinstance(name, str)] if isinstance(stated, list) else []
    return f"the keypoints {_first(names)}" if names else "no keypoints"


def _first(names: Sequence[str]) -> str:
    return shown(", ".join(names[:3]) + (", ..." if len(names) > 3 else ""))


def _label(record: Mapping[str, Any], identity: int | str = "") -> str:
    name = record.get("name")
    return shown(name).strip("'") if isinstance(name, str) and name.strip() else f"unnamed {identity}".strip()


def _refuse_merged_people(document: Mapping[str, Any], annotations: Path) -> None:
    """Label Studio's converter writes the joints of all people of a picture into one annotation, all as visible."""
    info, categories = document.get("info"), document.get("categories")
    contributor = info.get("contributor") if isinstance(info, dict) else None
    if contributor != LABEL_STUDIO or not isinstance(categories, list):
        return
    if any(isinstance(record, dict) and record.get("keypoints") for record in categories):
        raise InputError(
            f"{annotations} is Label Studio's COCO export: people of a picture are merged, occlusion is lost",
            expected="Label Studio's own JSON",
            fix="export the project as JSON",
        )
