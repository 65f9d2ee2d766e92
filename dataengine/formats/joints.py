"""Joints of other skeletons to COCO-17 and back, by their names."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dataengine.keypoints import COCO_KEYPOINTS, UNLABELLED
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
    """A map from names as sources write them: `Right Shoulder` is right_shoulder."""
    return JointMap(tuple(name.strip().lower().replace(" ", "_") for name in names))


COCO_MAP = JointMap(COCO_KEYPOINTS)
