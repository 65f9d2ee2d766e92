"""What this machine is: its processor and instruction sets, the cores a process may use, the code that ran on it.

`machine` and `code_revision` are recorded with results; for memory and GPUs see `dataengine.hardware`. Standard library
only: nothing needs to be installed, and what the system does not report is left empty, never an error.
"""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

from dataengine.hardware.control_groups import MEMBERSHIP, cpu_quota, read_text

X86_INSTRUCTIONS = {
    "avx2": "AVX2",
    "avx512f": "AVX512F",
    "avx512_bf16": "AVX512-BF16",
    "avx512_vnni": "AVX512-VNNI",
    "avx_vnni": "AVX-VNNI",
    "amx_bf16": "AMX-BF16",
    "amx_int8": "AMX-INT8",
}
"""Word in /proc/cpuinfo's `flags` -> instruction set, of those that decide how fast or how exact a network runs."""
ARM_INSTRUCTIONS = {"asimddp": "dotprod", "i8mm": "i8mm", "bf16": "bf16"}
"""The same for `Features` of an ARM processor."""
BF16_INSTRUCTIONS = frozenset({"AVX512-BF16", "AMX-BF16", "bf16"})
INT8_INSTRUCTIONS = ("AMX-INT8", "AVX512-VNNI", "AVX-VNNI", "i8mm", "dotprod")  # best first
# "CPU part" of ARM Ltd. (implementer 0x41), the only name that a server's cores have; from util-linux,
# sys-utils/lscpu-arm.c.
ARM_PARTS = {"0xd0c": "Neoverse N1", "0xd40": "Neoverse V1", "0xd49": "Neoverse N2", "0xd4f": "Neoverse V2"}

_SECONDS_FOR_GIT = 60


@dataclass(frozen=True)
class Processor:
    """The processor's name, and what it can compute with."""

    name: str
    architecture: str
    """What `platform.machine` returns: x86_64, aarch64."""
    instructions: tuple[str, ...]
    """Those of `X86_INSTRUCTIONS` or `ARM_INSTRUCTIONS` that it has, in that order; empty if none is reported."""

    @property
    def multiplies_bf16(self) -> bool:
        """Products of bfloat16 in hardware; without it they are emulated in FP32, several times slower than FP32."""
        return bool(BF16_INSTRUCTIONS.intersection(self.instructions))

    @property
    def int8_unit(self) -> str:
        """The best instruction set that adds 8-bit products in 32 bits; "" without one.

        Without it INT8 is hardly faster than FP32, and sums of signed products saturate at 16 bits.
        """
        return next((name for name in INT8_INSTRUCTIONS if name in self.instructions), "")


def machine() -> str:
    """Processor, cores this process may use, and Python: what a timing depends on most."""
    return f"{read_processor().name}, {usable_cores()} cores, Python {platform.python_version()}"


def code_revision() -> str:
    """Commit of the working folder, with ``+`` where tracked files differ from it; "" outside git."""
    head = _git("rev-parse", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return "" if head is None or changed is None else head + ("+" if changed else "")


def read_processor() -> Processor:
    """The processor of this machine."""
    fallback = platform.processor() or platform.machine()
    return parse_cpuinfo(read_text(Path("/proc/cpuinfo")), platform.machine(), fallback)


def parse_cpuinfo(text: str, architecture: str, fallback: str = "") -> Processor:
    """A processor from /proc/cpuinfo; `fallback` is its name where the text has none."""
    entries: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        entries.setdefault(key.strip(), value.strip())
    words = frozenset((entries.get("flags", "") + " " + entries.get("Features", "")).split())
    instruction_names = ARM_INSTRUCTIONS if "Features" in entries else X86_INSTRUCTIONS
    part = ARM_PARTS.get(entries.get("CPU part", "")) if entries.get("CPU implementer") == "0x41" else None
    name = entries.get("model name") or part or fallback or architecture
    return Processor(name, architecture, tuple(label for word, label in instruction_names.items() if word in words))


def usable_cores(bound: int | None = None) -> int:
    """Cores this process may keep busy: those it is bound to, or fewer where a control group grants less time.

    `bound` is how many it is bound to, for callers that know better than this thread.
    """
    if bound is None:
        bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cpu_quota(read_text(MEMBERSHIP))
    return bound if quota is None else max(1, min(bound, int(quota)))


def _git(*words: str) -> str | None:
    """What git prints; None where it fails or is not installed."""
    try:
        done = subprocess.run(["git", *words], capture_output=True, text=True, check=True, timeout=_SECONDS_FOR_GIT)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
