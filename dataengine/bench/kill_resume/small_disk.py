"""A disk that can be full: a file system in memory whose size changes while it is mounted."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dataengine.errors import EnvironmentFault

_FIRST_BYTES = 1 << 30


@dataclass(frozen=True)
class SmallDisk:
    """A mounted disk."""

    place: Path

    def leave(self, room_bytes: int) -> None:
        """Make it as large as what it holds and `room_bytes` more."""
        _mount("-o", f"remount,size={shutil.disk_usage(self.place).used + room_bytes}", str(self.place))


@contextmanager
def small_disk(place: Path) -> Iterator[SmallDisk]:
    """Mount a disk at the folder `place`, empty; what the folder holds is hidden until it is gone.

    Raises:
        EnvironmentFault: nothing can be mounted here.
    """
    place.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={_FIRST_BYTES}", "tmpfs", str(place))
    try:
        yield SmallDisk(place)
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=False)


def _mount(*words: str) -> None:
    try:
        subprocess.run(["mount", *words], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        got = str(getattr(error, "stderr", "") or error).strip()
        raise EnvironmentFault("no disk can be mounted", expected="Linux and root", got=got) from error
