"""Section `render` of params.yaml: what is rendered, and by how many processes."""

from dataclasses import dataclass, field, fields
from typing import Literal, get_args

from dataengine.errors import ParamsError
from dataengine.params import require_seed, require_within

from ..clothes.appearance import FABRICS

DeviceWish = Literal["auto", "cpu", "optix", "cuda", "hip", "metal"]
_CAMERA_BOUNDS = {
    "focal_mm": (8, 400),
    "height_m": (0.05, 150),
    "pitch_deg": (-85, 85),
    "roll_deg": (-180, 180),
    "distance_m": (0.3, 200),
}


@dataclass(frozen=True)
class CameraRanges:
    """Section `render.camera`: ranges [low, high] of the cameras, which reach from a selfie's to a drone's."""

    focal_mm: tuple[float, float] = (24.0, 85.0)
    """On a 36 mm wide sensor; phones have 22 to 28."""
    height_m: tuple[float, float] = (0.25, 4.0)
    """Above the floor; drawn around eye level where the range holds it."""
    pitch_deg: tuple[float, float] = (-60.0, 35.0)
    """Downwards to the people; it limits the height, and where `height_m` does not allow that, turns the camera."""
    roll_deg: tuple[float, float] = (-5.0, 5.0)
    distance_m: tuple[float, float] = (0.8, 60.0)
    """Along the floor to the middle of the people. Within the range people fill the frame; a narrow range cuts them off
    or makes them small."""

    def __post_init__(self) -> None:
        for name, (low, high) in _CAMERA_BOUNDS.items():
            first, last = getattr(self, name)
            if not low <= first <= last <= high:
                raise ParamsError(
                    name,
                    expected=f"[low, high] within {low} to {high}",
                    got=f"[{first:g}, {last:g}]",
                )


@dataclass(frozen=True)
class RenderParams:
    """Everything that decides what is rendered, and how many processes do it."""

    images: int
    """Number of images; raising it keeps the images already there."""
    width_px: int
    height_px: int
    samples: int
    """Cycles samples per pixel, before denoising."""
    seed: int
    max_people: int
    """Highest number of people in an image."""
    extreme_share: float
    """Share of people in a pose marked `extreme` in poses.yaml, 0 to 1."""
    motions: list[str]
    """BVH files; each of their frames is a pose."""
    motion_share: float
    """Share of people in a pose from `motions`, 0 to 1; the others take theirs from poses.yaml."""
    joint_jitter_deg: float
    """Standard deviation of the noise added to an authored pose's limb directions, degrees."""
    occluder_share: float
    """Share of images with a thing between camera and people, 0 to 1."""
    truncation_share: float
    """Share of images whose camera is so close or so far aside that the frame cuts people off, 0 to 1."""
    workers: int
    """Number of processes, each with one thread: two processes are faster than one with two threads."""
    device: DeviceWish
    """Device that Cycles renders on: auto takes the fastest that renders an image here; naming one that does not, or
    that is absent, is an error."""
    max_skipped_share: float
    """Share of images that may fail without failing the stage, 0 to 1."""
    image_timeout_s: float
    """Time limit of an image; one that exceeds it is tried once more and then skipped."""
    images_per_worker: int
    """Number of images after which a process is replaced by a new one: a guard against memory that Blender may leak."""
    device_proof_s: float = 600.0
    """Time limit of the first image on a GPU, while its kernels compile; beyond it the CPU is used."""
    known_poses: str = ""
    """File of `dataengine freeze-clusters`; poses and views that its people rarely show are drawn more. "": all alike.

    A frozen file rather than this run's data, so that images that took hours stay until somebody wants new ones, and
    experiments with other splits or fewer labels learn from the same images.
    """
    rarity_power: float = 2.0
    """A pose in a view is drawn in proportion to this power of its rarity among `known_poses`; 0: all alike."""
    python: str = ""
    """Path of a Python that has Blender's module; empty: that of `.venv-blender`, which set-up makes."""
    min_people: int = 1
    """Lowest number of people in an image."""
    camera: CameraRanges = field(default_factory=CameraRanges)
    hdris: list[str] = field(default_factory=list)
    """Your own .exr or .hdr files, drawn as often as each of Blender's eight."""
    backgrounds: str = ""
    """Folder of photographs that stand behind the people instead of floor and sky."""
    background_share: float = 0.0
    """Share of images with one of `backgrounds` behind the people, 0 to 1."""
    indoor_share: float = 0.0
    """Share of images lit by lamps under a ceiling, with little light from outside, 0 to 1."""
    sun_share: float = 0.0
    """Share of images with a sun in addition to the HDRI's light, 0 to 1."""
    defocus_share: float = 0.0
    """Share of images with the depth of field of an open aperture, 0 to 1."""
    fabrics: list[str] = field(default_factory=list)
    """Patterns of clothes that are drawn, of those in clothes/appearance.py: plain, plaid, ... Empty: all."""
    motion_blur_share: float = 0.0
    """Share of images whose camera shakes and whose people move while the shutter is open, 0 to 1."""

    def __post_init__(self) -> None:
        require_within(self, "images", 1, 1_000_000)
        for name in ("width_px", "height_px"):
            require_within(self, name, 32, 4096)
        require_within(self, "samples", 1, 4096)
        require_seed(self)
        require_within(self, "max_people", 1, 6)
        require_within(self, "min_people", 1, self.max_people)
        require_within(self, "joint_jitter_deg", 0, 30)
        require_within(self, "workers", 1, 256)
        require_within(self, "image_timeout_s", 1, 86_400)
        require_within(self, "images_per_worker", 1, 1_000_000)
        require_within(self, "device_proof_s", 1, 86_400)
        require_within(self, "rarity_power", 0, 10)
        for name in (each.name for each in fields(self) if each.name.endswith("_share")):
            require_within(self, name, 0, 1)
        if self.indoor_share + self.sun_share > 1:
            raise ParamsError("sun_share", expected="at most 1 with indoor_share", got=str(self.sun_share))
        if unknown := sorted(set(self.fabrics) - set(FABRICS)):
            raise ParamsError("fabrics", expected=", ".join(FABRICS), got=unknown[0])
        if self.background_share and not self.backgrounds:
            raise ParamsError("background_share", expected="a folder in render.backgrounds", got="none")
        if self.device not in get_args(DeviceWish):
            raise ParamsError("device", expected=", ".join(get_args(DeviceWish)), got=repr(self.device))
        if self.motion_share and not self.motions:
            raise ParamsError("motion_share", expected="BVH files in render.motions", got="none")
