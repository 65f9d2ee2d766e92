"""Facts of machines: `facts()` is one of two cores without a GPU where nothing is wrong, and takes what differs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from dataengine.doctor.asking.programs import Reply
from dataengine.doctor.database import Database
from dataengine.doctor.environment import Disk, Packages
from dataengine.doctor.facts import Facts
from dataengine.doctor.lines.check_result import CheckResult
from dataengine.doctor.project import Project
from dataengine.hardware.machine import parse_cpuinfo
from dataengine.hardware.memory import Memory

from ..helpers.cpuinfo import AMD_BF16

CHOSEN = {"auto": {"name": "bf16", "reason": "AVX512-BF16: a convolution takes 0.44 of fp32's time"}}
RTX = {"version": "1.7.1.116", "builds": True, "capabilities": ["7.5", "8.0", "8.6", "8.9", "12.0", "12.1"]}
BLENDER = {"python": "3.11.7", "blender": "4.5.15 LTS", "bpy": "4.5.15", "numpy": "1.26.4", "devices": {}}


def record(**entries: Any) -> Reply:
    return Reply("", "", entries)


def project(**sections: dict[str, Any]) -> Project:
    return Project(Path("/home/ada/dataengine"), True, "yes", sections)


def facts(**changes: Any) -> Facts:
    healthy = Facts(
        project=project(),
        processor=parse_cpuinfo(AMD_BF16, "x86_64"),
        cores=2,
        machine_cores=2,
        memory=Memory(16_000_000_000, 16_000_000_000, 12_000_000_000),
        disk=Disk("/home/ada/dataengine", 80_000_000_000, True),
        packages=Packages("3.11.7", "/home/ada/dataengine/.venv", ()),
        python_fault=None,
        python_for_blender="/usr/bin/python3.11",
        torch=record(version="2.13.0+cpu", cuda="", gpus=[]),
        precision=record(**CHOSEN),
        onnxruntime=record(version="1.32.0", providers=["CPUExecutionProvider"]),
        tensorrt={"tensorrt": None, "tensorrt_rtx": record(**RTX)},
        driver=None,
        blender_python="/home/ada/dataengine/.venv-blender/bin/python",
        blender=record(**BLENDER),
        proofs={},
        libraries_fault=None,
        fiftyone="1.22.1",
        database=Database("/home/ada/dataengine/.venv/mongod", False, Reply("mongod 6.0.5")),
        app_port_fault="",
        git=Reply("/home/ada/dataengine\n"),
        dvc="3.67.1",
        browser="/usr/bin/chromium",
    )
    return replace(healthy, **changes)


def with_gpu(name: str, capability: str, **changes: Any) -> Facts:
    """The same machine with a GPU that PyTorch can use."""
    gpu = {"name": name, "capability": capability, "memory_bytes": 24_000_000_000, "driver": ""}
    torch = record(version="2.13.0+cu130", cuda="13.0", gpus=[gpu])
    driver = Reply(f"{name}, {capability}, 22888, 580.65.06\n")
    return facts(**{"torch": torch, "driver": driver, **changes})


def said(finding: CheckResult) -> str:
    return f"{finding.found}; {finding.used}; {finding.fix}"
