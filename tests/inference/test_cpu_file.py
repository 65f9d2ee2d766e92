import json

import pytest

from dataengine.hardware.machine import parse_cpuinfo
from dataengine.inference.cpu_file import choose_cpu_file, describe_int8
from dataengine.inference.exported import ONNX_FP32, ONNX_INT8

from ..helpers.cpuinfo import GRAVITON3, INTEL_AMX, INTEL_AVX2


def test_int8_is_taken_where_it_is_faster() -> None:
    chosen = choose_cpu_file({"1": 4.0, "8": 3.0}, {"1": 2.0, "8": 1.0}, "AVX512-VNNI")
    assert chosen.file == ONNX_INT8
    assert chosen.int8_speedup == {"1": 2.0, "8": 3.0}
    assert "2.45 times as fast" in chosen.why  # sqrt(2 * 3)
    assert json.loads(json.dumps(chosen.as_json()))["int8_instructions"] == "AVX512-VNNI"


def test_fp32_is_taken_where_int8_is_slower_and_it_says_so() -> None:
    chosen = choose_cpu_file({"1": 5.0, "8": 4.0}, {"1": 6.5, "8": 4.0}, "x86_64 without VNNI")
    assert chosen.file == ONNX_FP32
    assert "INT8 takes 1.14 times as long" in chosen.why


@pytest.mark.parametrize("int8", [{}, {"16": 1.0}])
def test_what_was_not_measured_is_not_advised(int8: dict[str, float]) -> None:
    chosen = choose_cpu_file({"1": 5.0}, int8, "")
    assert (chosen.file, dict(chosen.int8_speedup)) == (ONNX_FP32, {})
    assert "not measured" in chosen.why


def test_the_cpu_is_named_by_what_multiplies_8_bits() -> None:
    assert describe_int8(parse_cpuinfo(INTEL_AMX, "x86_64")) == "AMX-INT8"
    assert describe_int8(parse_cpuinfo(GRAVITON3, "aarch64")) == "i8mm"
    assert describe_int8(parse_cpuinfo(INTEL_AVX2, "x86_64")) == "x86_64 without VNNI"
