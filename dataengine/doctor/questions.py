"""What is asked of this machine: `gather` asks everything at once, each slow answer with a time limit.

The longest answer decides how long it takes. The precision comes after the others, alone: it is measured.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dataengine.doctor.asking.programs import PACKAGE_PARENT, Reply, ask, ask_record, importing_environment
from dataengine.environments.blender_environment import LIBRARIES, check_system_libraries, find_python
from dataengine.environments.machine_setup import check_python
from dataengine.errors import EnvironmentFault
from dataengine.hardware.gpus import NVIDIA_SMI
from dataengine.hardware.machine import read_processor, usable_cores
from dataengine.hardware.memory import read_memory

from .database import find_database
from .environment import find_browser, port_fault, read_disk, read_packages
from .facts import Facts
from .project import FITS, Project
from .proofs import read_proofs

TENSORRT_LIBRARIES = ("tensorrt", "tensorrt_rtx")
"""In the order in which `export` and `compare` take them."""
_GPU_NODES = (Path("/dev/nvidiactl"), Path("/dev/kfd"), Path("/dev/dxg"))  # NVIDIA, AMD, both under Windows' Linux


def gather(project: Project, limit_s: float) -> Facts:
    """Ask everything, nothing for longer than `limit_s` seconds."""
    app = project.value("app", "address", "127.0.0.1"), project.value("app", "port", 5151)
    questions: dict[str, Callable[[], Any]] = {
        "torch": lambda: _ask_module("ask_torch", [], limit_s) if find_spec("torch") else None,
        "blender": lambda: _ask_blender(project, limit_s),
        "onnxruntime": lambda: _ask_library("onnxruntime", limit_s),
        "driver": lambda: ask(NVIDIA_SMI, limit_s) if shutil.which(NVIDIA_SMI[0]) else None,
        "database": lambda: find_database(limit_s),
        "packages": lambda: read_packages(project.root / "constraints.txt"),
        "git": lambda: ask(["git", "-C", str(project.root), "rev-parse", "--show-toplevel"], limit_s),
        "disk": lambda: read_disk(project.root),
        "processor": read_processor,
        "cores": usable_cores,
        "machine_cores": lambda: os.cpu_count() or 1,
        "memory": read_memory,
        "blender_python": lambda: find_blender_python(project),
        "libraries_fault": lambda: _fault_of(lambda: check_system_libraries(LIBRARIES)),
        "python_fault": lambda: _fault_of(check_python),
        "python_for_blender": lambda: find_python() or "",
        "fiftyone": lambda: _version("fiftyone"),
        "app_port_fault": lambda: port_fault(*app),
        "dvc": lambda: _version("dvc") if find_command("dvc") else "",
        "browser": find_browser,
    }
    with ThreadPoolExecutor(len(questions) + len(TENSORRT_LIBRARIES)) as pool:
        libraries = {name: pool.submit(_ask_library, name, limit_s) for name in TENSORRT_LIBRARIES}
        asked = {name: pool.submit(question) for name, question in questions.items()}
        answers = {name: answer.result() for name, answer in asked.items()}
        tensorrt = {name: answer.result() for name, answer in libraries.items()}
    works = answers["torch"] and not answers["torch"].fault
    precision = _ask_precision(project, limit_s) if works else None
    seen = answers["blender"].record if answers["blender"] else {}
    proofs = read_proofs(seen.get("devices", {}), seen.get("bpy", ""))
    return Facts(project, precision=precision, tensorrt=tensorrt, proofs=proofs, **answers)


def find_blender_python(project: Project) -> str:
    """The interpreter that renders: `render.python`, else that of `.venv-blender`; "" where there is none.

    That folder is looked for in the project, next to the package and next to the environment in use, as rendering does.
    """
    wish = project.value("render", "python", "")
    if wish:
        return str(project.root / wish) if (project.root / wish).is_file() else ""
    places = (project.root, PACKAGE_PARENT, Path(sys.prefix).parent)
    programs = (place / ".venv-blender" / "bin" / "python" for place in places)
    return next((str(program) for program in programs if program.is_file()), "")


def find_command(name: str) -> str:
    """A program of the environment that runs this, activated or not; "" where it is not there."""
    folders = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return shutil.which(name, path=folders) or ""


def _ask_precision(project: Project, limit_s: float) -> Reply:
    device = project.value(FITS[-1], "device", "auto")
    wishes = sorted({"auto", *(project.value(fit, "precision", "auto") for fit in FITS)})
    return _ask_module("ask_precision", [device, *wishes], limit_s)


def _ask_library(name: str, limit_s: float) -> Reply | None:
    return _ask_module("ask_library", [name], limit_s) if find_spec(name) else None


def _ask_module(module: str, words: list[str], limit_s: float) -> Reply:
    command = [sys.executable, "-m", f"dataengine.doctor.asking.{module}", *words]
    return ask_record(command, limit_s, importing_environment())


def _ask_blender(project: Project, limit_s: float) -> Reply | None:
    python = find_blender_python(project)
    if not python:
        return None
    words = ["devices"] if any(node.exists() for node in _GPU_NODES) else []
    return ask_record([python, "-I", str(Path(__file__).with_name("asking") / "ask_blender.py"), *words], limit_s)


def _fault_of(check: Callable[[], None]) -> EnvironmentFault | None:
    try:
        check()
    except EnvironmentFault as fault:
        return fault
    return None


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
