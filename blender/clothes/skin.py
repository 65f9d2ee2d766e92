"""The texture of a body's skin: blotches, cheeks, lips, brows and a beard, placed by where a texel lies on the body.

`SkinMap.of` finds the places once; `skin_texture` paints one person's skin. Linear RGB in 0..1.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..body.model import BODY_VERTICES, Template
from .appearance import Colour
from .textures import Field, Texture, by_channel, spectral_noise

SKIN_SIZE = 512


@dataclass(frozen=True, eq=False)
class Area:
    """A part of the skin, as the smallest window of the texture that holds it, so that the rest is not touched."""

    window: tuple[slice, slice]
    mask: NDArray[np.float32]
    """Strength (h, w) within the window, 0 to 1."""

    @classmethod
    def of(cls, mask: Field) -> Self:
        """The area of a mask (size, size) of the whole texture, which must be above 0 somewhere."""
        rows, columns = (np.flatnonzero((mask > 0).any(axis=axis)) for axis in (1, 0))
        window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        return cls(window, np.ascontiguousarray(mask[window], dtype=np.float32))

    def blend(self, colour: Field, strength: Field | float, other: Field) -> None:
        """Mix `other` (3,) into the texture `colour` where the area is, in place."""
        share = (strength * self.mask)[..., None]
        colour[self.window] = colour[self.window] * (1 - share) + share * other


@dataclass(frozen=True, eq=False)
class SkinMap:
    """Where the features of a face lie in the texture, measured on the resting body."""

    size: int
    cheeks: tuple[Area, ...]
    brows: tuple[Area, ...]
    lips: Area
    beard: Area

    @classmethod
    def of(cls, template: Template, size: int = SKIN_SIZE) -> Self:
        """Measure the template, once per process."""
        positions = bake_positions(template, size)
        lips = _ellipsoid(positions, (0.0, -0.14, 0.578), (0.026, 0.03, 0.011), 0.5)
        return cls(
            size,
            cheeks=tuple(
                Area.of(_ellipsoid(positions, (side * 0.045, -0.115, 0.60), (0.03, 0.04, 0.03), 0.8))
                for side in (1, -1)
            ),
            brows=tuple(
                Area.of(_ellipsoid(positions, (side * 0.033, -0.128, 0.672), (0.024, 0.03, 0.0065), 0.6))
                for side in (1, -1)
            ),
            lips=Area.of(lips),
            beard=Area.of(_beard_area(positions) * (1 - lips)),
        )


def bake_positions(template: Template, size: int = SKIN_SIZE) -> Texture:
    """Rest position of the skin at every texel (size, size, 3), metres; texels off the skin hold 9.

    Quads are sampled densely in their own coordinates and the samples written to the texels they fall into.
    """
    on_body = (template.quads < BODY_VERTICES).all(axis=1)
    steps = (np.arange(10) + 0.5) / 10
    u, v = (grid.ravel() for grid in np.meshgrid(steps, steps))
    corners = np.stack([(1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v], axis=1)  # (100, 4) bilinear weights
    positions = np.einsum("sc,qck->qsk", corners, template.vertices_m[template.quads[on_body]]).reshape(-1, 3)
    texels = np.einsum("sc,qck->qsk", corners, template.corner_uv[on_body]).reshape(-1, 2)
    columns = np.clip((texels[:, 0] * size).astype(int), 0, size - 1)
    rows = np.clip(((1 - texels[:, 1]) * size).astype(int), 0, size - 1)
    baked = np.full((size, size, 3), 9.0, dtype=np.float32)
    baked[rows, columns] = positions
    for shift, axis in ((1, 0), (-1, 0), (1, 1), (-1, 1)) * 3:  # bleed over seams, or they show as lines
        neighbour = np.roll(baked, shift, axis)
        empty = baked[..., 0] > 8
        baked[empty] = neighbour[empty]
    return baked


def skin_texture(skin_map: SkinMap, skin: Colour, hair: Colour, beard: float, rng: np.random.Generator) -> Texture:
    """Texture (size, size, 3) of one person's skin. `beard` is the beard's strength, 0 to 1."""
    size = skin_map.size
    tone = np.array(skin, dtype=np.float32)
    coarse, fine = spectral_noise(size, 3.0, rng), spectral_noise(size, 1.5, rng)
    pores = 1 + 0.035 * fine
    channels = zip(skin, (0.03, 0.05, 0.055), strict=True)  # red varies least
    colour = by_channel([(value + value * depth * coarse) * pores for value, depth in channels], 0, 1)
    for cheek, brow in zip(skin_map.cheeks, skin_map.brows, strict=True):
        cheek.blend(colour, 0.25, tone * [1.0, 0.62, 0.6])
        brow.blend(colour, 0.85, np.array(hair) * 0.8)
    if beard:
        stubble = np.clip(0.7 + 0.3 * fine[skin_map.beard.window], 0, 1)
        skin_map.beard.blend(colour, beard * stubble, np.array(hair))
    skin_map.lips.blend(colour, 0.55, tone * [0.8, 0.45, 0.45])
    return np.clip(colour, 0.003, 1, out=colour)


def _ellipsoid(positions: Texture, centre: Colour, radii: Colour, softness: float) -> Texture:
    """1 inside an ellipsoid at rest, falling to 0 over its outer share `softness`. Metres."""
    distance = np.sqrt((((positions - np.array(centre)) / np.array(radii)) ** 2).sum(-1))
    return np.asarray(np.clip((1 - distance) / softness, 0, 1), dtype=np.float32)


def _beard_area(positions: Texture) -> Field:
    x, y, z = np.moveaxis(positions, -1, 0)
    rise = np.clip((0.598 - z) / 0.02, 0, 1) * np.clip((z - 0.535) / 0.02, 0, 1)
    return rise * np.clip((-0.02 - y) / 0.02, 0, 1) * (np.abs(x) < 0.09)
