"""The project, its environment and tools, memory and disk."""

import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from dataengine.doctor.asking.programs import Reply
from dataengine.doctor.environment import Disk, Packages, find_browser, parse_pins, read_disk, read_packages
from dataengine.doctor.memory import check_disk, check_memory
from dataengine.doctor.project import FITS, read_project
from dataengine.doctor.questions import find_blender_python, find_command
from dataengine.doctor.tools import check_browser, check_dvc, check_environment, check_git, check_project
from dataengine.environments.machine_setup import ASKED_FOR
from dataengine.environments.virtual_environment import set_stamp, stamp_path
from dataengine.errors import EnvironmentFault
from dataengine.hardware.memory import Memory

from .healthy import facts, project, said

GB = 1_000_000_000


def folder(path: Path, params: str = "app: {port: 6000}\n") -> Path:
    (path / "dvc.yaml").write_text("stages: {}\n")
    (path / "params.yaml").write_text(params)
    return path


def test_a_project_is_read_with_its_params(tmp_path: Path) -> None:
    found = read_project(folder(tmp_path), tmp_path / "params.yaml")
    assert (found.found, found.set_up, found.params_fault) == (True, "no", "")
    assert found.value("app", "port", 5151) == 6000
    assert found.value("app", "address", "127.0.0.1") == "127.0.0.1"
    assert found.value("app", "port", "text") == "text", "of another kind"
    assert found.value("none", "key", 3) == 3
    assert check_project(facts(project=found)).status == "ok"


def test_a_fits_own_section_counts_before_the_shared_one() -> None:
    shared = project(fit={"precision": "fp32", "device": "cpu"}, **{"fit-student": {"precision": "bf16"}})
    assert [shared.value(fit, "precision", "auto") for fit in FITS] == ["fp32", "bf16"]
    assert shared.value("fit-student", "device", "auto") == "cpu"
    assert project().value("fit-student", "device", "auto") == "auto"


@pytest.mark.parametrize("text", ["a: [", "- a list\n", "", "a: \x00"])
def test_params_that_cannot_be_read_are_a_fault_in_one_line(tmp_path: Path, text: str) -> None:
    found = read_project(folder(tmp_path, text), tmp_path / "params.yaml")
    finding = check_project(facts(project=found))
    assert finding.status == "fault"
    assert "\n" not in finding.found


def test_outside_a_project_that_is_said(tmp_path: Path) -> None:
    found = read_project(tmp_path, tmp_path / "params.yaml")
    finding = check_project(facts(project=found))
    assert finding.status == "note"
    assert f"none: {tmp_path} has no dvc.yaml" in finding.found
    assert check_git(facts(project=found, git=Reply(fault="fatal: not a git repository"))).status == "ok"
    assert check_environment(facts(project=found)).status == "ok"


def test_set_up_that_has_not_run_is_a_note() -> None:
    finding = check_environment(facts(project=replace(project(), set_up="no")))
    assert finding.status == "note"
    assert "make repro does it first" in finding.used
    assert check_dvc(facts(dvc="", project=replace(project(), set_up="no"))).status == "note"
    assert check_dvc(facts(dvc="")).status == "fault"


def test_a_python_that_set_up_refuses_is_a_fault() -> None:
    refused = EnvironmentFault("x", expected="Python 3.11, 3.12 or 3.13", fix="make setup PYTHON=/path/to/python3.11")
    finding = check_environment(facts(python_fault=refused))
    assert finding.status == "fault"
    assert said(finding).endswith("not Python 3.11, 3.12 or 3.13; make setup PYTHON=/path/to/python3.11")


def test_set_up_is_known_by_its_stamp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = tmp_path / "params.yaml"
    (tmp_path / "pyproject.toml").write_text("[project]")
    (tmp_path / "constraints.txt").write_text("numpy==2.0")
    environment = tmp_path / ".venv"
    environment.mkdir()
    assert read_project(tmp_path, params).set_up == "no"
    set_stamp(stamp_path(environment, sys.version, [tmp_path / name for name in ASKED_FOR]))
    monkeypatch.setattr(sys, "prefix", str(environment))
    assert read_project(tmp_path, params).set_up == "yes"
    (tmp_path / "constraints.txt").write_text("numpy==2.1")
    assert read_project(tmp_path, params).set_up == "old"
    monkeypatch.setattr(sys, "prefix", "/usr")
    assert read_project(tmp_path, params).set_up == "yes", "another Python cannot tell"
    (tmp_path / "constraints.txt").unlink()
    assert read_project(tmp_path, params).set_up == "yes"


def test_packages_unlike_their_pins_are_named(tmp_path: Path) -> None:
    pins = tmp_path / "constraints.txt"
    torch_pin = version("torch").partition("+")[0]
    pins.write_text(f"# comment\nPyYAML==0.1\ntorch=={torch_pin}\nnot_installed==1  # why\n")
    unlike = read_packages(pins).unlike
    assert len(unlike) == 1
    assert unlike[0].lower().startswith(f"pyyaml {version('pyyaml')} (0.1)")
    assert read_packages(tmp_path / "missing.txt").unlike == ()
    many = Packages("3.11", "/x", ("a 1 (2)", "b 1 (2)", "c 1 (2)", "d 1 (2)"))
    finding = check_environment(facts(packages=many))
    assert finding.status == "note"
    assert finding.used == "unlike constraints.txt: a 1 (2), b 1 (2) and 2 more"


def test_pins_of_all_spellings() -> None:
    assert parse_pins("Ruamel.YAML == 1.0 # x\n-e .\nzc_lockfile==4\n") == {"ruamel-yaml": "1.0", "zc-lockfile": "4"}


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (Reply("/home/ada/dataengine\n"), "ok", "checkout"),
        (Reply(fault="not found"), "fault", "apt-get install git"),
        (Reply(fault="fatal: not a git repository"), "fault", "git init"),
        (Reply(fault="fatal: detected dubious ownership in repository at '/x'"), "fault", "safe.directory"),
    ],
)
def test_git_is_needed_by_dvc(answer: Reply, status: str, words: str) -> None:
    finding = check_git(facts(git=answer))
    assert finding.status == status
    assert words in said(finding)


def test_what_git_says_of_a_folder_without_a_repository_is_understood(tmp_path: Path) -> None:
    from dataengine.doctor.asking.programs import ask

    answer = ask(["git", "-C", str(tmp_path), "rev-parse", "--show-toplevel"], 30)
    assert "not a git repository" in answer.fault
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert ask(["git", "-C", str(tmp_path), "rev-parse", "--show-toplevel"], 30).text.strip() == str(tmp_path.resolve())


def test_a_browser_is_for_the_tests_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_browser() == ""
    assert check_browser(facts(browser="")).status == "note"
    chrome = tmp_path / "google-chrome"
    chrome.write_text("#!/bin/sh\n")
    chrome.chmod(0o755)
    assert find_browser() == str(chrome)
    assert check_browser(facts(browser=str(chrome))).status == "ok"


def test_programs_of_an_environment_that_is_not_activated_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert find_command(Path(sys.executable).name) == str(Path(sys.executable))
    assert find_command("no-such-program") == ""


def test_the_interpreter_for_blender_is_the_named_one_or_that_of_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dataengine.doctor.questions.PACKAGE_PARENT", tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "x" / ".venv"))
    there = replace(project(), root=tmp_path)
    assert find_blender_python(there) == ""
    own = tmp_path / ".venv-blender" / "bin" / "python"
    own.parent.mkdir(parents=True)
    own.touch()
    assert find_blender_python(there) == str(own)
    (tmp_path / "other").touch()
    for wish, found in (("other", str(tmp_path / "other")), ("gone", "")):
        named = replace(project(render={"python": wish}), root=tmp_path)
        assert find_blender_python(named) == found


@pytest.mark.parametrize(
    ("memory", "status", "words"),
    [
        (Memory(16 * GB, 16 * GB, 12 * GB), "ok", "16.0 GB, 12.0 GB free"),
        (Memory(64 * GB, 2 * GB, 1 * GB), "fault", "2.0 GB of 64.0 GB, 1.0 GB free"),
        (Memory(64 * GB, 2 * GB, 1 * GB), "fault", "raise the limit of the container"),
        (Memory(2 * GB, 2 * GB, 1 * GB), "fault", "a machine with more memory"),
        (Memory(16 * GB, 16 * GB, 1 * GB), "note", "end other programs"),
        (Memory(None, None, None), "ok", "size not known"),
    ],
)
def test_memory_against_what_a_run_needs(memory: Memory, status: str, words: str) -> None:
    finding = check_memory(facts(memory=memory))
    assert finding.status == status
    assert words in said(finding)


def test_disk_against_what_set_up_and_a_run_need() -> None:
    some = Disk("/x", 4 * GB, True)
    assert check_disk(facts(disk=some)).status == "ok"
    before = facts(disk=some, project=replace(project(), set_up="no"))
    assert check_disk(before).status == "fault"
    assert "make room" in check_disk(before).fix
    assert check_disk(facts(disk=Disk("/x", None, True))).status == "ok"
    assert check_disk(facts(disk=Disk("/x", 80 * GB, False))).status == "fault"


def test_the_fullest_disk_of_the_projects_folders_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    root = tmp_path / "root"
    root.mkdir()
    (root / "models").symlink_to(elsewhere)
    real = shutil.disk_usage
    assert read_disk(root).free_bytes == pytest.approx(real(tmp_path).free, rel=0.1)
    small = {str(root / "models"): 5}
    monkeypatch.setattr(
        "dataengine.doctor.environment.shutil.disk_usage",
        lambda path: real(path)._replace(free=small.get(str(path), 10)),
    )
    assert read_disk(root) == Disk(str(root / "models"), 5, True)
    assert read_disk(tmp_path / "gone") == Disk(str(tmp_path / "gone"), None, False)
