"""What blurs an image: an open aperture, and motion while the shutter is open.

Labels are those of the middle of the exposure, in focus: masks come from a second, sharp pass of one sample, because in
a blurred image the object index of a pixel is that of a random ray.
"""

from dataclasses import dataclass

import numpy as np

Way = tuple[float, float, float]


@dataclass(frozen=True)
class Lens:
    """A lens and a shutter. The default is sharp."""

    f_stop: float | None = None
    """Aperture that sets the depth of field; None for everything in focus."""
    focus_m: float = 3.0
    """Distance at which the image is in focus."""
    shake_rad: tuple[float, float] = (0.0, 0.0)
    """How far the camera turns to the side and up while the shutter is open."""
    drift_m: tuple[Way, ...] = ()
    """How far each person moves while the shutter is open."""

    @property
    def is_moving(self) -> bool:
        """Whether anything moves while the shutter is open."""
        return any(self.shake_rad) or bool(self.drift_m)

    @property
    def is_sharp(self) -> bool:
        """Whether nothing is blurred."""
        return self.f_stop is None and not self.is_moving


SHARP = Lens()


def draw_lens(defocus: bool, moving: bool, people: int, focal_mm: float, rng: np.random.Generator) -> Lens:
    """Draw a lens: an open aperture if `defocus`, a shaking camera and people if `moving`. layout.py focuses it."""
    shake: tuple[float, float] = (0.0, 0.0)
    drift: tuple[Way, ...] = ()
    if moving:
        frame_rad = 36.0 / focal_mm
        side, up = (rng.normal(0, 0.008, 2) * frame_rad).tolist()  # about one percent of the frame
        shake = (side, up)
        drift = tuple(_draw_drift(rng) for _ in range(people))
    return Lens(f_stop=float(rng.uniform(1.2, 2.8)) if defocus else None, shake_rad=shake, drift_m=drift)


def _draw_drift(rng: np.random.Generator) -> Way:
    x, y, z = (rng.normal(0, 1, 3) * [0.02, 0.02, 0.008]).tolist()  # two metres a second for a hundredth of one
    return x, y, z
