"""The COCO joints of one body in many poses at once, without its mesh.

Skinning is linear, so what a joint needs of the mesh is summed up once: joint j is the sum over bones k of
turn_k offset_jk + share_jk head_k. Bones that move no joint, such as fingers, are left out.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from dataengine.people import JOINTS

from ..body.model import BodyModel, Shape


@dataclass(frozen=True, eq=False)
class MovingJoints:
    """One shape's joints, moved by k bones."""

    bones: NDArray[np.int64]
    """(k,) rows of the whole skeleton's bones, parents first."""
    parents: tuple[int, ...]
    """(k,) of `bones`; -1 for the root."""
    resting: NDArray[np.float64]
    """(k, 3, 3) orientations at rest."""
    heads_m: NDArray[np.float64]
    """(k, 3) at rest."""
    offsets_m: NDArray[np.float64]
    """(17, k, 3) of a joint from the bone's head, times the bone's share in it."""
    shares: NDArray[np.float64]
    """(17, k)"""

    @classmethod
    def of(cls, model: BodyModel, shape: Shape) -> Self:
        """Those of a shape of `model`."""
        skinning, skeleton = model.joint_skinning(), shape.skeleton
        shares = np.zeros((JOINTS, len(skeleton.labels)))
        np.add.at(shares, (skinning.joint, skinning.bone), skinning.weight)
        offsets = np.zeros((*shares.shape, 3))
        points = skinning.weight[:, None] * shape.unskinned_m[skinning.vertex]
        np.add.at(offsets, (skinning.joint, skinning.bone), points)
        offsets -= shares[..., None] * skeleton.heads_m
        moving: NDArray[np.bool_] = np.asarray(shares.any(axis=0))
        for bone in reversed(range(len(moving))):  # parents come before children
            if moving[bone] and skeleton.parents[bone] >= 0:
                moving[skeleton.parents[bone]] = True
        bones = np.flatnonzero(moving)
        row = {int(bone): number for number, bone in enumerate(bones)}
        parents = tuple(row.get(skeleton.parents[bone], -1) for bone in bones)
        return cls(
            bones,
            parents,
            skeleton.orientations[bones],
            skeleton.heads_m[bones],
            offsets[:, bones],
            shares[:, bones],
        )

    def at(self, orientations: NDArray[np.float64]) -> NDArray[np.float64]:
        """Joints (f, 17, 3) for world orientations (f, k, 3, 3); the root's head stays at the origin."""
        turns = orientations @ self.resting.transpose(0, 2, 1)
        heads = np.zeros((len(turns), len(self.bones), 3))
        for bone, parent in enumerate(self.parents):
            if parent >= 0:
                reach = self.heads_m[bone] - self.heads_m[parent]
                heads[:, bone] = heads[:, parent] + turns[:, parent] @ reach
        turned = np.einsum("fkab,jkb->fja", turns, self.offsets_m)
        return np.asarray(turned + np.einsum("jk,fka->fja", self.shares, heads))

    def between(
        self, keys: NDArray[np.float64], key: NDArray[np.int64], share: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """World orientations (f, k, 3, 3) at `share` (f,) of the way from key pose `key` (f,) to the next.

        `keys` (keys, k, 3, 3) are world orientations; the way is that of `poses.blending.blend`.
        """
        local = np.stack(
            [keys[:, bone] if parent < 0 else keys[:, parent].transpose(0, 2, 1) @ keys[:, bone]
             for bone, parent in enumerate(self.parents)],
            axis=1,
        )  # fmt: skip
        following = local[np.minimum(np.arange(len(local)) + 1, len(local) - 1)]
        ways = Rotation.from_matrix((local.transpose(0, 1, 3, 2) @ following).reshape(-1, 3, 3)).as_rotvec()
        way = ways.reshape(*local.shape[:2], 3)[key] * share[:, None, None]
        step = Rotation.from_rotvec(way.reshape(-1, 3)).as_matrix().reshape(*way.shape[:2], 3, 3)
        turned = local[key] @ step
        world = np.empty_like(turned)
        for bone, parent in enumerate(self.parents):
            world[:, bone] = turned[:, bone] if parent < 0 else world[:, parent] @ turned[:, bone]
        return world
