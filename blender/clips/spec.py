"""What happens in one clip, as plain values: how each person moves, and how the camera moves. Needs no Blender.

`draw_clip` takes the people, light and floor of a scene and gives every person poses to move through. Like a scene, a
clip is a pure function of (params, seed, number).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dataengine.errors import ParamsError

from ..poses.library import MOTION_FAMILY, Pose, jittered, mirrored
from ..poses.motion import Motion
from ..scene.params import RenderParams
from ..scene.spec import CameraSpec, PersonSpec, SceneSpec, draw_scene

_FIRST_SCENE = 1_000_000  # beyond the scenes of images: no clip shows the people of a picture
_CLIP_STREAM = 1  # keeps a clip's own draws apart from those of scenes


@dataclass(frozen=True)
class ClipParams:
    """The number of clips, their length and their motion, from the options. Everything else is section `render`."""

    clips: int
    frames: int
    """Number of frames in each clip."""
    fps: float
    key_seconds: float
    """Seconds from one authored pose to the next; motion capture keeps its own timing."""
    moving_camera_share: float
    """Share of clips whose camera moves, 0 to 1."""
    speed_m_s: float
    """Highest speed at which a person drifts over the floor."""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("clips", 1, 10_000),
            ("frames", 2, 10_000),
            ("fps", 1, 240),
            ("key_seconds", 0.1, 60),
            ("moving_camera_share", 0, 1),
            ("speed_m_s", 0, 10),
        ):
            if not low <= getattr(self, name) <= high:
                got = repr(getattr(self, name))
                raise ParamsError(f"--{name.replace('_', '-')}", expected=f"{low} to {high}", got=got)

    @property
    def seconds(self) -> float:
        """Time from the first frame to the last."""
        return (self.frames - 1) / self.fps


@dataclass(frozen=True)
class Performer:
    """A person and the poses that it moves through, `key_seconds` apart."""

    person: PersonSpec
    keys: tuple[Pose, ...]
    key_seconds: float
    heading_rad: float
    speed_m_s: float


@dataclass(frozen=True)
class ClipSpec:
    """One clip: a scene whose people move, seen by a camera that moves from the scene's camera to `camera_end`."""

    scene: SceneSpec
    performers: tuple[Performer, ...]
    camera_end: CameraSpec


def draw_clip(
    params: RenderParams, clip: ClipParams, library: Sequence[Pose], motions: Sequence[Motion], number: int
) -> ClipSpec:
    """Clip `number`. The same arguments give the same clip."""
    poses = [*library, *(pose for motion in motions for pose in motion.poses)]
    scene = draw_scene(params, poses, _FIRST_SCENE + number)
    rng = np.random.default_rng([params.seed, number, _CLIP_STREAM])
    performers = tuple(
        _draw_performer(person, params, clip, library=library, motions=motions, rng=rng) for person in scene.people
    )
    if rng.random() >= clip.moving_camera_share:
        return ClipSpec(scene, performers, scene.camera)
    scene = replace(scene, backdrop=None)  # a photograph does not turn with the camera
    return ClipSpec(scene, performers, _draw_end(scene.camera, rng))


def camera_between(start: CameraSpec, end: CameraSpec, share: float) -> CameraSpec:
    """The camera between `start` (`share` 0) and `end` (`share` 1)."""

    def part(a: float, b: float) -> float:
        return (1 - share) * a + share * b

    return CameraSpec(
        focal_mm=part(start.focal_mm, end.focal_mm),
        height_m=part(start.height_m, end.height_m),
        fill=part(start.fill, end.fill),
        shift=(part(start.shift[0], end.shift[0]), part(start.shift[1], end.shift[1])),
        roll_rad=part(start.roll_rad, end.roll_rad),
        azimuth_rad=part(start.azimuth_rad, end.azimuth_rad),
        ranges=start.ranges,
    )


def _draw_performer(
    person: PersonSpec,
    params: RenderParams,
    clip: ClipParams,
    library: Sequence[Pose],
    motions: Sequence[Motion],
    rng: np.random.Generator,
) -> Performer:
    motion = next((each for each in motions if person.pose.name in {pose.name for pose in each.poses}), None)
    if person.pose.family == MOTION_FAMILY and motion is not None:
        keys, key_seconds = _captured(motion, person.pose.name, clip)
    else:
        keys, key_seconds = _authored(person.pose, params, clip, library, rng), clip.key_seconds
    heading, speed = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0, clip.speed_m_s))
    return Performer(person, keys, key_seconds, heading, speed)


def _captured(motion: Motion, first: str, clip: ClipParams) -> tuple[tuple[Pose, ...], float]:
    """The recording's poses from `first` on, back and forth if it is too short, and the time between two of them.

    About as many poses as the clip has frames: recordings often have five times as many.
    """
    stride = max(1, int(1 / clip.fps / motion.frame_seconds))
    key_seconds = stride * motion.frame_seconds
    count = math.ceil(clip.seconds / key_seconds) + 1
    start = [pose.name for pose in motion.poses].index(first)
    there_and_back = [*motion.poses, *motion.poses[-2:0:-1]]
    return tuple(there_and_back[(start + step * stride) % len(there_and_back)] for step in range(count)), key_seconds


def _authored(
    first: Pose, params: RenderParams, clip: ClipParams, library: Sequence[Pose], rng: np.random.Generator
) -> tuple[Pose, ...]:
    """`first`, then others of its family: what a person does in one go."""
    family = [pose for pose in library if pose.family == first.family]
    keys = [first]
    for _ in range(max(1, math.ceil(clip.seconds / clip.key_seconds))):
        others = [pose for pose in family if pose.name != keys[-1].name] or family
        pose = others[int(rng.integers(len(others)))]
        keys.append(jittered(mirrored(pose) if rng.random() < 0.5 else pose, params.joint_jitter_deg, rng))
    return tuple(keys)


def _draw_end(start: CameraSpec, rng: np.random.Generator) -> CameraSpec:
    """Draw where a moving camera comes to rest: around the people, nearer or farther, higher or lower."""
    return replace(
        start,
        azimuth_rad=start.azimuth_rad + float(rng.uniform(-0.6, 0.6)),
        height_m=start.height_m * float(rng.uniform(0.7, 1.4)),
        fill=start.fill * float(rng.uniform(0.7, 1.1)),
    )
