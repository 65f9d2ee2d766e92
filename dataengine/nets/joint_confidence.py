"""From what a network states of a joint to the share of such joints that are found: a rising curve for each joint.

A fit learns the curves on its validation people (isotonic regression, `train/scoring/joint_curves.py`), the checkpoint
and every sidecar carry them, and they are applied where an answer becomes a `Prediction`. A curve rises everywhere, so
of two answers for the same joint the surer one stays the surer one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError


@dataclass(frozen=True)
class ConfidenceCurve:
    """A rising polyline from stated confidence to the share of joints that are found, flat beyond its ends."""

    stated: tuple[float, ...]
    """Confidences in 0..1, rising."""
    found: tuple[float, ...]
    """Shares in 0..1 at these, rising."""

    def __post_init__(self) -> None:
        x, y = np.asarray(self.stated, dtype=np.float64), np.asarray(self.found, dtype=np.float64)
        rising = len(x) == len(y) > 0 and all((np.diff(axis) > 0).all() for axis in (x, y))
        if not rising or not all((axis >= 0).all() and (axis <= 1).all() for axis in (x, y)):
            got = f"{list(self.stated)} and {list(self.found)}"
            raise InputError("confidence curve", expected="as many stated as found, rising in 0..1", got=got)

    def of(self, confidence: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Confidences of any shape, read off the curve."""
        return np.interp(np.asarray(confidence, dtype=np.float64), self.stated, self.found)


@dataclass(frozen=True)
class JointCurves:
    """The curves of a network's joints."""

    pooled: ConfidenceCurve
    """That of all joints together, for joints without one of their own."""
    joints: Mapping[str, ConfidenceCurve] = field(default_factory=dict)
    """By the joint's name: those that enough people had labelled."""

    def in_order(self, names: Sequence[str]) -> list[ConfidenceCurve]:
        """The curve of each of the joints `names`."""
        return [self.joints.get(name, self.pooled) for name in names]

    def of(self, confidence: NDArray[np.floating[Any]], names: Sequence[str]) -> NDArray[np.float32]:
        """Confidences (..., k) of the joints `names` (k,), as shares of joints that are found."""
        columns = [curve.of(confidence[..., joint]) for joint, curve in enumerate(self.in_order(names))]
        return np.asarray(np.stack(columns, axis=-1), dtype=np.float32)
