"""How many cores there are to use, and how OpenMP's threads wait for work. Loads nothing heavy."""

import os


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))
