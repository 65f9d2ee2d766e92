import pytest

from dataengine.doctor.asking.programs import Reply
from dataengine.doctor.processor import check_cores, check_instructions, check_int8, check_precision
from dataengine.hardware.machine import parse_cpuinfo

from ..helpers.cpuinfo import GRAVITON3, INTEL_AVX2
from .healthy import CHOSEN, facts, project, record, said, with_gpu

AVX2 = parse_cpuinfo(INTEL_AVX2, "x86_64")
FP32 = {"name": "fp32", "reason": "this CPU has no instructions for bf16"}
SLOW = {
    "auto": FP32,
    "bf16": {"name": "bf16", "reason": "asked for by name; bf16 (emulated here) makes a convolution 9.1 times slower"},
}


def test_an_avx2_machine_takes_fp32() -> None:
    finding = check_precision(facts(processor=AVX2, precision=record(auto=FP32)))
    assert finding.status == "ok"
    assert said(finding) == "bf16 would be emulated; fits take fp32 (this CPU has no instructions for bf16); "


def test_bf16_by_name_where_it_is_emulated_is_a_note_with_its_cost() -> None:
    wishes = {fit: {"precision": "bf16"} for fit in ("fit-teacher", "fit-student")}
    finding = check_precision(facts(processor=AVX2, precision=record(**SLOW), project=project(**wishes)))
    assert finding.status == "note"
    assert "9.1 times slower" in finding.used
    assert finding.fix == "set precision: auto in params.yaml"


def test_bf16_by_name_where_it_is_the_fastest_is_fine() -> None:
    wishes = {fit: {"precision": "bf16"} for fit in ("fit-teacher", "fit-student")}
    by_name = {"name": "bf16", "reason": "asked for by name; AVX512-BF16: a convolution takes 0.44 of fp32's time"}
    assert check_precision(facts(precision=record(**CHOSEN, bf16=by_name), project=project(**wishes))).status == "ok"


def test_bf16_on_a_gpu_does_not_depend_on_the_cpu() -> None:
    chosen = record(auto={"name": "bf16", "reason": "NVIDIA L4: a convolution takes 0.61 of fp32's time"})
    assert check_precision(with_gpu("NVIDIA L4", "8.9", processor=AVX2, precision=chosen)).status == "ok"


def test_fits_that_differ_are_both_named() -> None:
    sections = {"fit-teacher": {"precision": "fp32"}, "fit-student": {"precision": "auto"}}
    chosen = record(**CHOSEN, fp32={"name": "fp32", "reason": "asked for by name"})
    used = check_precision(facts(project=project(**sections), precision=chosen)).used
    assert used.startswith("fits take fp32 (asked for by name), bf16 (AVX512-BF16")


@pytest.mark.parametrize("precision", [None, Reply(fault="no answer within 20 s")])
def test_without_an_answer_the_instruction_set_is_still_said(precision: Reply | None) -> None:
    finding = check_precision(facts(precision=precision))
    assert finding.status == "note"
    assert finding.found == "bf16 in hardware"
    assert "chosen" in finding.used


def test_a_wish_that_cannot_be_granted_is_a_fault() -> None:
    refused = record(auto={"fault": "device: cuda, but PyTorch sees no CUDA device"})
    finding = check_precision(facts(precision=refused))
    assert finding.status == "fault"
    assert "sees no CUDA device" in finding.used
    assert finding.fix


def test_instruction_sets_are_named() -> None:
    graviton = check_instructions(facts(processor=parse_cpuinfo(GRAVITON3, "aarch64")))
    assert graviton.found == "Neoverse V1: dotprod, i8mm, bf16"
    unknown = check_instructions(facts(processor=parse_cpuinfo("", "x86_64", "a CPU")))
    assert (unknown.status, unknown.found) == ("ok", "a CPU: instruction sets not known")
    without_avx2 = parse_cpuinfo("flags\t: sse4_2 avx512f", "x86_64")
    assert check_instructions(facts(processor=without_avx2)).status == "note"


@pytest.mark.parametrize(
    ("cores", "machine_cores", "workers", "status"),
    [(2, 2, 2, "ok"), (3, 3, 2, "ok"), (1, 8, 2, "note"), (16, 16, 2, "note"), (16, 16, 12, "ok")],
)
def test_render_workers_fit_the_cores(cores: int, machine_cores: int, workers: int, status: str) -> None:
    asked = facts(cores=cores, machine_cores=machine_cores, project=project(render={"workers": workers}))
    finding = check_cores(asked)
    assert finding.status == status
    assert ("granted" in finding.found) == (cores < machine_cores)
    assert finding.fix == ("" if status == "ok" else f"set render.workers: {cores} in params.yaml")


def test_int8_without_vnni_is_a_note() -> None:
    assert check_int8(facts()).status == "ok"
    assert check_int8(facts(processor=parse_cpuinfo(GRAVITON3, "aarch64"))).status == "ok"
    without = check_int8(facts(processor=AVX2))
    assert without.status == "note"
    assert "no VNNI" in without.found
