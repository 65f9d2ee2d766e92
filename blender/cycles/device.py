"""Which device Cycles renders on: what `render.device` asks for, against what this machine has.

Choosing a type that is not there raises no error in Blender, which then renders on the CPU without a word; so the list
of devices is read after `get_devices()`. Two devices round differently: the one found is part of an image's
fingerprint. `resolve_device` is for the parent, which does not load Blender; the others take Blender's objects.
"""

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from dataengine.errors import EnvironmentFault

from ..scene.params import DeviceWish

GPU_TYPES: tuple[DeviceWish, ...] = ("optix", "cuda", "hip", "metal")  # the fastest first
# What the kernel shows where it drives a GPU: NVIDIA, AMD, and both under Windows' Linux.
_DRIVER_NODES = (Path("/dev/nvidiactl"), Path("/dev/kfd"), Path("/dev/dxg"))


def resolve_device(wish: DeviceWish) -> DeviceWish:
    """The device to render on, "cpu" or one of `GPU_TYPES`. Asks Blender, in a process of its own, only if it must.

    Raises `EnvironmentFault` for a device asked for by name that is not there.
    """
    if wish == "cpu" or (wish == "auto" and not _may_have_gpu()):
        return "cpu"
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_ask_blender, wish).result()


def choose_device(preferences: Any, wish: DeviceWish) -> DeviceWish:
    """As `resolve_device`, from Cycles' preferences: the first GPU type with a device for "auto", else the CPU."""
    found = [name for name in (GPU_TYPES if wish == "auto" else (wish,)) if devices_of_type(preferences, name)]
    if found:
        return found[0]
    if wish == "auto":
        return "cpu"
    there = [name for name in GPU_TYPES if devices_of_type(preferences, name)]
    raise EnvironmentFault(
        f"no {wish} device for render.device",
        expected=f"one of {', '.join(['auto', 'cpu', *there])}, which this machine has",
        got=wish,
        mend="set render.device: auto, or install the GPU's driver",
    )


def devices_of_type(preferences: Any, name: str) -> list[Any]:
    """Cycles' devices of one of `GPU_TYPES`, which becomes the current type; none where Blender lacks it."""
    try:
        preferences.compute_device_type = name.upper()
    except TypeError:
        return []
    preferences.get_devices()
    return [device for device in preferences.devices if device.type == name.upper()]


def use_device(preferences: Any, cycles: Any, device: DeviceWish) -> None:
    """Make Cycles render, and denoise, on `device` alone; one that is gone is an `EnvironmentFault`."""
    cycles.device = "CPU" if device == "cpu" else "GPU"
    cycles.denoising_use_gpu = device != "cpu"
    if device == "cpu":
        return
    chosen = devices_of_type(preferences, choose_device(preferences, device))
    for entry in preferences.devices:
        entry.use = entry in chosen


def cycles_preferences(bpy: Any) -> Any:
    """Cycles' add-on preferences, which hold the devices."""
    return bpy.context.preferences.addons["cycles"].preferences


def _may_have_gpu() -> bool:
    return sys.platform != "linux" or any(node.exists() for node in _DRIVER_NODES)


def _ask_blender(wish: DeviceWish) -> DeviceWish:
    from .process import import_bpy

    return choose_device(cycles_preferences(import_bpy()), wish)
