"""What is in one image, as plain values: a pure function of (params, seed, index) that needs no Blender.

`draw_scene` draws people (phenotype, pose, look), a camera, the light, the floor and things in the way. Whatever
depends on the body (where the camera must be to see everybody) is left to layout.py, which is deterministic.
Every draw comes from ``default_rng([seed, index])``: images can be made in any order and by any process.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..clothes.appearance import Look, draw_look
from ..poses.library import MOTION_FAMILY, Pose, jittered, mirrored
from .lamps import INDOOR_WORLD, Lamp, draw_indoor_lamps, draw_sun
from .lens import SHARP, Lens, draw_lens
from .params import CameraRanges, RenderParams
from .pose_odds import PoseOdds
from .props import PROP_SIZES_M

HDRIS = ("city", "courtyard", "forest", "interior", "night", "studio", "sunrise", "sunset")
# Strengths that bring each light to about the same exposure; night stays dark on purpose. By eye.
_HDRI_STRENGTH = {"night": 2.2, "studio": 0.9, "sunset": 1.1}
FLOORS = ("concrete", "grass", "wood", "tiles", "sand", "carpet", "asphalt")
OCCLUDERS = tuple(PROP_SIZES_M)
EYE_LEVEL_M = 1.4  # most frequent height of cameras
_JITTER_OF_DRAWS = (1.0, 0.8, 0.5, 0.25)  # of joint_jitter_deg
_ATTEMPT_STREAM = 3  # of the scenes that are drawn where the first one shows nobody
_EXTRAS_STREAM = 2  # random stream of later additions, which leave people and cameras as they were


@dataclass(frozen=True)
class PersonSpec:
    """One person: a body, a pose and clothes."""

    phenotype: tuple[tuple[str, float], ...]
    pose: Pose
    look: Look
    turn_rad: float
    """Turn about the vertical; 0 faces the camera."""
    gap_m: float
    """Least free space to the people placed before."""
    bearing_rad: float
    """Direction from the previous person to this one; 0 is to the right, pi/2 away from the camera."""
    lift_m: float
    """Height of the lowest point above the floor."""
    spares: tuple[Pose, ...] = ()
    """The same pose with less and less jitter, in case `pose` makes the body run into itself or lose its support."""


@dataclass(frozen=True)
class CameraSpec:
    """A camera whose distance follows from the share of the frame that people fill, within its ranges."""

    focal_mm: float
    """On a 36 mm wide sensor."""
    height_m: float
    fill: float
    """Share of the frame that everybody's joints span; above 1 the frame cuts people off."""
    shift: tuple[float, float]
    """Offset of the people's centre from the frame's centre, in shares of the frame."""
    roll_rad: float
    azimuth_rad: float
    """Around the people; they are turned towards azimuth 0."""
    ranges: CameraRanges = field(default_factory=CameraRanges)


@dataclass(frozen=True)
class OccluderSpec:
    """A thing on the floor between the camera and one person, one of `PROP_SIZES_M`."""

    kind: str
    size_m: tuple[float, float, float]
    colour: tuple[float, float, float]
    turn_rad: float
    nearness: float
    """Distance in front of the person, as a share of the way to the camera."""
    aside_m: float


@dataclass(frozen=True)
class SceneSpec:
    """One image."""

    index: int
    texture_seed: int
    people: tuple[PersonSpec, ...]
    camera: CameraSpec
    occluder: OccluderSpec | None
    hdri: str
    hdri_turn_rad: float
    hdri_strength: float
    floor: str
    floor_tile_m: float
    exposure_ev: float
    lamps: tuple[Lamp, ...] = ()
    lens: Lens = SHARP
    backdrop: float | None = None
    """Choice of one of the user's photographs behind the people, 0 to 1; None for floor and sky."""


def draw_scene(
    params: RenderParams, poses: Sequence[Pose], index: int, odds: PoseOdds | None = None, *, attempt: int = 0
) -> SceneSpec:
    """The scene of image `index`. The same arguments give the same scene, on every machine.

    `odds` are those of `poses`, by their rarity; without them all poses of a kind are alike. From `attempt` 1 on
    it is another scene, for where those before were not worth keeping.
    """
    seed = [params.seed, index, *([_ATTEMPT_STREAM, attempt] if attempt else [])]
    rng = np.random.default_rng(seed)
    extras = np.random.default_rng([*seed, _EXTRAS_STREAM])
    hdri = _pick((*HDRIS, *params.hdris), rng)
    count = int(rng.integers(params.min_people, params.max_people + 1))
    strength = _HDRI_STRENGTH.get(hdri, 1.0) * float(rng.uniform(0.8, 1.25))
    lamps, of_world = _draw_lamps(params, extras)
    people = tuple(_draw_person(params, poses, odds, rng) for _ in range(count))
    camera = _draw_camera(params, rng)
    if odds is not None:  # their turns are drawn as the camera sees them
        people = tuple(replace(person, turn_rad=person.turn_rad + camera.azimuth_rad) for person in people)
    defocus, moving = extras.random() < params.defocus_share, extras.random() < params.motion_blur_share
    return SceneSpec(
        index=index,
        texture_seed=int(rng.integers(2**31)),
        people=people,
        camera=camera,
        occluder=_draw_occluder(rng) if rng.random() < params.occluder_share else None,
        hdri=hdri,
        hdri_turn_rad=float(rng.uniform(0, 2 * np.pi)),
        hdri_strength=strength * of_world,
        floor=_pick(FLOORS, rng),
        floor_tile_m=float(rng.uniform(1.5, 4.0)),
        exposure_ev=float(rng.normal(0.1, 0.25)),
        lamps=lamps,
        lens=draw_lens(defocus, moving, count, camera.focal_mm, extras) if defocus or moving else SHARP,
        backdrop=float(extras.random()) if extras.random() < params.background_share else None,
    )


def _draw_lamps(params: RenderParams, rng: np.random.Generator) -> tuple[tuple[Lamp, ...], float]:
    """The lamps, and the share of the HDRI's light that is left with them."""
    kind = rng.random()
    if kind < params.indoor_share:
        return draw_indoor_lamps(rng), INDOOR_WORLD
    if kind < params.indoor_share + params.sun_share:
        return draw_sun(rng), 0.7
    return (), 1.0


def _draw_person(
    params: RenderParams, poses: Sequence[Pose], odds: PoseOdds | None, rng: np.random.Generator
) -> PersonSpec:
    if odds is None:
        pose, turn = _draw_pose(params, poses, rng), _draw_turn(rng)
    else:
        row, turn = odds.draw(rng)
        pose = poses[row]
    if rng.random() < 0.5:
        pose, turn = mirrored(pose), -turn
    phenotype = _draw_phenotype(rng)
    drawn = [jittered(pose, share * params.joint_jitter_deg, rng) for share in _JITTER_OF_DRAWS]
    return PersonSpec(
        phenotype=tuple(sorted(phenotype.items())),
        pose=drawn[0],
        look=draw_look(phenotype, rng, params.fabrics),
        turn_rad=turn,
        gap_m=float(rng.uniform(0.0, 0.4)),
        bearing_rad=float(rng.uniform(-0.5, np.pi / 2 + 0.4)),
        lift_m=float(rng.uniform(0.2, 1.0)) * pose.airborne,
        spares=(*drawn[1:], pose),
    )


def _draw_turn(rng: np.random.Generator) -> float:
    """Most people half face the camera, and some turn their backs."""
    return float(rng.normal(0, 0.7) if rng.random() < 0.7 else rng.uniform(-np.pi, np.pi))


def _draw_pose(params: RenderParams, poses: Sequence[Pose], rng: np.random.Generator) -> Pose:
    captured = bool(params.motion_share) and rng.random() < params.motion_share
    pool = [pose for pose in poses if (pose.family == MOTION_FAMILY) == captured]
    if not captured:
        wanted = rng.random() < params.extreme_share
        pool = [pose for pose in pool if pose.extreme == wanted] or pool
    return pool[int(rng.integers(len(pool)))]


def _draw_phenotype(rng: np.random.Generator) -> dict[str, float]:
    """Anny's parameters; age 1/3 is a child of about twelve, 2/3 a young adult, 1 an old one (MakeHuman's targets)."""
    ancestry = rng.dirichlet([0.6, 0.6, 0.6])
    return {
        "age": float(rng.uniform(0.3, 0.55) if rng.random() < 0.2 else rng.uniform(0.6, 0.98)),
        "gender": float(np.clip(rng.normal(0.1, 0.08) if rng.random() < 0.5 else rng.normal(0.9, 0.08), 0, 1)),
        "height": float(np.clip(rng.normal(0.47, 0.1), 0.25, 0.75)),
        "weight": float(np.clip(rng.normal(0.5, 0.2), 0.1, 0.95)),
        "muscle": float(np.clip(rng.normal(0.5, 0.2), 0.1, 0.95)),
        "proportions": float(rng.uniform(0.2, 0.8)),
        "african": float(ancestry[0]),
        "asian": float(ancestry[1]),
        "caucasian": float(ancestry[2]),
    }


def _draw_camera(params: RenderParams, rng: np.random.Generator) -> CameraSpec:
    truncated = rng.random() < params.truncation_share
    fill = rng.uniform(1.0, 1.6) if truncated else rng.uniform(0.6, 0.93)
    reach = 0.25 if truncated else (1 - fill) / 2 * 0.7
    ranges = params.camera
    return CameraSpec(
        focal_mm=float(np.exp(rng.uniform(*np.log(ranges.focal_mm)))),
        height_m=_draw_height(ranges, rng),
        fill=float(fill),
        shift=(float(rng.uniform(-reach, reach)), float(rng.uniform(-reach, reach))),
        roll_rad=float(np.deg2rad(_draw_around_middle(ranges.roll_deg, rng))),
        azimuth_rad=float(rng.uniform(-0.9, 0.9)),
        ranges=ranges,
    )


def _draw_height(ranges: CameraRanges, rng: np.random.Generator) -> float:
    """Draw a height: mostly around eye level, half and twice that equally rarely."""
    low, high = np.log(ranges.height_m)
    if low == high:
        return float(np.exp(low))
    return float(np.exp(rng.triangular(low, np.clip(np.log(EYE_LEVEL_M), low, high), high)))


def _draw_around_middle(values: tuple[float, float], rng: np.random.Generator) -> float:
    """Draw from a normal distribution whose range spans two standard deviations on either side, clipped to it."""
    low, high = values
    return float(np.clip(rng.normal((low + high) / 2, (high - low) / 4), low, high))


def _draw_occluder(rng: np.random.Generator) -> OccluderSpec:
    kind = _pick(OCCLUDERS, rng)
    low, high = PROP_SIZES_M[kind]
    width, depth, height = rng.uniform(low, high).tolist()
    red, green, blue = (rng.uniform(0.05, 0.6) * (0.4 + 0.6 * rng.random(3))).tolist()
    return OccluderSpec(
        kind=kind,
        size_m=(width, depth, height),
        colour=(red, green, blue),
        turn_rad=float(rng.normal(0, 0.5)),
        nearness=float(rng.uniform(0.15, 0.4)),
        aside_m=float(rng.normal(0, 0.35)),
    )


def _pick(options: Sequence[str], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]
