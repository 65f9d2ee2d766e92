"""From a scene description to geometry: bodies posed and set on the floor, the camera, and things in the way.

`build_geometry` is deterministic and needs the body model, but no Blender. World: z up, floor at z = 0, metres; people
face -y when their turn is 0, and the camera's azimuth counts from there.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..body.collision import FLESH_GIVES_M, BodyParts, deepest_overlap_m
from ..body.model import BodyModel, Shape, Template
from ..body.support import GAP_M, sink_m, support_gap_m
from ..clothes.dressing import Tailor, dress
from ..clothes.skin import SkinMap
from ..clothes.skirt import Skirt
from ..clothes.textures import floor_texture, painted_texture
from ..clothes.wardrobe import Wardrobe
from ..geometry.mesh import Mesh, Surface, bounds, plain_texture
from ..geometry.rotations import about_axis
from ..poses.library import Pose
from .camera import Camera, frame_points
from .lens import SHARP, Lens
from .props import build_prop
from .rays import first_hits
from .spec import OccluderSpec, PersonSpec, SceneSpec
from .stance import stand

FLOOR_HALF_M = 40.0
CAMERA_CLEARANCE_M = 0.6  # nothing comes closer to the camera than this
_MOST_HIDDEN = 0.75  # largest share of the people in the frame that a thing may hide
_SLIDE_M = 0.05  # by which a thing that hides more is slid aside at a time, by its own width at most,
_SLID_HIDES = 0.5  # until it hides this share: at the most allowed, all of them would hide as much as is allowed


@dataclass(frozen=True, eq=False)
class Standing:
    """A person in the world."""

    spec: PersonSpec
    mesh: Mesh
    joints_m: NDArray[np.float64]  # (17, 3) COCO joints
    rest_joints_m: NDArray[np.float64]  # (17, 3) the same joints on the resting body


@dataclass(frozen=True, eq=False)
class Geometry:
    """Everything that the observer sees, and the people's joints."""

    people: tuple[Standing, ...]
    things: tuple[Mesh, ...]
    camera: Camera
    lens: Lens = SHARP

    @property
    def meshes(self) -> tuple[Mesh, ...]:
        """People first, in order."""
        return (*(person.mesh for person in self.people), *self.things)


def make_tailor(template: Template) -> Tailor:
    """Measure the template for dressing, once per process."""
    return Tailor(template, Wardrobe.of(template), SkinMap.of(template), Skirt.of(template), BodyParts.of(template))


def build_geometry(scene: SceneSpec, model: BodyModel, tailor: Tailor, width_px: int, height_px: int) -> Geometry:
    """Put everything in a scene in its place. Textures are drawn from the scene's own seed."""
    rng = np.random.default_rng(scene.texture_seed)
    people = _side_by_side([_pose_and_dress(person, model, tailor, rng) for person in scene.people])
    camera = _place_camera(scene, people, width_px, height_px)
    things = [floor_mesh(scene, rng)]
    if scene.occluder is not None:
        things += _occluder(scene.occluder, people, camera, rng)
    return Geometry(tuple(people), tuple(things), camera, focused(scene.lens, people[0], camera))


def focused(lens: Lens, person: Standing, camera: Camera) -> Lens:
    """`lens` with `person` in focus."""
    _, depth = camera.project(person.joints_m)
    return replace(lens, focus_m=float(np.median(depth)))


def _pose_and_dress(spec: PersonSpec, model: BodyModel, tailor: Tailor, rng: np.random.Generator) -> Standing:
    """A dressed person at the origin, turned, on its supports or with its lowest point `lift_m` above the floor."""
    phenotype = dict(spec.phenotype)
    shape = model.shape(phenotype)
    stance = _choose_stance(spec, phenotype, shape, model, tailor)
    turn = about_axis([0, 0, 1], spec.turn_rad)
    mesh = dress(tailor, shape, stance.body_m @ turn.T, spec.look, rng)
    person = Standing(replace(spec, pose=stance.pose), mesh, stance.joints_m @ turn.T, shape.joints_m)
    lowest = spec.lift_m - stance.sink_m
    onto_floor = np.array([0.0, 0.0, lowest - mesh.vertices_m[:, 2].min()])
    return _moved(person, onto_floor - _ground_centre(person))


@dataclass(frozen=True, eq=False)
class _Stance:
    """A pose on a body, tipped onto its supports. `fault_m` is how far it is from an allowed one, else 0."""

    pose: Pose
    body_m: NDArray[np.float64]
    joints_m: NDArray[np.float64]
    sink_m: float
    fault_m: float


def _choose_stance(
    spec: PersonSpec, phenotype: dict[str, float], shape: Shape, model: BodyModel, tailor: Tailor
) -> _Stance:
    """The first drawn pose that stands on its supports and does not run into itself, or else the least bad one."""
    tried: list[_Stance] = []
    for pose in (spec.pose, *spec.spares):
        body, joints, groups = stand(pose, phenotype, shape, model)
        overlap = max(0.0, deepest_overlap_m(tailor.parts, body) - FLESH_GIVES_M)
        gap = max(0.0, support_gap_m(body, groups) - GAP_M)
        tried.append(_Stance(pose, body, joints, sink_m(body, groups), overlap + gap))
        if tried[-1].fault_m == 0:
            break
    return min(tried, key=lambda stance: stance.fault_m)


def _moved(person: Standing, shift_m: NDArray[np.float64], instance: int = 0) -> Standing:
    mesh = replace(person.mesh, vertices_m=person.mesh.vertices_m + shift_m, instance=instance)
    return replace(person, mesh=mesh, joints_m=person.joints_m + shift_m)


def _side_by_side(people: list[Standing]) -> list[Standing]:
    """Place each person as near to the previous one as bounding boxes allow, in the direction of its bearing."""
    placed: list[Standing] = []
    for instance, person in enumerate(people, start=1):
        direction = np.array([np.cos(person.spec.bearing_rad), np.sin(person.spec.bearing_rad), 0.0])
        start = _ground_centre(placed[-1]) if placed else np.zeros(3)
        own, others = _footprint_m(person.mesh.vertices_m), [_footprint_m(other.mesh.vertices_m) for other in placed]
        for distance in np.arange(0.0, 30.0, 0.05):
            shift = start + direction * distance
            if not any(_overlap(own + shift[:2], other, person.spec.gap_m) for other in others):
                break
        placed.append(_moved(person, shift, instance))
    return placed


def _footprint_m(vertices_m: NDArray[np.float64], turn_rad: float = 0.0) -> NDArray[np.float64]:
    """Smallest and largest x, y (2, 2) of points (n, 3), on axes turned by `turn_rad` about the vertical."""
    return bounds((vertices_m @ about_axis([0, 0, 1], turn_rad))[:, :2])


def _ground_centre(person: Standing) -> NDArray[np.float64]:
    return np.append(_footprint_m(person.mesh.vertices_m).mean(axis=0), 0.0)


def _place_camera(scene: SceneSpec, people: list[Standing], width_px: int, height_px: int) -> Camera:
    points = np.concatenate([person.mesh.vertices_m[::25] for person in people])
    return frame_points(scene.camera, points, width_px, height_px, clearance_m=CAMERA_CLEARANCE_M)


def floor_mesh(scene: SceneSpec, rng: np.random.Generator) -> Mesh:
    """The textured floor of a scene."""
    colour, height = floor_texture(scene.floor, rng)
    tiles = 2 * FLOOR_HALF_M / scene.floor_tile_m
    corners = np.array([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)]) * FLOOR_HALF_M
    return Mesh(
        name="floor",
        vertices_m=corners.astype(np.float64),
        quads=np.array([[0, 1, 2, 3]], dtype=np.int32),
        corner_uv=np.array([[(0, 0), (1, 0), (1, 1), (0, 1)]], dtype=np.float32),
        surface_of_quad=np.zeros(1, dtype=np.int32),
        surfaces=(Surface(colour, height, tiles, tiles, bump_m=0.02),),
    )


def _occluder(spec: OccluderSpec, people: list[Standing], camera: Camera, rng: np.random.Generator) -> list[Mesh]:
    """The thing between the camera and the nearest person; nothing if it has no room or would hide too much.

    The nearest place to the person where it is clear of everybody and of the camera is taken. A thing that would hide
    too much there, as a car does, is slid aside until it hides less.
    """
    eye = camera.position_m[:2]
    feet = [person.mesh.vertices_m[:, :2].mean(axis=0) for person in people]
    target = min(feet, key=lambda foot: float(np.linalg.norm(foot - eye)))
    way = eye - target
    across = np.array([way[1], -way[0]]) / np.linalg.norm(way)
    vertices, quads, material = build_prop(spec.kind, spec.size_m)
    turn_rad = spec.turn_rad + float(np.arctan2(way[0], -way[1]))
    vertices = vertices @ about_axis([0, 0, 1], turn_rad).T
    footprints = [_footprint_m(person.mesh.vertices_m, turn_rad) for person in people]

    def moved(nearness: float, aside_m: float) -> NDArray[np.float64]:
        return vertices + np.array([*(target + way * nearness + across * aside_m), 0.0])

    def is_clear(placed: NDArray[np.float64]) -> bool:
        """Whether it comes near neither the camera nor a person."""
        if np.linalg.norm(placed[:, :2] - eye, axis=1).min() <= 2 * CAMERA_CLEARANCE_M:
            return False
        return not any(_overlap(_footprint_m(placed, turn_rad), other, 0.1) for other in footprints)

    places = np.arange(spec.nearness, 0.8, 0.05).tolist()
    nearness = next((place for place in places if is_clear(moved(place, spec.aside_m))), None)
    if nearness is None:
        return []
    thing = _thing(vertices, quads, material, spec, rng)
    for slide_m in np.arange(0.0, spec.size_m[0], _SLIDE_M).tolist():
        aside_m = spec.aside_m + float(np.copysign(slide_m, spec.aside_m))
        placed = replace(thing, vertices_m=moved(nearness, aside_m))
        most = _SLID_HIDES if slide_m else _MOST_HIDDEN
        if is_clear(placed.vertices_m) and _hidden_share(placed, people, camera) <= most:
            return [placed]
    return []


def _hidden_share(thing: Mesh, people: list[Standing], camera: Camera) -> float:
    """Share of the points on people's bodies in the frame that `thing` hides."""
    points = np.concatenate([person.mesh.vertices_m[::200] for person in people])
    in_frame = camera.in_frame(*camera.project(points))
    hits = first_hits([thing], camera, points[in_frame])
    return float((hits.mesh >= 0).mean()) if in_frame.any() else 0.0


def _thing(
    vertices: NDArray[np.float64],
    quads: NDArray[np.int32],
    material: NDArray[np.int32],
    spec: OccluderSpec,
    rng: np.random.Generator,
) -> Mesh:
    square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], dtype=np.float32)
    light, dark = rng.uniform(0.15, 0.6), rng.uniform(0.01, 0.05)
    return Mesh(
        name=spec.kind,
        vertices_m=vertices,
        quads=quads,
        corner_uv=np.tile(square, (len(quads), 1, 1)),
        surface_of_quad=material,
        surfaces=(
            Surface(painted_texture(spec.colour, rng), roughness=0.35 if spec.kind == "car" else 0.6),
            Surface(plain_texture((light, light, light)), roughness=0.4),
            Surface(plain_texture((dark, dark, dark)), roughness=0.2),
        ),
    )


def _overlap(a_m: NDArray[np.float64], b_m: NDArray[np.float64], room_m: float) -> bool:
    """Whether two footprints are closer to each other than `room_m`."""
    return bool((a_m[0] < b_m[1] + room_m).all() and (b_m[0] < a_m[1] + room_m).all())
