"""Bodies that pass through themselves: a cheap measure that the fit descends, and a check of the mesh at the end.

`overlap` fills limbs and trunk with balls, as far as COCO joints say where those are. `PassesThrough` asks Anny's
`SelfInterpenetrationModule` which triangles of the posed mesh cut others. Skin that merely touches skin counts there
too, so a few triangles are allowed: as many as authored poses have.
"""

import contextlib
import io
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dataengine.keypoints import COCO_KEYPOINTS

from ..body.build import load_anny
from ..body.model import Template

# Part, its ends, from where to where along it balls stand, how many, their radius (m): an average adult's, by eye, and
# a little slim, because soft parts give way. The shoulder's and the hip's own end are left to the skin.
_PARTS = (
    ("trunk", "shoulder", "hip", 0.15, 0.9, 3, 0.10),
    ("upper_arm", "shoulder", "elbow", 0.6, 1.0, 2, 0.04),
    ("forearm", "elbow", "wrist", 0.25, 1.3, 4, 0.035),
    ("thigh", "hip", "knee", 0.35, 1.0, 4, 0.065),
    ("shank", "knee", "ankle", 0.2, 1.1, 5, 0.045),
)
# Neighbours touch whenever a joint bends; a thigh presses into the belly when one crouches.
_FREE_ON_ONE_SIDE = {("upper_arm", "forearm"), ("thigh", "shank"), ("trunk", "thigh"), ("trunk", "upper_arm")}
_FREE = {("trunk", "trunk"), ("trunk", "thigh")}
# Anny's own vertex groups that always touch: a curled finger its palm, a toe its neighbour.
_SMALL = ("finger", "metacarpal", "wrist", "toe", "tongue", "eye", "jaw", "oris")
MOST_TRIANGLES = 250  # of 27,420; 82 of the 87 authored poses have fewer, hugged knees have 430
MOST_OVERLAP_M2 = 0.002  # one part 4.5 cm inside another


def overlap(joints_m: Tensor) -> Tensor:
    """Sum (n,) of squared depths, m2, by which balls of parts that should keep apart overlap. joints_m (n, 17, 3)."""
    mixes, pairs, reach_m = _balls()
    balls = torch.einsum("bj,njc->nbc", mixes, joints_m)
    apart = torch.sqrt((balls[:, pairs[0]] - balls[:, pairs[1]]).square().sum(-1) + 1e-8)
    return torch.relu(reach_m - apart).square().sum(1)


class PassesThrough:
    """Counts the triangles of a posed body that cut triangles of a part that is not their neighbour."""

    def __init__(self, template: Template, cache: Path) -> None:
        with contextlib.redirect_stdout(io.StringIO()):  # warp prints the devices it sees
            from anny.utils.collision import SelfInterpenetrationModule

            self._module: Any = SelfInterpenetrationModule(load_anny(cache)[0])
        faces = self._module.triangular_faces.numpy()
        bones = template.vertex_bone[faces]
        self._small = np.any([np.char.startswith(bones, part).any(axis=1) for part in _SMALL], axis=0)

    def count(self, vertices_m: NDArray[np.float64]) -> int:
        """Number of triangles that cut others, of the mesh with vertices (v, 3)."""
        with contextlib.redirect_stdout(io.StringIO()):
            hit = self._module.detect_self_intersections(torch.tensor(vertices_m, dtype=torch.float32)).numpy()
        cutting = np.flatnonzero(hit >= 0)
        return int((~(self._small[cutting] & self._small[hit[cutting]])).sum())


@lru_cache
def _balls() -> tuple[Tensor, Tensor, Tensor]:
    """Every ball as a mix (b, 17) of joints; the pairs (2, p) that keep apart, and how far apart (p,) in metres."""
    mixes, parts, radii = [], [], []
    for side in ("left", "right"):
        for part, start, end, first, last, count, radius in _PARTS:
            for share in np.linspace(first, last, count):
                mix = np.zeros(len(COCO_KEYPOINTS))
                mix[COCO_KEYPOINTS.index(f"{side}_{start}")] = 1 - share
                mix[COCO_KEYPOINTS.index(f"{side}_{end}")] = share
                mixes.append(mix)
                parts.append((side, part))
                radii.append(radius)
    pairs = [
        (a, b)
        for a in range(len(parts))
        for b in range(a)
        if parts[a] != parts[b] and not _may_touch(parts[a], parts[b])
    ]
    reach = [radii[a] + radii[b] for a, b in pairs]
    return torch.tensor(np.array(mixes), dtype=torch.float32), torch.tensor(pairs).T, torch.tensor(reach)


def _may_touch(first: tuple[str, str], second: tuple[str, str]) -> bool:
    for pair in ((first[1], second[1]), (second[1], first[1])):
        if pair in _FREE or (first[0] == second[0] and pair in _FREE_ON_ONE_SIDE):
            return True
    return False
