"""Authored poses: the lines of poses.yaml as checked `Pose` values, and joint jitter.

`read_pose_library` reads and checks the file; `jittered` moves every joint of a pose a little.
The top of poses.yaml explains every key.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from dataengine.errors import InputError

Vector = tuple[float, float, float]

POSES_FILE = Path(__file__).with_name("poses.yaml")
FAMILIES = (
    "standing",
    "walking",
    "sitting",
    "crouching",
    "bending",
    "lying",
    "yoga",
    "gymnastics",
    "martial_arts",
    "dance",
    "climbing",
    "ball_sports",
)
MOTION_FAMILY = "motion"  # of poses that come from motion capture, not from the library
CONTACTS = ("hands", "feet", "knees", "elbows", "hips", "head")
_LIMB_KEYS = ("left_arm", "right_arm", "left_leg", "right_leg")
_TURN_KEYS = ("root", "spine", "neck")
_PAIRED_SUPPORTS = ("hand", "foot", "knee", "elbow")
SUPPORTS = (*(f"{side}_{part}" for side in ("left", "right") for part in _PAIRED_SUPPORTS), "hips", "back", "head")
_OTHER_KEYS = ("name", "family", "arms", "legs", "curl", "contacts", "supports", "airborne", "extreme")


@dataclass(frozen=True)
class Limb:
    """Directions of an arm or a leg in the body frame (x left, y back, z up); lengths do not matter."""

    upper: Vector
    """Upper arm or thigh."""
    lower: Vector
    """Forearm or shin."""
    end: Vector | None
    """Hand or foot; None keeps it in line with the bone before it."""


@dataclass(frozen=True)
class Pose:
    """One authored pose: turns in degrees about x, y and z, and directions of limbs, in the body frame."""

    name: str
    family: str
    left_arm: Limb
    right_arm: Limb
    left_leg: Limb
    right_leg: Limb
    root: Vector = (0.0, 0.0, 0.0)
    spine: Vector = (0.0, 0.0, 0.0)
    neck: Vector = (0.0, 0.0, 0.0)
    curl: float = 25.0
    contacts: tuple[str, ...] = ()
    supports: tuple[str, ...] = ()
    airborne: float = 0.0
    extreme: bool = False


def read_pose_library(path: Path = POSES_FILE) -> tuple[Pose, ...]:
    """All poses of a YAML file, in its order. An `InputError` names the pose and the offending key."""
    try:
        lines = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise InputError(f"pose library {path.name} cannot be read", got=" ".join(str(error).split())) from error
    if not isinstance(lines, list) or not lines:
        raise InputError(f"pose library {path.name}", expected="a list of poses", got=type(lines).__name__)
    poses = tuple(pose_from_mapping(line) for line in lines)
    names = [pose.name for pose in poses]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InputError(f"pose library {path.name}", expected="unique names", got=f"{repeated[0]} twice")
    return poses


def pose_from_mapping(line: Any) -> Pose:
    """Check one line of the library and turn it into a `Pose`."""
    if not isinstance(line, dict) or not isinstance(line.get("name"), str):
        raise InputError("pose", expected="a mapping with a name", got=repr(line)[:80])
    where = f"pose {line['name']!r}"
    unknown = sorted(map(str, set(line) - {*_LIMB_KEYS, *_TURN_KEYS, *_OTHER_KEYS}))
    if unknown:
        raise InputError(f"{where} has an unknown key", expected=", ".join(_OTHER_KEYS), got=", ".join(unknown))
    root, spine, neck = (_vector(line.get(key, [0, 0, 0]), f"{where} {key}") for key in _TURN_KEYS)
    limbs = _limbs(line, where)
    if line.get("family") not in FAMILIES:
        raise InputError(f"{where} family", expected=" | ".join(FAMILIES), got=repr(line.get("family")))
    contacts = _names(line, "contacts", where)
    if len(contacts) not in (0, 2) or not set(contacts) <= set(CONTACTS):
        raise InputError(f"{where} contacts", expected=f"none or two of {', '.join(CONTACTS)}", got=repr(contacts))
    supports = _names(line, "supports", where)
    if not set(supports) <= set(SUPPORTS):
        raise InputError(f"{where} supports", expected=f"some of {', '.join(SUPPORTS)}", got=repr(supports))
    return Pose(
        name=line["name"],
        family=line["family"],
        left_arm=limbs["left_arm"],
        right_arm=limbs["right_arm"],
        left_leg=limbs["left_leg"],
        right_leg=limbs["right_leg"],
        root=root,
        spine=spine,
        neck=neck,
        contacts=contacts,
        supports=supports,
        curl=_number(line.get("curl", 25), f"{where} curl", 0, 100),
        airborne=_number(line.get("airborne", 0), f"{where} airborne", 0, 2),
        extreme=bool(line.get("extreme", False)),
    )


def _names(line: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    """A list of names; an empty key is an empty list."""
    value = line.get(key) or []
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise InputError(f"{where} {key}", expected="a list of names", got=repr(value)[:80])
    return tuple(value)


def jittered(pose: Pose, degrees: float, rng: np.random.Generator) -> Pose:
    """The pose with every limb direction, the spine and the neck moved by about `degrees` (one standard deviation).

    The root moves by a third of that: tipping the whole body lifts what it stands on.
    """
    sigma = float(np.deg2rad(degrees))
    return replace(
        pose,
        left_arm=_jittered_limb(pose.left_arm, sigma, rng),
        right_arm=_jittered_limb(pose.right_arm, sigma, rng),
        left_leg=_jittered_limb(pose.left_leg, sigma, rng),
        right_leg=_jittered_limb(pose.right_leg, sigma, rng),
        root=_added(pose.root, rng.normal(0, degrees * 0.3, 3)),
        spine=_added(pose.spine, rng.normal(0, degrees, 3)),
        neck=_added(pose.neck, rng.normal(0, degrees, 3)),
    )


def mirrored(pose: Pose) -> Pose:
    """The pose seen in a mirror: left and right exchanged."""

    def turn(value: Vector) -> Vector:
        return value[0], -value[1], -value[2]

    return replace(
        pose,
        left_arm=_mirrored_limb(pose.right_arm),
        right_arm=_mirrored_limb(pose.left_arm),
        left_leg=_mirrored_limb(pose.right_leg),
        right_leg=_mirrored_limb(pose.left_leg),
        root=turn(pose.root),
        spine=turn(pose.spine),
        neck=turn(pose.neck),
        supports=tuple(_other_side(part) for part in pose.supports),
    )


def _other_side(part: str) -> str:
    side, _, name = part.rpartition("_")
    return {"left": "right_", "right": "left_", "": ""}[side] + name


def _limbs(line: dict[str, Any], where: str) -> dict[str, Limb]:
    limbs: dict[str, Limb] = {}
    for pair, kind in (("arms", "arm"), ("legs", "leg")):
        left, right = f"left_{kind}", f"right_{kind}"
        if pair in line:
            limbs[left] = _limb(line[pair], f"{where} {pair}")
            limbs[right] = _mirrored_limb(limbs[left])
        for side in (left, right):
            if side in line:
                limbs[side] = _limb(line[side], f"{where} {side}")
            elif side not in limbs:
                raise InputError(f"{where} lacks {side}", fix=f"give {side} or {pair}")
    return limbs


def _limb(value: Any, where: str) -> Limb:
    if not isinstance(value, list) or not 1 <= len(value) <= 3:
        raise InputError(where, expected="one to three directions", got=repr(value))
    directions = [_vector(direction, where) for direction in value]
    if any(np.linalg.norm(direction) < 0.1 for direction in directions):
        raise InputError(where, expected="directions longer than 0", got=repr(value))
    upper = directions[0]
    return Limb(upper, directions[1] if len(value) > 1 else upper, directions[2] if len(value) > 2 else None)


def _vector(value: Any, where: str) -> Vector:
    numbers = isinstance(value, list) and len(value) == 3 and all(_is_number(part) for part in value)
    if not numbers:
        raise InputError(where, expected="three numbers", got=repr(value))
    return float(value[0]), float(value[1]), float(value[2])


def _number(value: Any, where: str, low: float, high: float) -> float:
    if not _is_number(value) or not low <= value <= high:
        raise InputError(where, expected=f"a number from {low:g} to {high:g}", got=repr(value))
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))


def _mirrored_limb(limb: Limb) -> Limb:
    def flip(value: Vector) -> Vector:
        return -value[0], value[1], value[2]

    return Limb(flip(limb.upper), flip(limb.lower), flip(limb.end) if limb.end else None)


def _jittered_limb(limb: Limb, sigma: float, rng: np.random.Generator) -> Limb:
    # a straight limb stays straight: an independent forearm would bend elbows and knees the wrong way
    swing = rng.normal(0, sigma, 3)
    bend = rng.normal(0, sigma, 3) if limb.lower != limb.upper else swing
    return Limb(_moved(limb.upper, swing), _moved(limb.lower, bend), limb.end)


def _moved(direction: Vector, offset: NDArray[np.float64]) -> Vector:
    return _added(tuple(np.asarray(direction) / np.linalg.norm(direction)), offset)


def _added(value: tuple[float, ...], offset: NDArray[np.float64]) -> Vector:
    x, y, z = (np.asarray(value) + offset).tolist()
    return x, y, z
