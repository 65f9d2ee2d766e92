"""Everything that the checks judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dataengine.doctor.asking.programs import Reply
from dataengine.errors import EnvironmentFault
from dataengine.hardware.machine import Processor
from dataengine.hardware.memory import Memory

from .database import Database
from .environment import Disk, Packages
from .project import Project
from .proofs import RememberedProof


@dataclass(frozen=True)
class Facts:
    """What was found; a `Reply` is None if the library or program to ask is not installed."""

    project: Project
    processor: Processor
    cores: int
    """Cores that this process may use."""
    machine_cores: int
    memory: Memory
    disk: Disk
    packages: Packages
    python_fault: EnvironmentFault | None
    """Why set-up cannot work with this Python."""
    torch: Reply | None
    """What `asking/ask_torch.py` found."""
    precision: Reply | None
    """What `asking/ask_precision.py` found, for what the fits ask for and for auto."""
    onnxruntime: Reply | None
    """What `asking/ask_library.py` found."""
    tensorrt: Mapping[str, Reply | None]
    """What `asking/ask_library.py` found, by library."""
    driver: Reply | None
    """What nvidia-smi prints for `NVIDIA_SMI`."""
    blender_python: str
    """The interpreter that renders; "" where there is none."""
    python_for_blender: str
    """A Python that set-up could make its environment with; "" where there is none."""
    blender: Reply | None
    """What `asking/ask_blender.py` found."""
    proofs: Mapping[str, RememberedProof]
    """What is remembered of the GPUs in `blender`, by type."""
    libraries_fault: EnvironmentFault | None
    """Which shared libraries of the system Blender would miss."""
    fiftyone: str
    """Its version; "" if it is not installed."""
    database: Database | None
    app_port_fault: str
    git: Reply
    """The checkout that the project lies in."""
    dvc: str
    """Its version; "" where the command is not there."""
    browser: str
