"""The body model as one file of plain arrays, and the arithmetic over them: a render worker needs no torch.

A worker that imports torch and Anny holds 400 MB more than one that reads these arrays. build.py writes them
once from an Anny model; `BodyArrays` shapes and poses a body. Formulas: Anny 0.6.2 (NAVER, Apache-2.0),
models/phenotype.py, models/rigged_model.py and skinning/skinning.py, for one body, in float32.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.files import DAMAGED_ZIP

Floats = NDArray[np.float32]
ARRAYS_FILE = "body-arrays-2.npz"
_ANCESTRIES = ("african", "asian", "caucasian")


class BodyArrays:
    """The arrays of one file, by name, and the operations that Anny defines on them."""

    def __init__(self, path: Path) -> None:
        try:
            with np.load(path, allow_pickle=False) as opened:
                self._of: dict[str, NDArray[Any]] = {name: opened[name] for name in opened.files}
            names = json.loads(str(self._of.pop("names")))
        except (*DAMAGED_ZIP, KeyError) as error:
            raise InputError(
                f"{path} cannot be read", got=str(error)[:200], fix="delete it; it is built again"
            ) from error
        self.bone_labels: tuple[str, ...] = tuple(names["bone_labels"])
        self.bone_parents: tuple[int, ...] = tuple(names["bone_parents"])
        self.phenotype_labels: tuple[str, ...] = tuple(names["phenotype_labels"])
        self._features: tuple[str, ...] = tuple(names["features"])
        self._skinning = self._dense_weights()

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._of[name]

    def rest(self, phenotype: Mapping[str, float]) -> tuple[Floats, Floats, Floats]:
        """Vertices (v, 3), bone heads (bones, 3) and bone orientations (bones, 3, 3) at rest."""
        share = self._coefficients(phenotype)
        heads = self["template_bone_heads"] + _blend(share, self["bone_heads_blendshapes"])
        turned = self["bone_template_orientation_matrices"] + _blend(share, self["bone_orientation_blendshapes"])
        return self["template_vertices"] + _blend(share, self["blendshapes"]), heads, nearest_rotations(turned)

    def posed(self, rest: tuple[Floats, Floats, Floats], orientations: NDArray[np.floating[Any]]) -> Floats:
        """Vertices (v, 3) for world orientations (bones, 3, 3), the root's head staying where it rests at the origin.

        Linear blend skinning: a bone turns by G = D R^T about its head, which follows its parent.
        """
        vertices, heads, resting = rest
        turns = orientations.astype(np.float32) @ resting.transpose(0, 2, 1)
        shifts = np.empty_like(heads)
        for bone, parent in enumerate(self.bone_parents):
            placed = turns[parent] @ heads[bone] + shifts[parent] if parent >= 0 else np.zeros(3, dtype=np.float32)
            shifts[bone] = placed - turns[bone] @ heads[bone]
        transforms = np.concatenate([turns, shifts[..., None]], axis=2).reshape(len(turns), 12)
        mixed = (self._skinning @ transforms).reshape(-1, 3, 4)
        return np.einsum("vij,vj->vi", mixed[..., :3], vertices) + mixed[..., 3]

    def joints(self, vertices_m: Floats) -> Floats:
        """COCO-17 joints (17, 3) as means of vertices (v, 3)."""
        return np.asarray(self["joint_weights"] @ vertices_m, dtype=np.float32)

    def _coefficients(self, phenotype: Mapping[str, float]) -> Floats:
        """Share of every blendshape: products of interpolated features, on the compact basis."""
        if unknown := sorted(set(phenotype) - set(self.phenotype_labels)):
            raise InputError("unknown phenotype", expected=", ".join(self.phenotype_labels), got=", ".join(unknown))
        features = np.concatenate([self._feature(name, phenotype) for name in self._features])
        mask = self["stacked_phenotype_blend_shapes_mask"]
        products = np.prod(features * mask + (1 - mask), axis=1)
        return np.asarray(products @ self["phenotype_blendshape_projection"], dtype=np.float32)

    def _feature(self, name: str, phenotype: Mapping[str, float]) -> Floats:
        """Shares of a feature's variations, between whose anchors its value lies."""
        if name == "race":
            values = np.array([phenotype.get(label, 0.5) for label in _ANCESTRIES], dtype=np.float32)
            return values / values.sum() if values.sum() else np.full(3, 1 / 3, dtype=np.float32)
        anchors = self[f"anchors_{name}"]
        corners = np.eye(len(anchors), dtype=np.float32)
        return np.array([np.interp(phenotype.get(name, 0.5), anchors, corner) for corner in corners], dtype=np.float32)

    def _dense_weights(self) -> Floats:
        """Weight of every bone at every vertex (v, bones)."""
        weights, bones = self["vertex_bone_weights"], self["vertex_bone_indices"]
        dense = np.zeros((len(weights), len(self.bone_labels)), dtype=np.float32)
        np.add.at(dense, (np.arange(len(weights))[:, None], bones), weights)
        return dense


def nearest_rotations(matrices: NDArray[np.floating[Any]]) -> Floats:
    """The rotations (n, 3, 3) nearest to matrices (n, 3, 3) in the Frobenius norm (Kabsch)."""
    u, _, vt = np.linalg.svd(matrices.astype(np.float64))
    u[..., -1] *= np.linalg.det(u @ vt)[:, None]
    return np.asarray(u @ vt, dtype=np.float32)


def _blend(share: Floats, shapes: Floats) -> Floats:
    return np.asarray(share @ shapes.reshape(len(share), -1), dtype=np.float32).reshape(shapes.shape[1:])
