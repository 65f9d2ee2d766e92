"""Machines of other kinds, by the texts that their systems show."""

import os
import platform
import subprocess
from pathlib import Path

import pytest

from dataengine import machine as module
from dataengine.machine import Processor, code_revision, machine, parse_cpuinfo, read_processor, usable_cores

from .helpers.cpuinfo import AMD_BF16, GRAVITON3, INTEL_AMX, INTEL_AVX2


@pytest.mark.parametrize(
    ("text", "architecture", "name", "instructions", "bf16", "int8"),
    [
        (INTEL_AVX2, "x86_64", "Intel(R) Xeon(R) CPU E5-2680 v3 @ 2.50GHz", ("AVX2",), False, ""),
        (AMD_BF16, "x86_64", "AMD EPYC 9R14", ("AVX2", "AVX512F", "AVX512-BF16", "AVX512-VNNI"), True, "AVX512-VNNI"),
        (GRAVITON3, "aarch64", "Neoverse V1", ("dotprod", "i8mm", "bf16"), True, "i8mm"),
        ("", "riscv64", "riscv64", (), False, ""),
    ],
)
def test_a_processor_is_read_from_its_text(
    text: str, architecture: str, name: str, instructions: tuple[str, ...], bf16: bool, int8: str
) -> None:
    processor = parse_cpuinfo(text, architecture)
    assert processor == Processor(name, architecture, instructions)
    assert (processor.multiplies_bf16, processor.int8_unit) == (bf16, int8)


def test_a_processor_with_everything() -> None:
    processor = parse_cpuinfo(INTEL_AMX, "x86_64")
    assert processor.instructions == tuple(module.X86_INSTRUCTIONS.values())
    assert processor.int8_unit == "AMX-INT8"


def test_a_part_that_is_not_known_keeps_the_systems_own_name() -> None:
    other_maker = GRAVITON3.replace("0x41", "0x48")
    assert parse_cpuinfo(other_maker, "aarch64", "ARM thing").name == "ARM thing"


@pytest.mark.parametrize("text", ["\x00\xff", "flags", "flags\t:", ":::\n:", "model name\t:   "])
def test_senseless_text_is_no_error(text: str) -> None:
    assert parse_cpuinfo(text, "x86_64", "unknown").instructions == ()


def test_an_unreadable_proc_leaves_a_machine_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, **_: object) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_text", refuse)
    assert read_processor().name in (platform.processor(), platform.machine())
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


def test_cores_are_those_bound_and_no_more_than_granted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.os, "sched_getaffinity", lambda _: set(range(8)))
    for quota, cores in ((None, 8), (16.0, 8), (3.5, 3), (0.25, 1)):
        monkeypatch.setattr(module, "cpu_quota", lambda _, quota=quota: quota)
        assert usable_cores() == cores


def test_this_machine_by_the_systems_own_programs() -> None:
    shown = subprocess.run(["lscpu"], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    if shown.returncode != 0:
        pytest.skip("lscpu is not installed")
    entries = {
        key.strip(): value.strip() for key, _, value in (line.partition(":") for line in shown.stdout.splitlines())
    }
    processor = read_processor()
    assert processor.architecture == entries["Architecture"]
    flags = entries["Flags"].split()
    known = {**module.X86_INSTRUCTIONS, **module.ARM_INSTRUCTIONS}
    assert set(processor.instructions) == {known[flag] for flag in flags if flag in known}
    assert machine().startswith(processor.name)
    assert platform.python_version() in machine()


def test_the_revision_has_a_plus_where_tracked_files_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert code_revision() == ""
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run(["git", *who, *words], check=True)
    first = code_revision()
    assert len(first) == 40
    Path("new").write_text("untracked files do not count")
    assert code_revision() == first
    subprocess.run(["git", "add", "new"], check=True)
    assert code_revision() == first + "+"
    monkeypatch.setenv("PATH", "")
    assert code_revision() == ""
