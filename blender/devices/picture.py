"""What a process that proves a device does: list devices, and render one small image. Runs in Blender's Python.

The image uses everything that the stage's images use, so that the same kernels are compiled: textures, relief,
subsurface scattering, an HDRI, a lamp, an open aperture, motion, and the denoiser. It is compared with the CPU's image:
a device that renders something else is of no use either.
"""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import EnvironmentFault

from ..cycles.device import DeviceWish, cycles_preferences, listed_devices
from ..cycles.observe import Light, observe
from ..cycles.process import import_bpy
from ..geometry.mesh import Mesh, Surface, boxes
from ..scene.camera import Camera, look_at
from ..scene.lamps import Lamp
from ..scene.lens import Lens

_SIZE_PX, _SAMPLES = 96, 4
_MOST_DIFFERENCE = 8.0  # of 255, mean over pixels; another device draws other random numbers
_LEAST_CONTRAST = 5.0  # standard deviation of the levels; that of a black or empty image is 0
_LENS = Lens(f_stop=4.0, focus_m=4.0, shake_rad=(0.01, 0.0), drift_m=((0.05, 0.0, 0.0),))
_LAMP = Lamp(kind="AREA", from_m=(0.0, -2.0, 2.0), onto_m=(0.0, 0.0, 0.0), power=60.0, size=0.5, colour=(1.0, 1.0, 1.0))


def list_devices() -> dict[str, list[str]]:
    """Types of GPU that Blender lists in this process, with the devices' names; see `listed_devices`."""
    return listed_devices(cycles_preferences(import_bpy()))


def render_small(device: DeviceWish) -> dict[str, Any]:
    """Render the image on the CPU and on `device`: returns the seconds that `device` took and the mean difference.

    Raises `EnvironmentFault` if the device's image is empty or differs from the CPU's.
    """
    reference = _picture("cpu")
    began = time.monotonic()
    seen = _picture(device)
    seconds = time.monotonic() - began
    difference = float(np.abs(seen.astype(np.float64) - reference).mean())
    judge(seen, difference)
    return {"seconds": seconds, "difference": difference}


def judge(seen: NDArray[np.uint8], difference: float) -> None:
    """Raise `EnvironmentFault` for an image (h, w, 3) that is empty or has a large mean `difference` from the CPU's."""
    if seen.std() < _LEAST_CONTRAST:
        raise EnvironmentFault("the picture is empty")
    if difference > _MOST_DIFFERENCE:
        raise EnvironmentFault(f"the picture is {difference:.0f} levels of 255 from the CPU's")


def _picture(device: DeviceWish) -> NDArray[np.uint8]:
    meshes = [
        _box("person", (0.0, 0.0, 0.5), (1.0, 1.0, 1.0), 1),
        _box("floor", (0.0, 0.0, -0.1), (20.0, 20.0, 0.2), 0),
    ]
    camera = Camera(_SIZE_PX, _SIZE_PX, 50.0, look_at(np.array([1.0, -4.0, 1.5]), np.array([0.0, 0.0, 0.4])))
    light = Light("studio", 0.0, 1.0, 0.0, (_LAMP,))
    return observe(meshes, camera, light, np.zeros((0, 3)), samples=_SAMPLES, device=device, lens=_LENS).image_bgr


def _box(name: str, centre: tuple[float, float, float], size: tuple[float, float, float], instance: int) -> Mesh:
    vertices, quads = boxes([(centre, size)])
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], dtype=np.float32)
    ramp = np.linspace(0.1, 0.9, 64, dtype=np.float32).reshape(8, 8)
    surface = Surface(np.stack([ramp, ramp.T, 1 - ramp], axis=-1), height=ramp, bump_m=0.02, subsurface=0.1)
    return Mesh(
        name=name,
        vertices_m=vertices,
        quads=quads,
        corner_uv=np.broadcast_to(corners, (len(quads), 4, 2)).copy(),
        surface_of_quad=np.zeros(len(quads), dtype=np.int32),
        surfaces=(surface,),
        instance=instance,
        rest_m=vertices if instance else None,
    )
