"""Whether this machine may have a GPU at all, and its driver's version: from the kernel, without loading Blender."""

import platform
import sys
from pathlib import Path

# What the kernel shows where it drives a GPU: NVIDIA, AMD, and both under Windows' Linux.
DRIVER_NODES = (Path("/dev/nvidiactl"), Path("/dev/kfd"), Path("/dev/dxg"))
_VERSIONS = (
    Path("/proc/driver/nvidia/version"),
    Path("/sys/module/nvidia/version"),
    Path("/sys/module/amdgpu/version"),
)


def may_have_gpu() -> bool:
    """False where it is certain that there is none, so that nobody need ask Blender."""
    return sys.platform != "linux" or any(node.exists() for node in DRIVER_NODES)


def driver_version() -> str:
    """What tells one driver from the next: its own words, or the system's release where it has none.

    Outside Linux drivers come with the system, or are not known without a library; then the release stands for them.
    """
    for path in _VERSIONS:
        try:
            return path.read_text(encoding="utf-8").splitlines()[0].strip()
        except (OSError, IndexError, UnicodeDecodeError):
            continue
    return platform.platform()
