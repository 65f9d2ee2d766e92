"""Proving a device: one small image, in a process of its own, within a time limit."""

import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from dataengine.errors import EnvironmentFault
from dataengine.terminal.speech import say

from ..cycles.device import DeviceWish
from ..workers.ask import NoAnswer, ask

LIST_DEVICES = "dataengine.blender.devices.picture:list_devices"
RENDER_SMALL = "dataengine.blender.devices.picture:render_small"
_LIST_SECONDS = 120.0  # Blender is loaded for it
_SECONDS_BETWEEN_LOG_LINES = 20.0


@dataclass(frozen=True)
class ProofLimits:
    """Time limits of a device, seconds."""

    first_s: float
    """Limit of the first image, while kernels compile."""
    next_s: float
    """Limit of an image in a new process afterwards: the stage's time limit for an image."""


@dataclass(frozen=True)
class Proof:
    """Outcome of proving one device."""

    works: bool
    why: str
    """Why the device does not work, in a few words; empty if it does."""
    seconds: float
    """Time of the first image, including the start of Blender."""
    limit_s: float = 0.0
    """The time limit that the device ran into; 0 if time was not the reason."""


def devices_here(python: Path) -> dict[DeviceWish, list[str]]:
    """Types of GPU that Blender lists, the fastest first, with the devices' names."""
    devices: dict[DeviceWish, list[str]] = ask(python, LIST_DEVICES, {}, _LIST_SECONDS)
    return devices


def prove(device: DeviceWish, python: Path, limits: ProofLimits) -> Proof:
    """Let `device` render an image and, if that took long, another one in a new process.

    The second proves that the driver caches compiled kernels: if every worker had to compile them, none would ever
    finish an image within its time limit.
    """
    first = _picture(device, python, limits.first_s)
    if not first.works or first.seconds <= limits.next_s / 2:
        return first
    again = _picture(device, python, limits.next_s)
    if again.works:
        return first
    return Proof(False, f"a new process compiles its kernels again: {again.why}", first.seconds, limits.next_s)


def _picture(device: DeviceWish, python: Path, limit_s: float) -> Proof:
    began = time.monotonic()
    ticker = _Ticker(device, limit_s)
    try:
        ask(python, RENDER_SMALL, {"device": device}, limit_s, meanwhile=ticker.show)
    except NoAnswer as fault:
        why = f"no picture within {limit_s:g} s" if fault.timed_out else fault.got
        return Proof(False, why, time.monotonic() - began, limit_s if fault.timed_out else 0.0)
    except EnvironmentFault as fault:
        return Proof(False, str(fault), time.monotonic() - began)
    finally:
        ticker.end()
    return Proof(True, "", time.monotonic() - began)


class _Ticker:
    """One line rewritten every second in a terminal, a new line every 20 seconds in a log."""

    def __init__(self, device: str, limit_s: float) -> None:
        self._device, self._limit_s, self._shown_s = device, limit_s, 0.0
        self._is_terminal = sys.stderr.isatty()

    def show(self, seconds: float) -> None:
        """Say what the wait is for, `seconds` after its start."""
        text = f"render: waiting for the first image on {self._device}, which may have to compile its kernels: "
        text += f"{seconds:.0f} s of at most {self._limit_s:g}"
        if self._is_terminal:
            width = shutil.get_terminal_size().columns - 1
            print("\r" + text[:width].ljust(width), end="", file=sys.stderr, flush=True)
            self._shown_s = seconds
        elif seconds - self._shown_s >= _SECONDS_BETWEEN_LOG_LINES:
            say(text)
            self._shown_s = seconds

    def end(self) -> None:
        """Move to a new line of the terminal."""
        if self._is_terminal and self._shown_s:
            print(file=sys.stderr)
