"""Section `render` of params.yaml: what the synthetic set is."""

from dataclasses import dataclass
from typing import get_args

from dataengine.errors import ParamsError

from .compute_device import DeviceWish


@dataclass(frozen=True)
class RenderParams:
    """Everything that decides what is rendered, and how many processes do it."""

    images: int
    """How many images; adding images keeps those that are there."""
    width_px: int
    height_px: int
    samples: int
    """Cycles samples a pixel, before denoising."""
    seed: int
    max_people: int
    """Between one and this many people stand in an image."""
    extreme_share: float
    """Share of people in a pose that poses.yaml calls extreme, 0 to 1."""
    motions: list[str]
    """BVH files; each of their frames is a pose."""
    motion_share: float
    """Share of people in a pose from `motions`, 0 to 1; the others take theirs from poses.yaml."""
    joint_jitter_deg: float
    """Standard deviation of what is added to an authored pose's limb directions, degrees."""
    occluder_share: float
    """Share of images with a thing standing between camera and people, 0 to 1."""
    truncation_share: float
    """Share of images whose camera is so close or so far aside that the frame cuts people off, 0 to 1."""
    workers: int
    """Processes, each with one thread: two of these are faster than one process with two threads."""
    device: DeviceWish
    """What Cycles computes on: auto takes the fastest that is there; a named one that is absent is an error."""
    max_skipped_share: float
    """Share of images that may fail before the stage does, 0 to 1."""
    image_timeout_s: float
    """An image that takes longer is given up, tried once more and then skipped."""
    images_per_worker: int
    """After so many images a process is replaced by a new one, because Blender leaks."""

    def __post_init__(self) -> None:
        _check_range(self, "images", 1, 1_000_000)
        for name in ("width_px", "height_px"):
            _check_range(self, name, 32, 4096)
        _check_range(self, "samples", 1, 4096)
        _check_range(self, "seed", 0, 2**31 - 1)
        _check_range(self, "max_people", 1, 6)
        _check_range(self, "joint_jitter_deg", 0, 30)
        _check_range(self, "workers", 1, 256)
        _check_range(self, "image_timeout_s", 1, 86_400)
        _check_range(self, "images_per_worker", 1, 1_000_000)
        for name in ("extreme_share", "motion_share", "occluder_share", "truncation_share", "max_skipped_share"):
            _check_range(self, name, 0, 1)
        if self.device not in get_args(DeviceWish):
            raise ParamsError("params render.device", expected=", ".join(get_args(DeviceWish)), got=repr(self.device))
        if self.motion_share and not self.motions:
            raise ParamsError("params render.motion_share", expected="BVH files in render.motions", got="none")


def _check_range(params: RenderParams, name: str, low: float, high: float) -> None:
    value = getattr(params, name)
    if not low <= value <= high:
        raise ParamsError(f"params render.{name}", expected=f"{low} to {high}", got=repr(value))
