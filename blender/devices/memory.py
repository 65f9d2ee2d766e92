"""Outcomes of proofs, kept for the next run: one small JSON file per user, next to the drivers' own caches of kernels.

An outcome belongs to a machine, its devices, its driver and Blender's version; a new driver is proved again. A damaged
file counts as none, and a folder that cannot be written costs one proof per run, not the run.
"""

import contextlib
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from dataengine.errors import EnvironmentFault, InputError
from dataengine.files import read_json, write_json
from dataengine.typed_record import RECORDS

from .driver import driver_version
from .proof import Proof

_MOST_ENTRIES = 64


def memory_file() -> Path:
    """``~/.cache/dataengine/render-devices.json``, or under ``XDG_CACHE_HOME``."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(cache) if cache else Path.home() / ".cache") / "dataengine" / "render-devices.json"


def key_of(device: str, names: Sequence[str], bpy: str) -> str:
    """The key that an outcome is stored under: one line of JSON, so that a person can read the file."""
    return json.dumps([platform.node(), driver_version(), f"bpy {bpy}", device, *names])


def recall(key: str, first_s: float) -> Proof | None:
    """The outcome stored for `key`; None if there is none, or if the limit is longer now than the one it ran into."""
    try:
        proof: Proof = RECORDS.value(Proof, _entries().get(key), "proof")
    except InputError:
        return None
    return None if proof.limit_s and first_s > proof.limit_s else proof


def remember(key: str, proof: Proof) -> None:
    """Store an outcome as the latest; the oldest are dropped."""
    entries = {name: entry for name, entry in _entries().items() if name != key}
    latest = [*entries.items(), (key, asdict(proof))][-_MOST_ENTRIES:]
    with contextlib.suppress(EnvironmentFault, OSError):
        write_json(memory_file(), dict(latest))


def _entries() -> dict[str, object]:
    try:
        entries = read_json(memory_file())
    except (InputError, OSError):
        return {}
    return entries if isinstance(entries, dict) else {}
