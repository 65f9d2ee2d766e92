"""Virtual environments, with a shell script in the place of their Python."""

import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dataengine.environments.virtual_environment import (
    last_line,
    make_environment,
    pinned_count,
    repair_moved,
    set_stamp,
    stamp_path,
)
from dataengine.errors import EnvironmentFault

OURS = f"{sys.version_info.major}.{sys.version_info.minor}"


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_stamp_follows_what_is_asked_for(tmp_path: Path) -> None:
    asked = [tmp_path / "pyproject.toml", tmp_path / "constraints.txt"]
    asked[0].write_text("[project]")
    asked[1].write_text("numpy==2.4.6")
    first = stamp_path(tmp_path / ".venv", "3.11.7", asked)
    assert stamp_path(tmp_path / ".venv", "3.11.7", asked) == first
    assert stamp_path(tmp_path / ".venv", "3.13.0", asked) != first
    asked[1].write_text("numpy==2.4.5")
    assert stamp_path(tmp_path / ".venv", "3.11.7", asked) != first


def test_one_stamp_is_left(tmp_path: Path) -> None:
    for name in (".setup-old", ".setup-new"):
        set_stamp(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [".setup-new"]


def test_an_environment_that_works_is_kept(tmp_path: Path) -> None:
    python = script(tmp_path / "bin" / "python", f"echo 'pip 23.2 from somewhere (python {OURS})'")
    make_environment(tmp_path)
    assert python.read_text().startswith("#!/bin/sh")


@pytest.mark.parametrize("says", ["echo 'pip 23.2 from somewhere (python 3.6)'", "exit 1"])
def test_one_of_another_python_and_a_broken_one_are_made_again(tmp_path: Path, says: str) -> None:
    script(tmp_path / "venv" / "bin" / "python", says)
    maker = script(tmp_path / "python9", 'test "$1" = --version && echo Python 9.1.0 || mkdir -p $3/bin')
    (tmp_path / "venv" / "leftover").touch()
    make_environment(tmp_path / "venv", str(maker))
    assert [path.name for path in (tmp_path / "venv").iterdir()] == ["bin"]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A real environment without packages, with one program as pip writes it and a stamp."""
    environment = tmp_path / "project" / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    program = environment / "bin" / "greet"
    program.write_text(f"#!{environment}/bin/python\nimport sys; print(sys.prefix)\n")
    program.chmod(0o755)
    set_stamp(environment / ".setup-abc")
    return environment


def greeting(environment: Path) -> str:
    return subprocess.run([environment / "bin" / "greet"], capture_output=True, text=True, check=True).stdout.strip()


def test_an_environment_at_its_place_is_left_alone(small: Path, tmp_path: Path) -> None:
    assert not repair_moved(small)
    (tmp_path / "link").symlink_to(small.parent)
    assert not repair_moved(tmp_path / "link" / ".venv"), "a link to it leads to the same place"
    assert not repair_moved(tmp_path / "none")
    assert (small / ".setup-abc").exists() and greeting(small) == str(small)


def test_programs_of_a_moved_environment_run_again(small: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / ".venv"
    small.parent.rename(moved.parent)
    with pytest.raises(FileNotFoundError):
        greeting(moved)
    assert repair_moved(moved)
    assert greeting(moved) == str(moved)
    activated = f". {moved}/bin/activate && python -c 'import sys; print(sys.prefix)'"
    assert subprocess.run(["sh", "-c", activated], capture_output=True, text=True).stdout.strip() == str(moved)
    assert not list(moved.glob(".setup-*")), "pip has to install the project at its new place"
    assert not repair_moved(moved)


def test_a_copy_leaves_the_first_environment_alone(small: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy" / ".venv"
    shutil.copytree(small, copy, symlinks=True)
    assert greeting(copy) == str(small), "the copy's program is run by the first environment"
    assert repair_moved(copy)
    assert (greeting(copy), greeting(small)) == (str(copy), str(small))


def test_a_python_without_venv_is_one_line(tmp_path: Path) -> None:
    maker = script(tmp_path / "python9", "echo No module named venv >&2; exit 1")
    with pytest.raises(EnvironmentFault, match=r"venv failed: got No module named venv; .*apt-get") as raised:
        make_environment(tmp_path / "venv", str(maker))
    assert "\n" not in str(raised.value)


def test_last_line_skips_blank_ones() -> None:
    assert last_line("a\n b \n\n") == "b"
    assert last_line("") == "no output"


def test_pins_are_counted_without_comments(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("# a==1\na==1\nb\nc==2\n")
    assert pinned_count(tmp_path / "c.txt") == 2
