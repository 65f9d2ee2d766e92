"""Main memory and disk, against what set-up and the default run need."""

from __future__ import annotations

from .facts import Facts
from .lines.check_result import CheckResult

# Measured with the default params on two cores without a GPU. Memory is the most while the body model is built, once;
# the two environments are 4.5 GB, and pip unpacks what it installs next to them.
MEMORY_BYTES = 4_000_000_000
SET_UP_BYTES = 6_000_000_000
RUN_BYTES = 1_000_000_000


def check_memory(facts: Facts) -> CheckResult:
    """Memory that this process may use."""
    memory = facts.memory
    limited = None not in (memory.limit_bytes, memory.total_bytes) and memory.limit_bytes != memory.total_bytes
    total = f" of {gigabytes(memory.total_bytes)}" if limited else ""
    found = f"{gigabytes(memory.limit_bytes)}{total}, {gigabytes(memory.free_bytes)} free"
    used = f"a default run needs {gigabytes(MEMORY_BYTES)}"
    if memory.limit_bytes is not None and memory.limit_bytes < MEMORY_BYTES:
        fix = "raise the limit of the container or job" if limited else "use a machine with more memory"
        return CheckResult("memory", "fault", found, used, fix)
    if memory.free_bytes is not None and memory.free_bytes < MEMORY_BYTES:
        return CheckResult("memory", "note", found, used, "end other programs first")
    return CheckResult("memory", "ok", found, used)


def check_disk(facts: Facts) -> CheckResult:
    """Room on the disks of the project's folders."""
    disk = facts.disk
    set_up = facts.project.set_up == "yes"
    need = RUN_BYTES if set_up else SET_UP_BYTES + RUN_BYTES
    found = f"{gigabytes(disk.free_bytes)} free in {disk.folder}"
    used = f"{'a default run takes' if set_up else 'set-up and a default run take'} {gigabytes(need)}"
    if not disk.writable:
        found = f"no permission to write in {disk.folder}"
        return CheckResult("disk", "fault", found, used, "give it, or use another folder")
    if disk.free_bytes is not None and disk.free_bytes < need:
        return CheckResult(
            "disk", "fault", found, used, "make room, or link data/, models/ and .dvc/cache to another disk"
        )
    return CheckResult("disk", "ok", found, used)


def gigabytes(count: int | None) -> str:
    """Such as "23.5 GB"; "size not known" for None."""
    return "size not known" if count is None else f"{count / 1e9:.1f} GB"
