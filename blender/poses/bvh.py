"""Motion capture in BVH files: parse the skeleton and its frames, and compute where every joint is.

`read_bvh` reads and checks a file; `Bvh.positions` computes where all joints are in every frame.
The format: a HIERARCHY of joints with offsets and channels, then MOTION, one line of channel values per frame
(Meredith & Maddock, "Motion Capture File Formats Explained", 2001). Rotations apply in the order of the channels.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from dataengine.errors import InputError

LARGEST_FILE_BYTES = 256 * 2**20
_AXES = {"Xrotation": "X", "Yrotation": "Y", "Zrotation": "Z"}
_POSITIONS = ("Xposition", "Yposition", "Zposition")


@dataclass(frozen=True)
class BvhJoint:
    """A joint of the skeleton, or the end of a chain."""

    name: str
    parent: int
    """Index of the parent, -1 for the root; parents come before children."""
    offset: tuple[float, float, float]
    """Offset from the parent, in the file's unit."""
    channels: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Bvh:
    """A skeleton and its motion."""

    joints: tuple[BvhJoint, ...]
    values: NDArray[np.float64]
    """(frames, channels) in the order of the joints; degrees and the file's unit."""
    frame_seconds: float

    def positions(self) -> NDArray[np.float64]:
        """Positions (f, j, 3) of all joints, in the file's unit and axes."""
        frames, count = len(self.values), len(self.joints)
        positions, rotations = np.zeros((frames, count, 3)), np.zeros((frames, count, 3, 3))
        column = 0
        for index, joint in enumerate(self.joints):
            own = self.values[:, column : column + len(joint.channels)]
            column += len(joint.channels)
            shift = np.tile(joint.offset, (frames, 1)).astype(np.float64)
            for channel, value in zip(joint.channels, own.T, strict=True):
                if channel in _POSITIONS:  # replaces the offset: that of a root is only its rest position
                    shift[:, _POSITIONS.index(channel)] = value
            turn = _rotations(joint, own)
            if joint.parent < 0:
                positions[:, index], rotations[:, index] = shift, turn
            else:
                above = rotations[:, joint.parent]
                positions[:, index] = positions[:, joint.parent] + np.einsum("fij,fj->fi", above, shift)
                rotations[:, index] = above @ turn
        return positions


def _rotations(joint: BvhJoint, values: NDArray[np.float64]) -> NDArray[np.float64]:
    turns = [number for number, channel in enumerate(joint.channels) if channel in _AXES]
    if not turns:
        return np.tile(np.eye(3), (len(values), 1, 1))
    axes = "".join(_AXES[joint.channels[number]] for number in turns)  # capitals: each about the axes already turned
    angles = values[:, turns] if len(turns) > 1 else values[:, turns[0]]
    return np.asarray(Rotation.from_euler(axes, angles, degrees=True).as_matrix(), dtype=np.float64)


def read_bvh(path: Path) -> Bvh:
    """Read a BVH file. Whatever is wrong with it is an `InputError` that names the file and the offending word."""
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE_BYTES:
            raise InputError(f"{path} is too large", expected=f"at most {LARGEST_FILE_BYTES} bytes", got=str(size))
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"{path} cannot be read", got=error.strerror or str(error)) from error
    head, separator, motion = text.partition("MOTION")
    words = iter(head.split())
    try:
        _expect(words, "HIERARCHY")
        _expect(words, "ROOT")
        joints: list[BvhJoint] = []
        _read_joints(words, joints)
        if not separator:
            raise _WrongWordError("MOTION", "the end of the file")
        values, seconds = _read_motion(motion, sum(len(joint.channels) for joint in joints))
    except StopIteration as error:
        raise InputError(f"{path} is not a complete BVH file", got="its end inside the skeleton") from error
    except _WrongWordError as error:
        raise InputError(f"{path} is not a BVH file", expected=error.expected, got=repr(error.got)[:60]) from error
    return Bvh(tuple(joints), values, seconds)


class _WrongWordError(Exception):
    def __init__(self, expected: str, got: str) -> None:
        self.expected, self.got = expected, got


def _expect(words: Iterator[str], wanted: str) -> None:
    word = next(words)
    if word != wanted:
        raise _WrongWordError(wanted, word)


def _read_joints(words: Iterator[str], joints: list[BvhJoint]) -> None:
    """The root's subtree, whose name comes next; an explicit stack, because files can nest as deep as they like."""
    stack: list[int] = []
    word = "ROOT"
    while True:
        if word in ("ROOT", "JOINT", "End"):
            parent = stack[-1] if stack else -1
            name = next(words)
            _expect(words, "{")
            is_end = word == "End"
            label = f"{joints[parent].name}.end" if is_end else name
            joints.append(_read_joint(words, label, parent, has_channels=not is_end))
            stack.append(len(joints) - 1)
        elif word == "}":
            stack.pop()
            if not stack:
                return
        else:
            raise _WrongWordError("JOINT, End Site or }", word)
        word = next(words)


def _read_joint(words: Iterator[str], name: str, parent: int, *, has_channels: bool) -> BvhJoint:
    _expect(words, "OFFSET")
    x, y, z = (_number(next(words)) for _ in range(3))
    channels: tuple[str, ...] = ()
    if has_channels:
        _expect(words, "CHANNELS")
        count = next(words)
        if count not in ("0", "1", "2", "3", "4", "5", "6"):
            raise _WrongWordError("a number of channels up to 6", count)
        channels = tuple(next(words) for _ in range(int(count)))
        for channel in channels:
            if channel not in _AXES and channel not in _POSITIONS:
                raise _WrongWordError("Xposition … Zrotation", channel)
    return BvhJoint(name, parent, (x, y, z), channels)


def _read_motion(text: str, channels: int) -> tuple[NDArray[np.float64], float]:
    words = text.split(maxsplit=5)  # Frames: n Frame Time: s values
    if len(words) < 6 or words[0] != "Frames:" or words[2:4] != ["Frame", "Time:"]:
        raise _WrongWordError("Frames: and Frame Time: after MOTION", " ".join(words[:4]))
    seconds = _number(words[4])
    try:
        numbers = np.array(words[5].split(), dtype=np.float64)
    except ValueError as error:
        raise _WrongWordError("numbers", str(error)) from error
    if not words[1].isdecimal() or seconds <= 0 or not channels:
        raise _WrongWordError("a number of frames, a time above 0 and channels", f"{words[1]}, {seconds}, {channels}")
    frames = int(words[1])
    if not frames or numbers.size != frames * channels:
        raise _WrongWordError(f"{frames} frames of {channels} values", f"{numbers.size} values")
    if not np.isfinite(numbers).all():
        raise _WrongWordError("finite numbers", str(numbers[~np.isfinite(numbers)][0]))
    return numbers.reshape(frames, channels), seconds


def _number(word: str) -> float:
    try:
        value = float(word)
    except ValueError as error:
        raise _WrongWordError("a number", word) from error
    if not math.isfinite(value):
        raise _WrongWordError("a finite number", word)
    return value
