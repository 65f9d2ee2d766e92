"""The instructions a CPU has for products of 8 bits, which decide how fast an INT8 file runs on it."""

import platform
from pathlib import Path

WIDE_ENOUGH = {
    "amx_int8": "AMX",
    "avx512_vnni": "AVX512-VNNI",
    "avx_vnni": "AVX-VNNI",
    "i8mm": "I8MM",
    "asimddp": "ARM dot products",
}
"""Flags of /proc/cpuinfo, best first: four products of 8 bits are added in 32 bits by one instruction."""


def int8_instructions(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The best of `WIDE_ENOUGH` that this CPU has; "" where there is none, or the system does not tell."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    flags = {word for line in lines if line.startswith(("flags", "Features")) for word in line.split()}
    return next((name for flag, name in WIDE_ENOUGH.items() if flag in flags), "")


def describe_int8(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The same in words."""
    return int8_instructions(cpuinfo) or f"{platform.machine()} without VNNI"
