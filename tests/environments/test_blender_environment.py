"""Blender's environment: which Python, which libraries, and what set-up does without one."""

import re
import subprocess
from pathlib import Path

import pytest

from dataengine.environments import blender_environment
from dataengine.environments.blender_environment import (
    ENVIRONMENT,
    LIBRARIES,
    check_system_libraries,
    ensure_blender,
    find_python,
)
from dataengine.errors import EnvironmentFault

from .test_virtual_environment import script


@pytest.fixture
def of_python_3_13(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blender_environment.sys, "version_info", (3, 13, 0))


def test_missing_libraries_are_named_with_their_debian_packages() -> None:
    check_system_libraries({"libc.so.6": "libc6"})
    with pytest.raises(EnvironmentFault, match=r"no libnone\.so\.1, libvoid\.so\.2; .*apt-get install none1 void2$"):
        check_system_libraries({"libnone.so.1": "none1", "libc.so.6": "libc6", "libvoid.so.2": "void2"})


@pytest.mark.usefixtures("of_python_3_13")
@pytest.mark.parametrize(
    ("says", "is_found"), [("echo Python 3.11.9", True), ("echo 'pyenv: not found'; exit 127", False)]
)
def test_another_python_looks_for_one_that_runs(
    says: str, is_found: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = script(tmp_path / "python3.11", says)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_python() == (str(program) if is_found else None)


@pytest.mark.usefixtures("of_python_3_13")
def test_without_python_3_11_set_up_goes_on_and_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    ensure_blender(tmp_path / "venv")
    assert "only rendering will not work; install python3.11" in capsys.readouterr().err
    assert not (tmp_path / "venv").exists()


def test_what_is_asked_for_is_installed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a shell script for pip, which notes what it is asked for."""
    calls = tmp_path / "calls"
    pip = f'case "$*" in *install*) echo "$@" >> {calls};; *) echo "(python 3.11)";; esac'
    script(tmp_path / "venv" / "bin" / "python", pip)
    maker = script(tmp_path / "python3.11", "echo Python 3.11.9")
    monkeypatch.setattr(blender_environment, "find_python", lambda: str(maker))
    monkeypatch.setattr(blender_environment, "LIBRARIES", {})
    wanted = tmp_path / "requirements.txt"
    wanted.write_text("bpy==4.5.15\n")
    for _ in range(2):
        ensure_blender(tmp_path / "venv", wanted)
    assert calls.read_text() == f"-m pip install --progress-bar off -r {wanted}\n"


@pytest.mark.bpy
def test_the_libraries_of_blender_are_all_that_it_asks_for(repository: Path) -> None:
    """Against the module's own list of needed libraries; those of glibc and the C++ runtime are on every machine."""
    found = list((repository / ENVIRONMENT).glob("lib/python3.11/site-packages/bpy/__init__*.so"))
    if not found:
        pytest.skip("no .venv-blender: make setup")
    (module,) = found
    listed = subprocess.run(["ldd", str(module)], capture_output=True, text=True, check=True).stdout
    direct = subprocess.run(["readelf", "-d", str(module)], capture_output=True, text=True)
    if direct.returncode != 0:
        pytest.skip("readelf is not installed")
    needed = set(re.findall(r"NEEDED.*\[(.+?)\]", direct.stdout))
    own = set(re.findall(r"^\s*(\S+) => \S*/bpy/lib/", listed, re.MULTILINE))
    runtime = re.compile(r"lib(c|m|dl|rt|util|pthread|gcc_s|stdc\+\+)\.so|ld-linux")
    assert {name for name in needed - own if not runtime.match(name)} <= set(LIBRARIES)
