"""CUDA devices: those that the driver knows, and those that PyTorch can use."""

from __future__ import annotations

from dataclasses import dataclass

NVIDIA_SMI = ("nvidia-smi", "--query-gpu=name,compute_cap,memory.total,driver_version", "--format=csv,noheader,nounits")
"""The command whose output `parse_nvidia_smi` reads."""


@dataclass(frozen=True)
class Gpu:
    """A CUDA device."""

    name: str
    capability: str
    """Compute capability, such as "9.0"."""
    memory_bytes: int
    driver: str = ""
    """Version of the driver; "" where it is not known."""


def parse_nvidia_smi(text: str) -> tuple[Gpu, ...]:
    """The devices in what `NVIDIA_SMI` printed, one a line; nvidia-smi gives memory in MiB."""
    rows = ([cell.strip() for cell in line.split(",")] for line in text.splitlines())
    return tuple(Gpu(row[0], row[1], int(row[2]) * 2**20, row[3]) for row in rows if len(row) == 4 and row[2].isdigit())


def torch_gpus() -> tuple[Gpu, ...]:
    """The devices that PyTorch can use; none without PyTorch. Imports it, which takes seconds."""
    try:
        import torch
    except ImportError:
        return ()
    if not torch.cuda.is_available():
        return ()
    found = (torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count()))
    return tuple(Gpu(gpu.name, f"{gpu.major}.{gpu.minor}", int(gpu.total_memory)) for gpu in found)
