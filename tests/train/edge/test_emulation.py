"""The bundle on aarch64 under qemu-user: executed, compared, and its AP measured. Skips where apt cannot fetch it."""

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from dataengine.coco_json import write_people
from dataengine.errors import EnvironmentFault, InputError
from dataengine.files import read_json, sha256_file
from dataengine.train.edge.aarch64_root import ready_machine
from dataengine.train.edge.emulation import CPUS, EmulatedMachine, describe_cpus
from dataengine.train.edge.measure_bundle import run

from ...conftest import REPOSITORY
from ...helpers.drawn_people import draw_standing_people

CACHE = Path(os.environ.get("DATAENGINE_AARCH64", REPOSITORY / "data" / "cache" / "aarch64"))


@pytest.fixture(scope="module")
def machine() -> EmulatedMachine:
    """The emulated system, kept in the checkout's cache."""
    try:
        return ready_machine(CACHE)
    except EnvironmentFault as fault:
        pytest.skip(f"no aarch64 system: {fault}")


def test_the_bundle_proves_itself_on_aarch64(bundled: Path, machine: EmulatedMachine) -> None:
    script = str(bundled / "bundle" / "run.py")
    code = f"""
import platform, runpy, sys, onnxruntime
print(platform.machine(), onnxruntime.__version__)
sys.argv[1:] = ["--check"]
sys.path.insert(0, {str(bundled / "bundle")!r})
runpy.run_path({script!r}, run_name="__main__")"""
    version = re.search(r"onnxruntime==(\S+)", (REPOSITORY / "constraints.txt").read_text())
    assert version
    done = machine.run("cortex-a72", ["-c", code])
    assert done.returncode == 0, done.stderr
    first, _, *checks = done.stdout.splitlines()
    assert first == f"aarch64 {version[1]}"
    assert [line.split(":")[0] for line in checks] == ["fp32", "int8"]


def test_joints_and_ap_are_those_of_this_machine(
    bundled: Path, machine: EmulatedMachine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_people(tmp_path / "val.json", *draw_standing_people(tmp_path / "images", 6, seed=4))
    params = REPOSITORY / "params.yaml"
    report, people = tmp_path / "report", tmp_path / "val.json"
    run(bundled / "bundle", people, report, cpus=["cortex-a76"], cache=CACHE, params=params)
    fp32, int8 = read_json(report / "metrics.json")["runs"]
    assert (fp32["network"], int8["network"]) == ("fp32", "int8")
    assert fp32["check"] == int8["check"] == "passes"
    assert fp32["p99_px"] < 0.01 and fp32["ap"] == pytest.approx(fp32["ap_here"], abs=1e-6)
    assert int8["moved"] < 0.15
    assert "| fp32 | cortex-a76 |" in (report / "edge.md").read_text()
    kept = {path.name: path.stat().st_mtime_ns for path in (report / "answers").iterdir()}
    assert len(kept) == 4  # two networks, here and there
    run(bundled / "bundle", people, report, cpus=["cortex-a76"], cache=CACHE, params=params)
    assert kept == {path.name: path.stat().st_mtime_ns for path in (report / "answers").iterdir()}


def test_an_unknown_processor_or_no_bundle_is_refused(tmp_path: Path) -> None:
    for cpus, says in ((["z80"], "a processor is unknown"), (["max"], "is not a bundle")):
        with pytest.raises(InputError, match=says):
            run(tmp_path, tmp_path / "a.json", tmp_path, cpus=cpus, cache=tmp_path, params=tmp_path / "params.yaml")


def test_code_of_somebody_else_is_not_run(bundled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_people(tmp_path / "val.json", *draw_standing_people(tmp_path / "images", 1, seed=4))
    foreign = tmp_path / "bundle"
    shutil.copytree(bundled / "bundle", foreign)
    with (foreign / "run.py").open("a") as opened:
        opened.write("print()\n")
    sums = (foreign / "SHA256SUMS").read_text()
    ours, theirs = (sha256_file(folder / "run.py") for folder in (bundled / "bundle", foreign))
    (foreign / "SHA256SUMS").write_text(sums.replace(ours, theirs))  # it vouches for itself
    with pytest.raises(InputError, match=r"run.py is not this version's"):
        run(foreign, tmp_path / "val.json", tmp_path, cpus=["max"], cache=tmp_path, params=tmp_path / "params.yaml")


@pytest.mark.parametrize(
    ("name", "vouched_for", "says"),
    [
        ("numpy.py", True, r"numpy\.py belongs to no bundle; remove it"),
        ("numpy.py", False, "SHA256SUMS does not list what lies in"),
        ("__pycache__/crops.cpython-311.pyc", False, "__pycache__ belongs to no bundle; remove it"),
        ("reference/notes.txt", False, "SHA256SUMS does not list what lies in"),
    ],
)
def test_files_of_somebody_else_are_refused_before_anything_runs(
    bundled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, vouched_for: bool, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_people(tmp_path / "val.json", *draw_standing_people(tmp_path / "images", 1, seed=4))
    foreign = shutil.copytree(bundled / "bundle", tmp_path / "bundle")
    (foreign / name).parent.mkdir(exist_ok=True)
    (foreign / name).write_text("raise SystemExit('was run')")
    if vouched_for:
        with (foreign / "SHA256SUMS").open("a") as opened:
            opened.write(f"{sha256_file(foreign / name)}  {name}\n")
    with pytest.raises(InputError, match=says):
        run(foreign, tmp_path / "val.json", tmp_path, cpus=["max"], cache=tmp_path / "c", params=tmp_path / "p.yaml")
    assert not (tmp_path / "c").exists()


def test_each_processor_is_described_to_what_runs_on_it(tmp_path: Path) -> None:
    (tmp_path / "root" / "usr").mkdir(parents=True)
    for _ in range(2):  # a second call leaves all as it is
        describe_cpus(tmp_path / "root", tmp_path / "cpus")
    for name, cpu in CPUS.items():
        text = (tmp_path / "cpus" / name / "proc" / "cpuinfo").read_text()
        assert re.findall(r"^CPU part\t: (\S+)$", text, re.MULTILINE) == [cpu.part] * 2
        assert (tmp_path / "cpus" / name / "usr").resolve() == tmp_path / "root" / "usr"
    assert np.all(["i8mm" in CPUS["max"].features, "asimddp" not in CPUS["cortex-a72"].features])


def test_without_apt_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentFault, match="dpkg is missing"):
        ready_machine(tmp_path / "cache")
    assert not (tmp_path / "cache" / "emulator").exists()
