"""Versions in Blender's Python, read from the metadata of installed packages; runs in that Python."""

import platform
from importlib.metadata import PackageNotFoundError, version


def inventory() -> dict[str, str]:
    """Versions of Python, bpy and numpy; "" for what is not installed."""
    return {"python": platform.python_version(), "bpy": _version("bpy"), "numpy": _version("numpy")}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
