"""Loading Blender into this process, and keeping it quiet: what its module `bpy` does to a process that imports it.

Facts that cost hours to find out:

- when it is loaded, Blender starts a helper thread for every further core that it may use. While Cycles renders with
  its one thread, the helpers find no work and spin, which costs two workers on two cores a third of their speed;
- its colour management (OpenColorIO) caches its results for every exposure, 3 MB each, and never frees them: with an
  exposure drawn for every image that is a gigabyte in 350 images.

`import_bpy` raises `EnvironmentFault` if bpy is missing.
"""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from dataengine.errors import EnvironmentFault

from ..workers.interpreter import how_to_get_it

_KEEP_NO_EXPOSURES = "OCIO_DISABLE_PROCESSOR_CACHES"  # read when Blender is loaded; pixels stay the same


def import_bpy() -> Any:
    """Blender's Python module; `EnvironmentFault` says how to install it."""
    os.environ.setdefault(_KEEP_NO_EXPOSURES, "1")
    try:
        with _one_core():
            import bpy
    except ImportError as error:
        raise EnvironmentFault("rendering needs Blender's module 'bpy'", got=str(error), fix=how_to_get_it()) from error
    return bpy


@contextlib.contextmanager
def silent_stdout() -> Iterator[None]:
    """Send the process's standard output nowhere: Blender prints from C, which Python cannot redirect."""
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


@contextlib.contextmanager
def _one_core() -> Iterator[None]:
    """Let this thread see a single core for a while, where the system can say so (Linux)."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
