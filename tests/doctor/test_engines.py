"""GPUs and libraries: only the answers of the libraries are given, the judgement is the real one."""

from dataclasses import replace
from typing import Any

import pytest

from dataengine.doctor import choices
from dataengine.doctor.asking.programs import Reply
from dataengine.doctor.engines import check_gpu, check_onnxruntime, check_pytorch, check_runner, check_tensorrt

from .healthy import RTX, facts, project, record, said, with_gpu

TENSORRT = {"version": "11.0.0", "builds": True, "capabilities": []}
NO_BUILDER = {**TENSORRT, "builds": False}
CPU_BUILD = record(version="2.13.0+cpu", cuda="", gpus=[])
CUDA_BUILD = record(version="2.13.0+cu130", cuda="13.0", gpus=[])


def libraries(tensorrt: Any = None, tensorrt_rtx: Any = None) -> dict[str, Reply | None]:
    return {"tensorrt": tensorrt, "tensorrt_rtx": tensorrt_rtx}


@pytest.mark.parametrize(
    ("name", "capability", "served"),
    [
        ("Tesla V100", "7.0", False),
        ("Tesla T4", "7.5", True),
        ("NVIDIA A100", "8.0", True),
        ("NVIDIA L4", "8.9", True),
        ("NVIDIA H100", "9.0", False),
        ("NVIDIA B200", "10.0", False),
        ("NVIDIA RTX 5090", "12.0", True),
        ("one that is newer than the library", "13.0", True),
    ],
)
def test_which_gpus_tensorrt_rtx_serves(name: str, capability: str, served: bool) -> None:
    machine = with_gpu(name, capability)
    finding = check_tensorrt(machine)
    assert finding.status == ("ok" if served else "note")
    assert finding.fix == ("" if served else "pip install tensorrt")
    assert choices.runner(machine) == ("engine" if served else "torch-cuda")
    assert check_runner(machine).used == ("the TensorRT engine" if served else "PyTorch on CUDA")


def test_tensorrt_is_taken_where_it_is_installed_and_serves_a_hopper() -> None:
    machine = with_gpu("NVIDIA H200", "9.0", tensorrt=libraries(record(**TENSORRT), record(**RTX)))
    assert check_tensorrt(machine).found == "tensorrt 11.0.0"
    assert choices.runner(machine) == "engine"


def test_without_a_gpu_the_library_that_builds_without_one_is_taken() -> None:
    both = facts(tensorrt=libraries(record(**NO_BUILDER), record(**RTX)))
    assert check_tensorrt(both).found == "tensorrt_rtx 1.7.1.116"
    alone = check_tensorrt(facts(tensorrt=libraries(record(**NO_BUILDER))))
    assert alone.status == "fault"
    assert "builds only where a GPU is" in alone.used
    assert "tensorrt-rtx-cu13" in alone.fix


def test_onnx_runtime_on_cuda_comes_before_pytorch() -> None:
    providers = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    machine = with_gpu("NVIDIA H100", "9.0", onnxruntime=record(version="1.32.0", providers=providers))
    assert choices.runner(machine) == "onnx-cuda"
    assert check_onnxruntime(machine).found == "1.32.0, for the CPU and CUDA"


def test_params_decide_over_the_machine() -> None:
    no_engine = with_gpu("NVIDIA L4", "8.9", project=project(export={"engine": False}))
    assert choices.runner(no_engine) == "torch-cuda"
    named = with_gpu("NVIDIA L4", "8.9", project=project(compare={"runner": "onnx-cpu"}))
    assert check_runner(named).used == "ONNX Runtime on the CPU"
    on_cpu = with_gpu("NVIDIA L4", "8.9", project=project(**{"fit-student": {"device": "cpu"}}))
    assert choices.device(on_cpu) == "cpu"
    assert "as device: cpu says" in check_gpu(on_cpu).used


def test_a_gpu_is_named_with_capability_memory_and_driver() -> None:
    finding = check_gpu(with_gpu("NVIDIA L4", "8.9"))
    assert finding.found == "NVIDIA L4 (capability 8.9, 24.0 GB), driver 580.65.06"
    assert finding.used == "fits and predictions use it"
    gpu = {"name": "NVIDIA H200", "capability": "9.0", "memory_bytes": 150_000_000_000, "driver": ""}
    two = facts(torch=record(version="2.13.0+cu130", cuda="13.0", gpus=[gpu, gpu]))
    assert check_gpu(two).found == "2 x NVIDIA H200 (capability 9.0, 150.0 GB)"


@pytest.mark.parametrize(
    ("torch", "status", "words"),
    [
        (CPU_BUILD, "note", "build of PyTorch is for the CPU; install a CUDA build"),
        (CUDA_BUILD, "note", "PyTorch cannot reach it; install a driver for CUDA 13.0"),
        (Reply(fault="crashed (SIGSEGV)"), "ok", "used once PyTorch answers"),
        (None, "ok", "used once PyTorch answers"),
    ],
)
def test_a_gpu_that_pytorch_does_not_use(torch: Reply | None, status: str, words: str) -> None:
    finding = check_gpu(facts(torch=torch, driver=Reply("NVIDIA L4, 8.9, 22888, 470.57.02\n")))
    assert finding.status == status
    assert words in said(finding)


def test_a_driver_that_does_not_answer_is_a_note() -> None:
    fault = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."
    finding = check_gpu(facts(driver=Reply(fault=fault)))
    assert (finding.status, finding.used) == ("note", "fits and predictions use the CPU")
    assert fault in finding.found


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Reply(fault="no answer within 20 s"), "tensorrt: no answer within 20 s"),
        (Reply(fault="crashed (SIGABRT)"), "tensorrt: crashed (SIGABRT)"),
        (Reply(fault="ImportError: libnvinfer.so.11: cannot open"), "libnvinfer.so.11"),
    ],
)
def test_a_broken_tensorrt_is_named_and_the_other_taken(answer: Reply, words: str) -> None:
    both = check_tensorrt(facts(tensorrt=libraries(answer, record(**RTX))))
    assert both.status == "ok"
    assert words in both.found
    alone = facts(tensorrt=libraries(answer))
    assert check_tensorrt(alone).status == "fault"
    assert words in check_tensorrt(alone).found
    unused = facts(tensorrt=libraries(answer), project=project(export={"engine": False}))
    assert check_tensorrt(unused).status == "ok"


@pytest.mark.parametrize("check", [check_pytorch, check_onnxruntime])
def test_a_library_that_does_not_import_is_a_fault_with_its_words(check: Any) -> None:
    broken = Reply(fault="ImportError: libcudnn.so.9: cannot open shared object file")
    finding = check(facts(torch=broken, onnxruntime=broken))
    assert finding.status == "fault"
    assert "libcudnn.so.9" in finding.found
    assert finding.fix == "make clean setup"


@pytest.mark.parametrize("check", [check_pytorch, check_onnxruntime, check_tensorrt])
def test_what_is_not_installed_is_a_fault_only_after_set_up(check: Any) -> None:
    nothing = facts(torch=None, onnxruntime=None, tensorrt=libraries())
    assert check(nothing).status == "fault"
    before = check(replace(nothing, project=replace(project(), set_up="no")))
    assert (before.status, before.used) == ("note", "make repro installs it")
