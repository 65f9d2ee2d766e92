"""Joints of other skeletons to COCO-17 and back, by their names.

`spelled` is the one place that knows how sources write a joint's name; `joint_map` makes a map from such names.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dataengine.keypoints import BODY_KEYPOINTS, COCO_KEYPOINTS, UNLABELLED
from dataengine.people import JOINTS


@dataclass(frozen=True, eq=False)
class JointMap:
    """Which joint of a source is which of COCO-17; the same name means the same joint."""

    names: tuple[str, ...]
    """Names of the source's joints, in its order, written as in COCO_KEYPOINTS; joints of other names are dropped."""
    rows: NDArray[np.int64] = field(init=False)
    """Rows of the mapped joints in the source."""
    coco: NDArray[np.int64] = field(init=False)
    """Rows of the same joints in COCO-17."""

    def __post_init__(self) -> None:
        pairs = [(row, COCO_KEYPOINTS.index(name)) for row, name in enumerate(self.names) if name in COCO_KEYPOINTS]
        rows, coco = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "coco", coco)

    def __len__(self) -> int:
        return len(self.names)

    def to_coco(self, triples: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, len(self), 3) x, y, COCO flag -> (n, 17, 3); joints that the source lacks are unlabelled."""
        mapped = np.zeros((len(triples), JOINTS, 3))
        mapped[:, self.coco] = triples[:, self.rows]
        return mapped

    def from_coco(self, triples: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, 17, 3) -> (n, len(self), 3); joints that COCO-17 lacks are unlabelled."""
        mapped = np.zeros((len(triples), len(self), 3))
        mapped[:, self.rows] = triples[:, self.coco]
        return mapped

    def dropped(self, triples: NDArray[np.float64]) -> dict[str, int]:
        """Labelled joints of the source that COCO-17 lacks, by name."""
        labelled = (triples[..., 2] > UNLABELLED).sum(axis=0)
        return {
            name: int(labelled[row]) for row, name in enumerate(self.names) if row not in self.rows and labelled[row]
        }

    def lost(self, triples: NDArray[np.float64]) -> dict[str, int]:
        """Labelled joints of COCO-17 that the source's skeleton lacks, by name."""
        labelled = (triples[..., 2] > UNLABELLED).sum(axis=0)
        return {name: int(labelled[j]) for j, name in enumerate(COCO_KEYPOINTS) if j not in self.coco and labelled[j]}


def joint_map(names: Sequence[str]) -> JointMap:
    """A map from names as sources write them: `Right Shoulder`, `RShoulder` and `shoulder.r` are right_shoulder."""
    return JointMap(tuple(spelled(name) for name in names))


def spelled(name: str) -> str:
    """A joint's name as COCO_KEYPOINTS has it, or in small letters with underscores where COCO has no such joint.

    Known are spaces, hyphens, dots, camel case, capitals, `l` and `r` for the sides, a side before or after the part,
    and words such as `joint` at the end. A name with anything more is another joint.

    >>> [spelled(name) for name in ("leftShoulder", "R-Knee", "hip_right", "LEar", "Nose joint", "Head top", "face-0")]
    ['left_shoulder', 'right_knee', 'right_hip', 'left_ear', 'nose', 'head_top', 'face_0']
    """
    words = words_of(name)
    while len(words) > 1 and words[-1] in _FILLERS:
        words.pop()
    if len(words) == 1 and (joined := _JOINED.fullmatch(words[0])):
        words = [part for part in joined.groups() if part]
    if len(words) == 2:
        side, part = words if words[0] in _SIDES else words[::-1]
        if side in _SIDES and part in _PARTS:
            return f"{_SIDES[side]}_{part}"
    return "_".join(words) or name.strip().lower()


def words_of(name: str) -> list[str]:
    """The words of a name, in small letters, however they are set apart."""
    return [word.lower() for word in _WORD.findall(name)]


_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")  # "LShoulder" is two words, "LEFT" is one
_SIDES = {"left": "left", "l": "left", "right": "right", "r": "right"}
_PARTS = ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
_FILLERS = ("joint", "keypoint", "kpt", "kp", "point", "landmark")
_JOINED = re.compile(rf"(left|right|l|r)({'|'.join(_PARTS)})|({'|'.join(_PARTS)})(left|right)")

COCO_MAP = JointMap(COCO_KEYPOINTS)
POSETRACK = JointMap(("nose", "head_bottom", "head_top", "left_ear", "right_ear", *BODY_KEYPOINTS))
"""PoseTrack18's joints, by which its files differ from COCO's, whose flags mean something else."""
