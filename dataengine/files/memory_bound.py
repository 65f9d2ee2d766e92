"""A bound on the memory that a piece of work may take."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PARSER_MEMORY_LEAST = 256 * 1024**2
"""What a parser may take however little it reads."""


@contextmanager
def bounded_memory(more_bytes: int) -> Iterator[None]:
    """Let the process grow by at most `more_bytes` inside the block; an allocation beyond raises a `MemoryError`.

    Linux only; elsewhere, and under a tighter limit set by the user, nothing changes.
    """
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit_bytes = pages * resource.getpagesize() + more_bytes
    if resource.RLIM_INFINITY not in (soft, hard) and limit_bytes >= min(soft, hard):
        yield
        return
    try:
        new_soft = limit_bytes if soft == resource.RLIM_INFINITY else min(soft, limit_bytes)
        resource.setrlimit(resource.RLIMIT_AS, (new_soft, hard))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
