"""Patches held in memory, packed into a few large blocks.

A fit keeps tens of thousands of patches. Allocated one by one, each would touch 40 fresh pages of 4 KB, and the kernel
takes longer to hand them over than OpenCV takes to cut the patch; numpy asks for pages of 2 MB for a large block.
"""

import threading
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dataengine.crops.training.patch import Patch

_BLOCK_BYTES = 1 << 25


class PatchMemory:
    """Patches by row, at most `limit_bytes` of pixels. Safe to use from several threads."""

    def __init__(self, limit_bytes: int) -> None:
        self._room_bytes = limit_bytes
        self._patches: dict[int, Patch] = {}
        self._taken: set[int] = set()  # rows that have a place, though another thread may still be filling it
        self._free: NDArray[np.uint8] = np.empty(0, dtype=np.uint8)  # of the newest block
        self._lock = threading.Lock()

    @property
    def is_full(self) -> bool:
        """Whether nothing more will be kept."""
        return self._room_bytes <= 0

    def get(self, row: int) -> Patch | None:
        """The patch, or None if it was not kept."""
        return self._patches.get(row)

    def keep(self, row: int, patch: Patch) -> None:
        """Keep a copy of the patch if there is room for it."""
        with self._lock:
            if row in self._taken or patch.pixels.nbytes > self._room_bytes:
                return
            self._taken.add(row)
            place = self._reserved(patch.pixels.nbytes).reshape(patch.pixels.shape)
        place[:] = patch.pixels
        self._patches[row] = replace(patch, pixels=place)

    def _reserved(self, count: int) -> NDArray[np.uint8]:
        if len(self._free) < count:
            self._free = np.empty(max(count, min(_BLOCK_BYTES, self._room_bytes)), dtype=np.uint8)
        reserved, self._free = self._free[:count], self._free[count:]
        self._room_bytes -= count
        return reserved
