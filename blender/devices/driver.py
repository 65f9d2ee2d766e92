"""Whether this machine may have a GPU at all, and the version of its driver: read from the kernel, without Blender."""

import platform
import sys
from pathlib import Path

# Device nodes of the kernel's GPU drivers: NVIDIA, AMD, and both under WSL.
DRIVER_NODES = (Path("/dev/nvidiactl"), Path("/dev/kfd"), Path("/dev/dxg"))
_VERSIONS = (
    Path("/proc/driver/nvidia/version"),
    Path("/sys/module/nvidia/version"),
    Path("/sys/module/amdgpu/version"),
)


def may_have_gpu() -> bool:
    """False if there certainly is none, so that Blender need not be asked."""
    return sys.platform != "linux" or any(node.exists() for node in DRIVER_NODES)


def driver_version() -> str:
    """A text that changes with the driver: its version line, or the system's release if there is none.

    Outside Linux, drivers come with the system or cannot be identified without a library; the release stands for them.
    """
    for path in _VERSIONS:
        try:
            return path.read_text(encoding="utf-8").splitlines()[0].strip()
        except (OSError, IndexError, UnicodeDecodeError):
            continue
    return platform.platform()
