"""Where Blender's Python is looked for, and what is said where there is none."""

import sys
from pathlib import Path

import pytest

from dataengine.blender.workers import interpreter
from dataengine.blender.workers.interpreter import REQUIREMENTS, about, blender_python, require_blender
from dataengine.cli import main
from dataengine.errors import EnvironmentFault


def environment(folder: Path) -> Path:
    """A folder with an environment in it; its interpreter."""
    python = folder / ".venv-blender" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    return python


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, a package and a Python with no environment of Blender near them."""
    for name in ("work", "site", "venv"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(interpreter, "PACKAGE", tmp_path / "site" / "dataengine")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv" / ".venv"))
    return tmp_path


def test_the_nearest_environment_is_taken(nowhere: Path) -> None:
    for place in ("venv", "site", "work"):  # the last is looked at first
        assert environment(nowhere / place) == blender_python("")


def test_a_named_one_goes_before_all_and_keeps_its_link(nowhere: Path) -> None:
    environment(nowhere / "work")
    link = nowhere / "python"
    link.symlink_to(sys.executable)
    assert blender_python(str(link)) == link, "the target is not of the same environment"


def test_without_any_one_line_says_what_works_and_how_to_get_it(nowhere: Path) -> None:
    with pytest.raises(EnvironmentFault) as raised:
        require_blender("")
    line = str(raised.value)
    assert "\n" not in line
    assert "no .venv-blender/bin/python; every other stage works without" in line
    assert "make setup" in line and "render.python" in line
    assert str(REQUIREMENTS) in line and REQUIREMENTS.is_file()


def test_one_that_is_not_there_or_lacks_blender_is_one_line(nowhere: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"no Python for Blender at render\.python: got /nowhere/python"):
        blender_python("/nowhere/python")
    with pytest.raises(EnvironmentFault, match=r"needs Blender's module 'bpy': got .*, which lacks it; make setup"):
        about(Path(sys.executable))
    with pytest.raises(EnvironmentFault, match="/bin/false gave no answer: got exit code 1"):
        about(Path("/bin/false"))


def test_the_command_ends_with_that_line(nowhere: Path, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--out", "out", "--cache", "cache", "--params", str(repository / "params.yaml")]
    with pytest.raises(SystemExit) as ended:
        main(["render", *arguments])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(
        "dataengine: error: rendering needs Blender, in an environment of its own"
    )
    assert not (nowhere / "work" / "cache").exists()


@pytest.mark.bpy
def test_blenders_own_says_what_it_has(blenders_python: Path) -> None:
    found = about(blenders_python)
    pins = dict(line.split("==") for line in REQUIREMENTS.read_text().splitlines() if "==" in line and line[0] != "#")
    assert (found.bpy, found.numpy) == (pins["bpy"], pins["numpy"])
    assert found.python.startswith("3.11.")
