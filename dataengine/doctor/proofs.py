"""Reads the file in which `render` remembers which GPUs have rendered a picture.

Its entries are named by machine, driver, Blender and device: an outcome under another driver is another entry.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dataengine.hardware.control_groups import read_text

_DRIVERS = ("/proc/driver/nvidia/version", "/sys/module/nvidia/version", "/sys/module/amdgpu/version")


@dataclass(frozen=True)
class RememberedProof:
    """What became of a device when it was first tried."""

    works: bool
    why: str
    """Why it does not; empty where it does."""


def proofs_file() -> Path:
    """``~/.cache/dataengine/render-devices.json``, or under ``XDG_CACHE_HOME``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "dataengine" / "render-devices.json"


def read_proofs(devices: Mapping[str, Sequence[str]], bpy: str) -> dict[str, RememberedProof]:
    """Outcomes by device, of those that were tried with version `bpy`; `devices` are Blender's names of each type's."""
    try:
        entries = json.loads(read_text(proofs_file()))
    except (ValueError, RuntimeError):  # no file, a damaged one, or no home folder
        return {}
    found = {}
    for device, names in devices.items():
        key = json.dumps([platform.node(), driver_words(), f"bpy {bpy}", device, *names])
        entry = entries.get(key) if isinstance(entries, dict) else None
        if isinstance(entry, dict) and isinstance(entry.get("works"), bool):
            found[device] = RememberedProof(entry["works"], str(entry.get("why", "")))
    return found


def driver_words() -> str:
    """What the GPU's driver says of itself, in one line; the system's release where there is none."""
    lines = (line.strip() for path in _DRIVERS for line in read_text(Path(path)).splitlines()[:1])
    return next((line for line in lines if line), platform.platform())
