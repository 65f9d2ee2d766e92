"""Threads next to other work: how OpenMP's threads wait, on which cores they run, how many cores there are.

PyTorch divides every operation among OpenMP's threads, and each waits for the others at its end. libgomp, which
PyTorch's wheels carry, waits by spinning for 300,000 rounds, about 6 ms: longer than the slice of time that a busy
machine gives a thread, so what waits keeps what works from its core. Measured with the default network in bf16 on two
cores, next to a process that keeps both busy (seconds a step; 0.11 alone, by any of the first four):

    libgomp as it is                                0.45 to 0.50; 7 to 11 among a dozen processes
    sleeping at once (OMP_WAIT_POLICY=passive)      0.34 to 0.80; 1.0 to 1.9 among a dozen
    3,000 rounds, 60 microseconds                   0.25 to 0.80
    3,000 rounds, each thread on a core of its own  0.25 to 0.31
    one thread                                      0.29 (0.19 alone)

`wait_briefly` has to be called before anything loads libgomp, so the command line does; `one_core_each` is for the time
of a fit. Neither changes what is computed, as another number of threads would.
"""

import ctypes
import os
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path

from dataengine.hardware.machine import usable_cores

SPIN_ROUNDS = 3_000
_SET_BY_USERS = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
_PINNED_BY_USERS = ("OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY")
_PINS = hasattr(os, "sched_setaffinity")
# before `one_core_each` narrows it for this thread
_CORES = frozenset(os.sched_getaffinity(0) if _PINS else range(os.cpu_count() or 1))


def available_cores() -> int:
    """Cores that this process may keep busy, whatever core this thread is kept on."""
    return usable_cores(len(_CORES))


def torch_threads() -> int:
    """Threads that PyTorch computes with in this process; another number gives other last bits."""
    import torch

    return torch.get_num_threads()


def wait_briefly(environment: MutableMapping[str, str] = os.environ) -> None:
    """Have libgomp's threads sleep soon where there is nothing to do, unless the user has said how they should wait."""
    if not any(name in environment for name in _SET_BY_USERS):
        environment["GOMP_SPINCOUNT"] = str(SPIN_ROUNDS)


def use_all_cores() -> None:
    """Free this thread from the core of the thread that started it; for threads started within `one_core_each`."""
    if _PINS:
        os.sched_setaffinity(0, _CORES)


@contextmanager
def one_core_each(openmp: Path) -> Iterator[bool]:
    """Keep each OpenMP thread of this thread's team on a core of its own; yields whether they are.

    The kernel may put two of them on one core and other work on the next, where each waits for the other. Only where
    there are as many threads as cores: fewer would be better off where there is room. `openmp` is the libgomp to use.
    """
    library = _library(openmp)
    if library is None or library.omp_get_max_threads() != len(_CORES) or len(_CORES) < 2:
        yield False
        return
    _run_on_team(library, [{core} for core in sorted(_CORES)])
    try:
        yield True
    finally:
        _run_on_team(library, [set(_CORES)] * len(_CORES))


def _library(openmp: Path) -> ctypes.CDLL | None:
    """libgomp where there is one, and nobody has decided on cores yet."""
    if not _PINS or not openmp.is_file() or any(name in os.environ for name in _PINNED_BY_USERS):
        return None
    return ctypes.CDLL(str(openmp))


def _run_on_team(library: ctypes.CDLL, cores_of_thread: list[set[int]]) -> None:
    """Have OpenMP thread i run on ``cores_of_thread[i]``.

    ``GOMP_parallel`` is what compilers call for ``#pragma omp parallel``: it runs a function in every thread of the
    team, and the team is the same for all operations that this thread starts.
    """

    @ctypes.CFUNCTYPE(None, ctypes.c_void_p)
    def move(_: int | None) -> None:
        os.sched_setaffinity(0, cores_of_thread[library.omp_get_thread_num()])

    library.GOMP_parallel(move, None, len(cores_of_thread), 0)
