"""What Blender's Python has; run as a file by that interpreter, which needs nothing of this package.

With the word ``devices`` also the GPUs that Cycles lists. Prints one JSON object.
"""

import json
import platform
import sys
from importlib import import_module
from importlib.metadata import version
from typing import Any

GPU_TYPES = ("optix", "cuda", "hip", "metal")  # the fastest first


def describe(with_devices: bool) -> dict[str, Any]:
    """Versions, and the names of Cycles' devices by type."""
    bpy = import_module("bpy")  # by name: a module of that interpreter, not of this package's environment
    numpy = import_module("numpy")
    preferences = bpy.context.preferences.addons["cycles"].preferences if with_devices else None
    return {
        "python": platform.python_version(),
        "blender": bpy.app.version_string,
        "bpy": version("bpy"),
        "numpy": numpy.__version__,
        "devices": {name: _devices(preferences, name) for name in GPU_TYPES} if with_devices else {},
    }


def _devices(preferences: Any, name: str) -> list[str]:
    """Names of one type's devices. Blender refuses a type that it was built without by a TypeError."""
    try:
        preferences.compute_device_type = name.upper()
    except TypeError:
        return []
    preferences.get_devices()
    return [device.name for device in preferences.devices if device.type == name.upper()]


if __name__ == "__main__":
    print(json.dumps(describe("devices" in sys.argv[1:])))
