"""Main memory: how much there is, and how much of it this process may use."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dataengine.hardware.control_groups import CGROUPS, MEMBERSHIP, memory_limits, read_text


@dataclass(frozen=True)
class Memory:
    """Main memory in bytes; None where the system does not say."""

    total_bytes: int | None
    """What the machine has."""
    limit_bytes: int | None
    """What this process may use: the total, or less where a container or a batch system says so."""
    free_bytes: int | None
    """What is left of the limit, without swapping."""


def read_memory() -> Memory:
    """The memory of this machine, and what this process may use of it."""
    total, free = parse_meminfo(read_text(Path("/proc/meminfo")))
    if total is None and "SC_PHYS_PAGES" in os.sysconf_names:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return bound_memory(total, free, read_text(MEMBERSHIP))


def parse_meminfo(text: str) -> tuple[int | None, int | None]:
    """(total, available without swapping) in bytes, from the text of /proc/meminfo."""
    entries = {key: value.split() for key, _, value in (line.partition(":") for line in text.splitlines())}
    total, free = ((entries.get(key) or [""])[0] for key in ("MemTotal", "MemAvailable"))
    return (int(total) * 1024 if total.isdigit() else None, int(free) * 1024 if free.isdigit() else None)


def bound_memory(total: int | None, free: int | None, membership: str, mount: Path = CGROUPS) -> Memory:
    """`total` and `free` bytes of a machine under the limits of the control groups in `membership`."""
    limits = list(memory_limits(membership, mount))
    most = min((limit for limit in (total, *(limit for limit, _ in limits)) if limit is not None), default=None)
    left = min((rest for rest in (free, *(rest for _, rest in limits)) if rest is not None), default=None)
    return Memory(total, most, left)


def peak_bytes(status: Path = Path("/proc/self/status")) -> int:
    """The most memory that this process has held (Linux).

    Not ``getrusage``'s figure: a program that is started inherits it from the process that started it, so a small one
    started by a large one would look large.
    """
    line = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
