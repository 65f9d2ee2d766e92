"""Processors of boards under qemu-user, each with the description of itself that libraries look for.

ONNX Runtime asks /proc/cpuinfo and /sys which processor it runs on, and qemu-user 7.2 lets it read those of the machine
outside: it crashes on an x86's, and takes instructions that the emulated processor lacks where another is described. So
each processor has a folder that stands for the root (`-L`), with its own description in it.
"""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dataengine.environments.virtual_environment import last_line, plain_environment
from dataengine.errors import EnvironmentFault

CORES = 2
SECONDS = 3600


@dataclass(frozen=True)
class EmulatedCpu:
    """What stands in /proc/cpuinfo of a board, and what it has for 8-bit products."""

    implementer: str
    part: str
    features: str
    boards: str
    int8: str

    def cpuinfo(self) -> str:
        """The file, for `CORES` cores."""
        rest = (
            f"CPU implementer\t: {self.implementer}\nCPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: {self.part}"
        )
        return "\n".join(
            f"processor\t: {core}\nFeatures\t: {self.features}\n{rest}\nCPU revision\t: 3\n" for core in range(CORES)
        )


_V8 = "fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid"
_V82 = f"{_V8} atomics fphp asimdhp asimdrdm lrcpc dcpop asimddp"
CPUS = {
    "cortex-a72": EmulatedCpu("0x41", "0xd08", _V8, "Raspberry Pi 4", "plain NEON"),
    "cortex-a76": EmulatedCpu(
        "0x41", "0xd0b", _V82, "Raspberry Pi 5; Jetson Orin's A78AE has the same", "dot products"
    ),
    "max": EmulatedCpu("0x00", "0x051", f"{_V82} sve i8mm bf16", "all that qemu knows", "8-bit matrix products"),
}
"""Name that qemu knows -> processor. The parts are those of Arm's MIDR_EL1."""


@dataclass(frozen=True)
class EmulatedMachine:
    """A Python for aarch64 with numpy and the runtimes."""

    emulator: Path
    prefixes: Path
    """Folder with a root for each of `CPUS`."""
    python: Path
    sites: tuple[Path, ...]
    """Folders of packages."""

    def run(self, cpu: str, arguments: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        """Run the Python on a processor of `CPUS`; what it prints and its exit code come back, whatever they are.

        Raises:
            EnvironmentFault: it died of a signal, or did not end.
        """
        command = [str(self.emulator), "-cpu", cpu, "-L", str(self.prefixes / cpu), str(self.python), *arguments]
        path = os.pathsep.join(map(str, self.sites))
        environment = plain_environment() | {"PYTHONPATH": path, "PYTHONNOUSERSITE": "1", "LC_ALL": "C.UTF-8"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # compiled once, its packages load faster
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, env=environment)
        except subprocess.TimeoutExpired as error:
            raise EnvironmentFault(f"Python on {cpu} did not end within {SECONDS} s") from error
        if done.returncode < 0:
            raise EnvironmentFault(f"Python on {cpu} died of signal {-done.returncode}", got=last_line(done.stderr))
        return done


def describe_cpus(root: Path, prefixes: Path) -> None:
    """Write a folder for each processor: links to what is in `root`, and the processor's description."""
    for name, cpu in CPUS.items():
        prefix = prefixes / name
        system = prefix / "sys/devices/system/cpu"
        system.mkdir(parents=True, exist_ok=True)
        (prefix / "proc").mkdir(exist_ok=True)
        (prefix / "proc/cpuinfo").write_text(cpu.cpuinfo(), encoding="utf-8")
        for file in ("possible", "present", "online"):
            (system / file).write_text(f"0-{CORES - 1}\n", encoding="utf-8")
        for entry in root.iterdir():
            _link(prefix / entry.name, entry)


def _link(place: Path, target: Path) -> None:
    """A link from `place`; one that leads elsewhere, since its cache was moved, is replaced."""
    if place.is_symlink():
        if place.readlink() == target:
            return
        place.unlink()
    place.symlink_to(target)
