"""A clip as geometry, frame by frame: the same dressed bodies moving over the floor in front of a camera.

`Performance` is made once per clip: it poses every body in every key pose, finds places where nobody walks through
anybody else, and keeps all points that the camera has to see. `Performance.at` gives the geometry of one moment. People
drift over the floor as a whole: their feet do not step. For trackers it matters more that people cross.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from ..body.model import BODY_VERTICES, BodyModel, Shape
from ..body.support import contact_vertices
from ..clothes.dressing import Tailor, dress
from ..geometry.rotations import about_axis
from ..poses.blending import blend, eased
from ..poses.library import MOTION_FAMILY, Pose
from ..poses.posing import settle_on_contacts, solve_orientations
from ..scene.camera import Camera, frame_points
from ..scene.layout import CAMERA_CLEARANCE_M, Geometry, Standing, floor_mesh, focused
from ..scene.lens import Lens
from .spec import ClipSpec, Performer, camera_between

_HIPS = (11, 12)  # rows of the COCO joints
_HEADINGS = 12  # directions tried for a drift before a person stays in place


@dataclass(frozen=True, eq=False)
class _Actor:
    """A performer with a body: orientations (keys, bones, 3, 3) in the world, and the room that they take up."""

    performer: Performer
    shape: Shape
    keys: NDArray[np.float64]
    lifts_m: NDArray[np.float64]  # (keys,) of the lowest point over the floor
    outline_m: NDArray[np.float64]  # (n, 3) hull of the body in all key poses, hips above the origin
    reach_m: float  # farthest from the hips, level

    def moment(self, seconds: float) -> tuple[NDArray[np.float64], float]:
        """Orientations (bones, 3, 3) and height over the floor; the last key pose is held."""
        place = min(seconds / self.performer.key_seconds, len(self.keys) - 1.0)
        key = min(int(place), len(self.keys) - 2) if len(self.keys) > 1 else 0
        share = place - key
        if len(self.keys) == 1 or share == 0:
            return self.keys[key], float(self.lifts_m[key])
        if self.performer.person.pose.family != MOTION_FAMILY:  # a recording has its own rhythm
            share = eased(share)
        orientations = blend(self.keys[key], self.keys[key + 1], self.shape.skeleton.parents, share)
        return orientations, float((1 - share) * self.lifts_m[key] + share * self.lifts_m[key + 1])


class Performance:
    """One clip, from which the geometry of any moment can be computed."""

    def __init__(self, spec: ClipSpec, seconds: float, model: BodyModel, tailor: Tailor) -> None:
        self._spec, self._seconds, self._model, self._tailor = spec, seconds, model, tailor
        self._actors = [_make_actor(performer, model) for performer in spec.performers]
        self._starts_m, self._drifts_m_s = _places(self._actors, seconds)
        self._seen_m = np.concatenate(
            [
                actor.outline_m + start + drift * moment
                for actor, start, drift in zip(self._actors, self._starts_m, self._drifts_m_s, strict=True)
                for moment in (0.0, seconds)
            ]
        )

    def at(self, seconds: float, width_px: int, height_px: int) -> Geometry:
        """Everybody, the floor and the camera, `seconds` after the clip's start."""
        people = [self._standing(row, seconds) for row in range(len(self._actors))]
        floor = floor_mesh(self._spec.scene, np.random.default_rng([self._spec.scene.texture_seed]))
        camera = self.camera(seconds, width_px, height_px)
        lens = focused(Lens(f_stop=self._spec.scene.lens.f_stop), people[0], camera)
        return Geometry(tuple(people), (floor,), camera, lens)

    def camera(self, seconds: float, width_px: int, height_px: int) -> Camera:
        """The camera at that moment, at a distance from which the whole clip is in the frame."""
        share = eased(seconds / self._seconds)
        spec = camera_between(self._spec.scene.camera, self._spec.camera_end, share)
        return frame_points(spec, self._seen_m, width_px, height_px, clearance_m=CAMERA_CLEARANCE_M)

    def _standing(self, row: int, seconds: float) -> Standing:
        actor, person = self._actors[row], self._spec.performers[row].person
        orientations, lift_m = actor.moment(seconds)
        body, joints = self._model.posed(dict(person.phenotype), _transforms(orientations))
        rng = np.random.default_rng([self._spec.scene.texture_seed, row + 1])  # the same clothes in every frame
        mesh = dress(self._tailor, actor.shape, body, person.look, rng)
        shift = self._starts_m[row] + self._drifts_m_s[row] * seconds - _level(joints)
        shift[2] = lift_m - mesh.vertices_m[:, 2].min()
        mesh = replace(mesh, vertices_m=mesh.vertices_m + shift, instance=row + 1)
        return Standing(person, mesh, joints + shift, actor.shape.joints_m)


def _make_actor(performer: Performer, model: BodyModel) -> _Actor:
    phenotype = dict(performer.person.phenotype)
    shape = model.shape(phenotype)
    turn = about_axis([0, 0, 1], performer.person.turn_rad)
    keys, outlines = [], []
    for pose in performer.keys:
        orientations = solve_orientations(pose, shape.skeleton)
        body, joints = model.posed(phenotype, orientations)
        onto_floor = turn @ _settled(pose, body, model)
        keys.append(onto_floor @ orientations[:, :3, :3])
        points = (body[:BODY_VERTICES:50] - _level(joints)) @ onto_floor.T
        points[:, 2] -= points[:, 2].min()
        outlines.append(points)
    lifts = [performer.person.lift_m if pose.airborne else 0.0 for pose in performer.keys]
    outline = np.concatenate(outlines)
    outline = outline[ConvexHull(outline).vertices]  # what a camera sees and a reach are the same, of far fewer points
    reach = float(np.linalg.norm(outline[:, :2], axis=1).max())
    return _Actor(performer, shape, keys=np.stack(keys), lifts_m=np.array(lifts), outline_m=outline, reach_m=reach)


def _settled(pose: Pose, body: NDArray[np.float64], model: BodyModel) -> NDArray[np.float64]:
    if not pose.contacts:
        return np.eye(3)
    first, second = (contact_vertices(model.template, part) for part in pose.contacts)
    return settle_on_contacts(body, (first, second))


def _level(joints_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """The point on the floor under the middle of the hips (3,)."""
    middle = joints_m[list(_HIPS)].mean(axis=0)
    return np.array([middle[0], middle[1], 0.0])


def _transforms(orientations: NDArray[np.float64]) -> NDArray[np.float64]:
    transforms = np.tile(np.eye(4), (len(orientations), 1, 1))
    transforms[:, :3, :3] = orientations
    return transforms


def _places(actors: list[_Actor], seconds: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Starts (n, 3) in metres and drifts (n, 3) in m/s at which nobody comes within the reach of anybody else."""
    starts, drifts = np.zeros((len(actors), 3)), np.zeros((len(actors), 3))
    for row, actor in enumerate(actors):
        person, wish = actor.performer.person, actor.performer
        direction = np.array([np.cos(person.bearing_rad), np.sin(person.bearing_rad), 0.0])
        drifts[row] = 0.0
        starts[row] = starts[row - 1] if row else 0.0
        while row and _is_in_reach(actors, starts, drifts, row, seconds=seconds, gap_m=person.gap_m):
            starts[row] += 0.05 * direction
        for turn in np.arange(_HEADINGS) * 2 * np.pi / _HEADINGS:
            angle = wish.heading_rad + turn
            drifts[row] = wish.speed_m_s * np.array([np.cos(angle), np.sin(angle), 0.0])
            if not _is_in_reach(actors, starts, drifts, row, seconds=seconds, gap_m=0.0):
                break
        else:
            drifts[row] = 0.0
    return starts, drifts


def _is_in_reach(
    actors: list[_Actor],
    starts: NDArray[np.float64],
    drifts: NDArray[np.float64],
    row: int,
    seconds: float,
    gap_m: float,
) -> bool:
    """Whether person `row` ever comes nearer to an earlier person than both reaches and `gap_m`.

    Seen from the other, a person moves along a straight line, so the closest moment is that of a point on a line.
    """
    way, drift = starts[:row] - starts[row], drifts[:row] - drifts[row]
    speed2 = (drift**2).sum(axis=1)
    moment = np.clip(-(way * drift).sum(axis=1) / np.where(speed2 > 0, speed2, 1.0), 0, seconds)
    apart = np.linalg.norm(way + drift * moment[:, None], axis=1)
    room = np.array([other.reach_m for other in actors[:row]]) + actors[row].reach_m + gap_m
    return bool((apart < room).any())
