"""What is run in processes of their own, on libraries that are real, or broken in ways that happen."""

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dataengine.doctor.asking.ask_library import describe_tensorrt
from dataengine.doctor.asking.programs import ask_record, importing_environment
from dataengine.doctor.project import read_project
from dataengine.doctor.questions import gather

LIMIT_S = 60


class Logger:
    """What the builders ask for."""

    ERROR = 1

    def __init__(self, level: int) -> None:
        self.level = level


def asked(module: str, *words: str) -> Any:
    return ask_record(
        [sys.executable, "-m", f"dataengine.doctor.asking.{module}", *words], LIMIT_S, importing_environment()
    )


def test_pytorch_says_what_it_sees() -> None:
    import torch

    answer = asked("ask_torch")
    assert answer.fault == ""
    assert answer.record["version"] == torch.__version__
    assert len(answer.record["gpus"]) == torch.cuda.device_count()


def test_precision_is_that_of_the_fits() -> None:
    answer = asked("ask_precision", "cpu", "auto", "fp32", "fp16", "double")
    assert answer.fault == ""
    assert answer.record["auto"]["name"] in ("bf16", "fp32")
    assert answer.record["fp32"]["name"] == "fp32"
    assert "needs a GPU" in answer.record["fp16"]["fault"]
    assert "not one of auto" in answer.record["double"]["fault"]


def test_cuda_by_name_without_a_gpu_is_said() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    assert "no CUDA device" in asked("ask_precision", "cuda", "auto").record["auto"]["fault"]


@pytest.mark.parametrize("name", ["onnxruntime", "tensorrt_rtx"])
def test_libraries_say_what_they_can(name: str) -> None:
    if find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    answer = asked("ask_library", name)
    assert answer.fault == ""
    if name == "onnxruntime":
        assert "CPUExecutionProvider" in answer.record["providers"]
    else:
        assert answer.record["builds"] is True
        assert "8.9" in answer.record["capabilities"]
        assert "9.0" not in answer.record["capabilities"]


def test_a_tensorrt_whose_builder_does_not_start() -> None:
    """What `tensorrt` does without a GPU: pybind reports the missing builder as a TypeError."""

    def refuse(logger: object) -> None:
        raise TypeError("pybind11::init(): factory function returned nullptr")

    library = SimpleNamespace(__version__="11.0", Builder=refuse, Logger=Logger)
    assert describe_tensorrt(library) == {"version": "11.0", "builds": False, "capabilities": []}


def test_capabilities_with_letters_are_left_out() -> None:
    table = SimpleNamespace(__members__={"NONE": 0, "CURRENT": 1, "SM75": 2, "SM120": 3, "SM100a": 4})
    library = SimpleNamespace(__version__="2", Builder=lambda logger: object(), Logger=Logger, ComputeCapability=table)
    assert describe_tensorrt(library)["capabilities"] == ["7.5", "12.0"]


@pytest.fixture
def broken_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which torch cannot be imported, onnxruntime crashes and tensorrt hangs; first on the path."""
    sources = {
        "torch": "raise ImportError('libtorch_cpu.so: cannot open shared object file')",
        "onnxruntime": "import os; os.abort()",
        "tensorrt": "import time; time.sleep(60)",
        "tensorrt_rtx": "raise RuntimeError('CUDA driver version is insufficient')",
    }
    for name, source in sources.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(source + "\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def test_libraries_that_crash_or_hang_are_answers(broken_libraries: Path) -> None:
    python = broken_libraries / ".venv-blender" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho 'libGL.so.1: cannot open shared object file' >&2\nexit 1\n")
    python.chmod(0o755)
    facts = gather(read_project(broken_libraries, broken_libraries / "params.yaml"), 3)
    answers = {"torch": facts.torch, "onnxruntime": facts.onnxruntime, **facts.tensorrt, "blender": facts.blender}
    assert {name: answer.fault for name, answer in answers.items() if answer} == {
        "torch": "ImportError: libtorch_cpu.so: cannot open shared object file",
        "onnxruntime": "crashed (SIGABRT)",
        "tensorrt": "no answer within 3 s",
        "tensorrt_rtx": "RuntimeError: CUDA driver version is insufficient",
        "blender": "libGL.so.1: cannot open shared object file",
    }
    assert facts.precision is None
    assert facts.blender_python == str(python)


@pytest.mark.bpy
def test_blender_says_what_it_has() -> None:
    from dataengine.doctor.asking import ask_blender
    from dataengine.doctor.questions import find_blender_python

    python = find_blender_python(read_project(Path.cwd(), Path("params.yaml")))
    if not python:
        pytest.skip("Blender's environment is not set up")
    answer = ask_record([python, "-I", str(ask_blender.__file__), "devices"], LIMIT_S)
    assert answer.fault == ""
    assert answer.record["blender"].startswith("4.5")
    assert json.dumps(answer.record["devices"])
