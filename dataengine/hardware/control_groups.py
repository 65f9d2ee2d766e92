"""Control groups (cgroups): how much of the machine a container or a batch system leaves to this process.

`cpu_quota` and `memory_limits` read the groups that /proc/self/cgroup names, of version 1 and 2, down to the root:
the tightest counts. Files that are missing or unreadable are no limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
UNLIMITED_BYTES = 2**60
"""Version 1 writes "no limit" as the largest whole page below 2^63."""


def cpu_quota(membership: str, mount: Path = CGROUPS) -> float | None:
    """Cores' worth of time that the groups in `membership` (the text of /proc/self/cgroup) grant; None: no limit."""
    quotas = []
    for folder in _folders(membership, "cpu", mount):
        words = read_text(folder / "cpu.max").split() or [
            *read_text(folder / "cpu.cfs_quota_us").split(),
            *read_text(folder / "cpu.cfs_period_us").split(),
        ]
        if len(words) == 2 and all(word.isdigit() for word in words) and int(words[1]):  # "max" and -1: no limit
            quotas.append(int(words[0]) / int(words[1]))
    return min(quotas, default=None)


def memory_limits(membership: str, mount: Path = CGROUPS) -> Iterator[tuple[int, int]]:
    """(limit, bytes left) of each group that has a limit."""
    for folder in _folders(membership, "memory", mount):
        limit = _number(folder, "memory.max", "memory.limit_in_bytes")
        if limit is not None and limit < UNLIMITED_BYTES:
            yield limit, max(0, limit - _held(folder))


def read_text(path: Path) -> str:
    """The text of a file; "" where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _folders(membership: str, controller: str, mount: Path) -> Iterator[Path]:
    """The groups' folders that bind this process for `controller`, its own first.

    In a container the path may be the host's while only the group's own folder is mounted: it is then the root.
    """
    for line in membership.splitlines():
        controllers, _, path = line.partition(":")[2].partition(":")
        if controllers and controller not in controllers.split(","):
            continue
        names = (controllers, controller) if controllers else ("", "unified")
        for root in dict.fromkeys(mount / name for name in names):
            own = root / path.lstrip("/")
            yield from (folder for folder in (own, *own.parents) if folder.is_relative_to(root))


def _held(folder: Path) -> int:
    """Bytes that a group holds and cannot give back; files it has read and not lately used can be dropped."""
    used = _number(folder, "memory.current", "memory.usage_in_bytes") or 0
    pairs = (line.split() for line in read_text(folder / "memory.stat").splitlines())
    entries = {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
    droppable = entries.get("total_inactive_file", entries.get("inactive_file", "0"))
    return used - (int(droppable) if droppable.isdigit() else 0)


def _number(folder: Path, *names: str) -> int | None:
    """The whole number in the first of the files that holds one."""
    texts = (read_text(folder / name).strip() for name in names)
    return next((int(text) for text in texts if text.isdigit()), None)
