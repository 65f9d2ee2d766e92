"""All checks together: the verdict, the JSON object, the screen, the command."""

import json
import re
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from dataengine.doctor.asking.programs import Reply
from dataengine.doctor.diagnosis import GROUPS, Diagnosis, run_checks
from dataengine.doctor.facts import Facts
from dataengine.doctor.lines.result_lines import COLUMNS
from dataengine.doctor.screen import screen_lines
from dataengine.errors import EnvironmentFault

from .healthy import facts, project, with_gpu

LONG = Reply(fault="ImportError: " + "/a/long/path/of/a/shared/object/" * 4 + "libx.so: cannot open")
BROKEN = replace(
    facts(),
    torch=LONG,
    precision=None,
    onnxruntime=LONG,
    tensorrt={"tensorrt": LONG, "tensorrt_rtx": None},
    blender=LONG,
    libraries_fault=EnvironmentFault("x", got="no libX11.so.6", fix="on Debian: apt-get install libx11-6"),
    fiftyone="",
    dvc="",
    git=Reply(fault="not found"),
    browser="",
)


def screen(found: Facts) -> list[str]:
    return list(screen_lines(run_checks(found), colour=False))


def test_a_healthy_machine_is_ready() -> None:
    diagnosis = run_checks(facts())
    assert [finding.name for _, finding in diagnosis.findings if finding.status != "ok"] == []
    assert diagnosis.exit_code == 0
    assert screen(facts())[-1] == "ready: make repro"


def test_notes_do_not_stop_a_run_and_faults_do() -> None:
    assert run_checks(facts(browser="")).exit_code == 0
    assert run_checks(facts(dvc="")).exit_code == 2
    assert screen(facts(dvc=""))[-1] == "1 fault: the default run stops at it"
    assert screen(facts(dvc="", fiftyone=""))[-1] == "2 faults: the default run stops at them"
    outside = replace(project(), found=False)
    assert screen(facts(project=outside))[-1] == "ready: make repro, in the project's folder"


@pytest.mark.parametrize("found", [facts(), with_gpu("NVIDIA H200", "9.0"), BROKEN], ids=["healthy", "gpu", "broken"])
def test_it_fits_one_screen(found: Facts) -> None:
    lines = screen(found)
    assert max(map(len, lines)) <= COLUMNS == 100
    if found is not BROKEN:
        assert len(lines) <= 40
    for _, finding in run_checks(found).findings:
        assert any(finding.name in line and finding.status in line for line in lines)


def test_every_fault_has_a_fix_below_it() -> None:
    diagnosis = run_checks(BROKEN)
    assert diagnosis.count("fault") == 8
    for _, finding in diagnosis.findings:
        assert finding.fix or finding.status != "fault", finding
    text = " ".join(" ".join(screen(BROKEN)).split())
    for _, finding in diagnosis.findings:
        if finding.fix:
            assert f"fix: {finding.fix}" in text


def test_colour_marks_the_status_alone() -> None:
    coloured = list(screen_lines(run_checks(facts(dvc="")), colour=True))
    for code in ("32", "31"):
        assert any(f"\x1b[{code}m" in line for line in coloured)
    plain = [line.replace("\x1b[32m", "").replace("\x1b[31m", "").replace("\x1b[0m", "") for line in coloured]
    assert plain == screen(facts(dvc=""))


def test_names_of_checks_are_unique_for_machines() -> None:
    names = [finding.name for _, finding in run_checks(facts()).findings]
    assert len(set(names)) == len(names) == sum(map(len, GROUPS.values()))


def test_the_json_object_has_the_documented_shape() -> None:
    found = run_checks(with_gpu("NVIDIA H200", "9.0")).as_json()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert list(found) == ["schema", "ready", "faults", "notes", "project", "machine", "chosen", "checks"]
    assert (found["schema"], found["ready"], found["faults"]) == (1, True, 0)
    assert found["machine"]["instruction_sets"] == ["AVX2", "AVX512F", "AVX512-BF16", "AVX512-VNNI"]
    assert found["machine"]["gpus"][0]["capability"] == "9.0"
    assert found["machine"]["memory_bytes"] == asdict(facts().memory)
    assert found["chosen"] == {
        "device": "cuda",
        "precision": {"fit-teacher": "bf16", "fit-student": "bf16"},
        "runner": "torch-cuda",
    }
    assert {tuple(check) for check in found["checks"]} == {("group", "name", "status", "found", "used", "fix")}


def test_the_documentation_names_every_key(repository: Path) -> None:
    text = (repository / "docs" / "doctor.md").read_text(encoding="utf-8")
    found = run_checks(facts()).as_json()
    keys = {*found, *found["project"], *found["machine"], *found["chosen"], *found["checks"][0]}
    assert [key for key in sorted(keys) if f"`{key}`" not in text] == []
    assert [group for group in GROUPS if f"`{group}`" not in text] == []


def run(*words: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=300)


def test_the_command_on_this_machine_from_outside_a_project(tmp_path: Path) -> None:
    done = run(sys.executable, "-m", "dataengine", "doctor", "--json", "--limit-s", "100", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert done.returncode == (0 if found["ready"] else 2)
    assert "Traceback" not in done.stderr
    assert found["project"]["found"] is False
    by_name = {check["name"]: check for check in found["checks"]}
    assert by_name["PyTorch"]["status"] == "ok"
    assert found["chosen"]["precision"]["fit-student"] in ("bf16", "fp32")


def test_before_set_up_the_standard_library_is_enough(repository: Path) -> None:
    done = run(sys.executable, "-S", "-m", "dataengine.doctor", cwd=repository)
    assert "Traceback" not in done.stderr
    # how many faults there are depends on whether set-up has run in this checkout
    assert re.match(r"ready: make repro|\d+ faults?:", done.stdout.splitlines()[-1])
    assert "not installed" in done.stdout
    loaded = "import dataengine.doctor.__main__, sys; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    modules = run(sys.executable, "-S", "-c", loaded, cwd=repository).stdout.split()
    assert not {"typer", "yaml", "torch", "numpy", "rich"} & set(modules)


def test_diagnosis_counts() -> None:
    assert Diagnosis(facts(), ()).count("ok") == 0
