"""What the tests have workers build. Imported in the worker, by any Python; needs no packages."""

import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataengine.blender.batch.paths import ImagePaths
from dataengine.errors import EnvironmentFault
from dataengine.files import atomic_path, sha256_file, write_json


class Notebook:
    """Writes a file for every image it is asked for, and fails as told by pairs of an index and a way to fail."""

    def __init__(self, folder: Path, fails: list[tuple[int, str]]) -> None:
        self.folder, self.fails = folder, dict(fails)

    def make(self, index: int) -> None:
        tries = len(list(self.folder.glob(f"{index}.*")))
        (self.folder / f"{index}.{tries}").write_text(str(os.getpid()))
        failure = self.fails.get(index, "")
        if failure == "raise" or (failure == "raise once" and tries == 0):
            raise ValueError("bad scene")
        if failure == "die" or (failure == "die once" and tries == 0):
            os._exit(7)
        if failure == "hang" or (failure == "hang once" and tries == 0):
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})  # as deaf as Cycles
            time.sleep(300)
        if failure == "slow":
            time.sleep(0.4)
        if failure == "full disk":
            with atomic_path(self.folder / "image.png") as partial:
                partial.write_bytes(b"some of it")
                Path("/dev/full").write_bytes(b"the rest")


class Unbuildable:
    """Fails before the first image."""

    def __init__(self, how: str) -> None:
        if how == "die":
            os._exit(9)
        raise EnvironmentFault("no Blender here") if how == "fault" else KeyError("broken cache")

    def make(self, index: int) -> None: ...


class Marking:
    """Writes images that say who made them."""

    def __init__(self, out: Path, mark: str, fails_from: int) -> None:
        self.out, self.mark, self.fails_from = out, mark, fails_from

    def make(self, index: int) -> None:
        if index >= self.fails_from:
            raise EnvironmentFault("no more")
        paths = ImagePaths.of(self.out, index)
        paths.image.write_text(f"{self.mark} {index}")
        write_json(paths.sidecar, {"fingerprint": self.mark, "image_sha256": sha256_file(paths.image)})


class Surroundings:
    """Reports on the process that it runs in."""

    def make(self, index: int) -> dict[str, Any]:
        return {
            "threads": [os.environ[name] for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")],
            "pythonpath": os.environ.get("PYTHONPATH"),
            "path": sys.path,
            "session": os.getsid(0) == os.getpid(),
            "interrupts": signal.getsignal(signal.SIGINT) == signal.SIG_IGN,
            "executable": sys.executable,
        }


@dataclass(frozen=True)
class Range:
    """Nested plain values."""

    low_high: tuple[float, float]
    names: list[str]
    note: str | None = None


class Echo:
    """Reports what it was built with."""

    def __init__(self, place: Path, span: Range, ranges: list[Range], share: float = 0.5) -> None:
        self.held = place, span, ranges, share

    def make(self, index: int) -> str:
        return repr(self.held)


def add(first: float, second: float) -> float:
    """For `ask`."""
    return first + second


def misbehave(how: str, folder: str) -> None:
    """For `ask`: raise, fault, die with words or hang."""
    (Path(folder) / ".pid").write_text(str(os.getpid()))
    (Path(folder) / ".pid").rename(Path(folder) / "pid")
    if how == "raise":
        raise ValueError("no such light")
    if how == "fault":
        raise EnvironmentFault("no device", expected="one of cpu", got="optix", fix="set auto")
    if how == "die":
        print("out of memory", file=sys.stderr, flush=True)
        os._exit(3)
    time.sleep(300)


def fake_devices() -> dict[str, list[str]]:
    """In the place of Blender's list: what the environment says."""
    found: dict[str, list[str]] = json.loads(os.environ["FAKE_DEVICES"])
    return found


def fake_picture(device: str) -> dict[str, float]:
    """In the place of Blender's picture: notes that it was asked, and behaves as the environment says of the device.

    That is one word for every time it is asked, the last for all further times. What takes long moves the test's clock
    instead of waiting.
    """
    with Path(os.environ["FAKE_NOTES"]).open("a") as notes:
        notes.write(f"{device}\n")
    asked = Path(os.environ["FAKE_NOTES"]).read_text().split().count(device)
    ways = os.environ[f"FAKE_{device.upper()}"].split()
    how = ways[min(asked, len(ways)) - 1]
    if how in ("late", "hang"):
        with Path(os.environ["FAKE_CLOCK"]).open("a") as clock:
            clock.write("100\n" if how == "late" else "1000\n")
    if how == "hang":
        time.sleep(300)
    if how == "crash":
        print("CUDA error: illegal address", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGSEGV)
    if how == "empty":
        raise EnvironmentFault("the picture is empty")
    return {"seconds": 0.1, "difference": 0.5}
