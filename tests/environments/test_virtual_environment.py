"""Virtual environments, with a shell script in the place of their Python."""

import stat
import sys
from pathlib import Path

import pytest

from dataengine.environments.virtual_environment import (
    last_line,
    make_environment,
    pinned_count,
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
