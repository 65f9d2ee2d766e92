"""Which device Cycles renders on: the one that `render.device` asks for, if this machine has it.

Choosing a type that is not there raises no error in Blender, which then silently renders on the CPU; so the list of
devices is read after `get_devices()`. Devices round differently, so the device is part of an image's fingerprint. The
functions here take Blender's objects; which device a run uses is decided in devices/resolve.py.
"""

from collections.abc import Sequence
from typing import Any

from dataengine.errors import EnvironmentFault

from ..scene.params import DeviceWish

GPU_TYPES: tuple[DeviceWish, ...] = ("optix", "cuda", "hip", "metal")  # the fastest first


def no_such_device(wish: DeviceWish, there: Sequence[str]) -> EnvironmentFault:
    """The fault of asking for a device that this machine lacks; `there` lists the types that it has."""
    return EnvironmentFault(
        f"no {wish} device for render.device",
        expected=f"one of {', '.join(['auto', 'cpu', *there])}, which this machine has",
        got=wish,
        fix="set render.device: auto, or install the GPU's driver",
    )


def devices_of_type(preferences: Any, name: str) -> list[Any]:
    """Cycles' devices of one of `GPU_TYPES`, which becomes the current type; none if Blender lacks the type."""
    try:
        preferences.compute_device_type = name.upper()
    except TypeError:
        return []
    preferences.get_devices()
    return [device for device in preferences.devices if device.type == name.upper()]


def listed_devices(preferences: Any) -> dict[str, list[str]]:
    """The types of `GPU_TYPES` that this machine has a device of, the fastest first, with the devices' names."""
    found = {kind: [str(device.name) for device in devices_of_type(preferences, kind)] for kind in GPU_TYPES}
    return {kind: names for kind, names in found.items() if names}


def use_device(preferences: Any, cycles: Any, device: DeviceWish) -> None:
    """Make Cycles render and denoise on `device` alone; `EnvironmentFault` if it is gone."""
    cycles.device = "CPU" if device == "cpu" else "GPU"
    cycles.denoising_use_gpu = device != "cpu"
    if device == "cpu":
        return
    chosen = devices_of_type(preferences, device)
    if not chosen:
        raise no_such_device(device, tuple(listed_devices(preferences)))
    for entry in preferences.devices:
        entry.use = entry in chosen


def cycles_preferences(bpy: Any) -> Any:
    """Cycles' add-on preferences, which hold the devices."""
    return bpy.context.preferences.addons["cycles"].preferences
