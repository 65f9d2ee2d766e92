"""A dressed person's mesh: the posed body, shells of cloth and hair over it, and its surfaces.

A garment is a copy of the body's quads, pushed out along the normals. The skin under it takes the garment's surface
too, so that no skin shows where a bent joint pushes the body through the cloth: clothes have no holes.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..body.collision import BodyParts
from ..body.model import BODY_VERTICES, EYE_VERTICES, Shape, Template
from ..geometry.mesh import Mesh, Surface, all_corners, any_corner, compacted, plain_texture, vertex_normals
from .appearance import Garment, Look
from .skin import SkinMap, skin_texture
from .skirt import Skirt
from .textures import Texture, fabric_texture, hair_texture, pore_height, strand_height, wrinkle_height
from .wardrobe import Mask, Wardrobe

SKIN, TOP, BOTTOM, SHOES, HAIR, EYES = range(6)
_UNDER_SKIRT = 0.5  # share of a skirt's length down to which the skin is cloth too: a kick shows no holes
_AVERAGE_STATURE_M = 1.7  # the body height that the shells' distances are made for


@dataclass(frozen=True, eq=False)
class Tailor:
    """Measurements of the body model that dressing needs, computed once per process."""

    template: Template
    wardrobe: Wardrobe
    skin_map: SkinMap
    skirt: Skirt
    parts: BodyParts


@dataclass
class _Shells:
    """Layers of a mesh under construction; `body` is the posed body they lie on."""

    body_m: NDArray[np.float64]
    rest_m: NDArray[np.float64]
    normals: NDArray[np.float64]
    quads: NDArray[np.int64]
    uv: NDArray[np.float64]
    parts: list[tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64], int, NDArray[np.float64]]] = field(
        default_factory=list
    )

    def add(self, covered: Mask, distance_m: NDArray[np.float64], surface: int) -> None:
        """Add a copy of the quads whose four corners are covered, at a distance above the body, less at the hem."""
        chosen = all_corners(covered, self.quads)
        ids, local = compacted(self.quads[chosen], len(covered))
        height = distance_m[ids] * _rise_from_hem(self.quads, chosen, len(covered))[ids]
        raised = self.body_m[ids] + self.normals[ids] * height[:, None]
        self.parts.append((raised, local, self.uv[chosen], surface, self.rest_m[ids]))

    def lay(self, quads: NDArray[np.int64], uv: NDArray[np.float64], surface: int) -> None:
        """Add cloth with vertices of its own, which the body model moves with the body."""
        ids, local = compacted(quads, len(self.body_m))
        self.parts.append((self.body_m[ids], local, uv, surface, self.rest_m[ids]))


def _rise_from_hem(quads: NDArray[np.int64], chosen: Mask, count: int) -> NDArray[np.float64]:
    """Per vertex: a fifth on the rim of the chosen quads, 0.6 one vertex further in, 1 inside. Closes gaps at hems."""
    rise = np.ones(count)
    rim = np.zeros(count, dtype=bool)
    rim[quads[~chosen]] = True
    next_to_rim = np.zeros(count, dtype=bool)
    next_to_rim[quads[chosen & any_corner(rim, quads)]] = True
    rise[next_to_rim], rise[rim] = 0.6, 0.2
    return rise


def dress(tailor: Tailor, shape: Shape, body_m: NDArray[np.float64], look: Look, rng: np.random.Generator) -> Mesh:
    """Mesh of a person. `body_m` (v, 3) is the posed body; the result has no vertex without a quad."""
    template, wardrobe = tailor.template, tailor.wardrobe
    shown = _is_shown(template)
    quads, uv = template.quads[shown], template.corner_uv[shown].copy()
    covers = _covers(wardrobe, look)
    surface_of_quad = _surface_under_clothes(quads, covers)
    is_eye = quads[:, 0] >= BODY_VERTICES
    surface_of_quad[is_eye] = EYES
    uv[is_eye] = np.stack([wardrobe.eye_angle_rad[quads[is_eye]] / np.pi, np.full((is_eye.sum(), 4), 0.5)], axis=-1)

    skin = ~is_eye
    shells = _Shells(body_m, shape.vertices_m, vertex_normals(body_m, quads[skin]), quads[skin], uv[skin])
    scale = float(np.ptp(shape.vertices_m[:BODY_VERTICES, 2])) / _AVERAGE_STATURE_M
    for surface, distance_m in _distances(tailor, look, scale, rng).items():
        shells.add(covers[surface], distance_m, surface)
    if look.bottom.is_skirt:
        quads_of_skirt = tailor.skirt.cut(template, wardrobe.hem_m(look.bottom.length))
        shells.lay(tailor.skirt.quads[quads_of_skirt], tailor.skirt.corner_uv[quads_of_skirt], BOTTOM)
    return _joined(shells, quads, uv, surface_of_quad, _surfaces(tailor, look, rng))


def _is_shown(template: Template) -> Mask:
    """Mask of the quads of the skin and the eyeballs; tongue, teeth and helpers are left out."""
    first, last = EYE_VERTICES[0][0], EYE_VERTICES[1][1]
    vertex = np.arange(len(template.vertices_m))
    is_eye = (vertex >= first) & (vertex < last)
    return all_corners(vertex < BODY_VERTICES, template.quads) | all_corners(is_eye, template.quads)


def _covers(wardrobe: Wardrobe, look: Look) -> dict[int, Mask]:
    legs = look.bottom.length * (_UNDER_SKIRT if look.bottom.is_skirt else 1.0)
    covers = {TOP: wardrobe.top(look.top.length), BOTTOM: wardrobe.bottom(legs)}
    if look.shoes is not None:
        covers[SHOES] = wardrobe.is_foot
    if look.hair_style != "bald":
        covers[HAIR] = wardrobe.hair[look.hair_style]
    return covers


def _surface_under_clothes(quads: NDArray[np.int64], covers: dict[int, Mask]) -> NDArray[np.int32]:
    surface = np.full(len(quads), SKIN, dtype=np.int32)
    for kind in (SHOES, BOTTOM, TOP, HAIR):  # the later lies outside
        if kind in covers:
            surface[all_corners(covers[kind], quads)] = kind
    return surface


def _distances(tailor: Tailor, look: Look, scale: float, rng: np.random.Generator) -> dict[int, NDArray[np.float64]]:
    """Distance of every shell from the skin at every vertex, metres."""
    rest = tailor.template.vertices_m.astype(np.float32)  # sines of doubles take twice as long
    flat = np.ones(len(rest))
    distances = {
        BOTTOM: look.bottom.looseness_m + 0.0025 * _folds(rest, rng),
        TOP: look.top.looseness_m + 0.006 + 0.003 * _folds(rest, rng),
    }
    if look.shoes is not None:
        distances[SHOES] = 0.012 * flat
    if look.hair_style != "bald":
        volume = 0.016 if look.hair_style == "short" else 0.03
        height = np.clip((tailor.wardrobe.height_m - 0.6) / 0.12, 0.3, 1)
        distances[HAIR] = 0.004 + volume * height + 0.002 * _folds(rest, rng)
        if look.hair_style == "long":  # over the shirt
            distances[HAIR] += np.where(tailor.wardrobe.is_head, 0.0, distances[TOP])
    return {kind: np.maximum(distance, 0.002) * scale for kind, distance in distances.items()}


def _folds(rest_m: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Smooth waves over the body, about -3 to 3, different for every garment."""
    phase = rng.uniform(0, 2 * np.pi, 5).astype(np.float32)
    x, y, z = np.ascontiguousarray(rest_m.T)
    across = np.sin(41 * x + phase[0] + 3 * np.sin(23 * z + phase[1]))
    along = np.sin(57 * z + phase[2] + 2 * np.sin(31 * x + phase[3]))
    return across + along + np.sin(49 * y + 19 * z + phase[4])


def _surfaces(tailor: Tailor, look: Look, rng: np.random.Generator) -> tuple[Surface, ...]:
    """Surfaces in the order SKIN, TOP, BOTTOM, SHOES, HAIR, EYES."""
    skin = skin_texture(tailor.skin_map, look.skin, look.hair, look.beard, rng)
    return (
        Surface(skin, pore_height(), height_repeats=14, bump_m=0.0008, roughness=0.5, specular=0.35, subsurface=0.2),
        _cloth(look.top, rng),
        _cloth(look.bottom, rng),
        Surface(plain_texture(look.shoes or (0.0, 0.0, 0.0)), roughness=0.6),
        Surface(hair_texture(look.hair), strand_height(), 5, 5, bump_m=0.008, roughness=0.45),
        Surface(_eye_texture(rng), roughness=0.1, specular=0.5),
    )


def _cloth(garment: Garment, rng: np.random.Generator) -> Surface:
    return Surface(
        fabric_texture(garment, rng),
        wrinkle_height(),
        garment.pattern_scale,
        1.7,
        bump_m=0.025,
        roughness=0.85,
        specular=0.2,
    )


def _eye_texture(rng: np.random.Generator) -> Texture:
    """A ramp over the angle from the front: pupil, iris, white."""
    iris = np.array([(0.09, 0.05, 0.02), (0.05, 0.09, 0.12), (0.06, 0.09, 0.04)])[int(rng.integers(3))]
    angle = np.linspace(0, np.pi, 256)[None, :, None]
    ramp = np.where(angle < 0.18, 0.006, np.where(angle < 0.4, iris, np.array([0.75, 0.7, 0.67])))
    return np.repeat(ramp, 4, axis=0).astype(np.float32)


def _joined(
    shells: _Shells,
    quads: NDArray[np.int64],
    uv: NDArray[np.float64],
    surface_of_quad: NDArray[np.int32],
    surfaces: tuple[Surface, ...],
) -> Mesh:
    used, local = compacted(quads, len(shells.body_m))
    vertices, rest = [shells.body_m[used]], [shells.rest_m[used]]
    all_quads, all_uv, kinds = [local], [uv], [surface_of_quad]
    offset = len(used)
    for raised, part_quads, part_uv, surface, part_rest in shells.parts:
        vertices.append(raised)
        rest.append(part_rest)
        all_quads.append(part_quads + offset)
        all_uv.append(part_uv)
        kinds.append(np.full(len(part_quads), surface, dtype=np.int32))
        offset += len(raised)
    return Mesh(
        name="person",
        vertices_m=np.concatenate(vertices),
        quads=np.concatenate(all_quads).astype(np.int32),
        corner_uv=np.concatenate(all_uv).astype(np.float32),
        surface_of_quad=np.concatenate(kinds),
        surfaces=surfaces,
        rest_m=np.concatenate(rest),
    )
