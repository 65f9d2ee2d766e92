from pathlib import Path

import pytest

from dataengine.inference.cpu_features import describe_int8, int8_instructions


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("flags\t\t: fpu avx2 avx512f avx_vnni avx512_vnni", "AVX512-VNNI"),
        ("flags\t\t: avx2 avx_vnni", "AVX-VNNI"),
        ("flags\t\t: avx512_vnni amx_int8", "AMX"),
        ("Features\t: fp asimd asimddp", "ARM dot products"),
        ("flags\t\t: fpu avx2 avx512f avx512bw", ""),
        ("model name\t: avx512_vnni", ""),
    ],
)
def test_the_best_instructions_are_named(tmp_path: Path, line: str, expected: str) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\n{line}\n")
    assert int8_instructions(cpuinfo) == expected
    assert describe_int8(cpuinfo) == expected or describe_int8(cpuinfo).endswith("without VNNI")


def test_a_system_that_does_not_tell_has_none(tmp_path: Path) -> None:
    assert int8_instructions(tmp_path / "absent") == ""
