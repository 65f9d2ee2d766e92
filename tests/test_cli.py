import os
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import typer.main
import yaml

from dataengine.cli import COMMANDS, app, main
from dataengine.errors import InputError

PIPELINE = Path(__file__).resolve().parents[1] / "dvc.yaml"
STAGES = yaml.safe_load(PIPELINE.read_text(encoding="utf-8"))["stages"]


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dataengine", *arguments], capture_output=True, text=True, timeout=120, cwd=cwd
    )


def test_help_lists_every_command() -> None:
    shown = run("--help").stdout
    assert all(name in shown for name in COMMANDS)


def test_help_fits_a_terminal_with_each_summary_on_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dataengine", "--help"],
        capture_output=True, text=True, timeout=120, env={**os.environ, "COLUMNS": "80"},
    )  # fmt: skip
    for name, entry in COMMANDS.items():
        line = next(line for line in done.stdout.splitlines() if line.split()[:1] == [name])
        assert line.endswith(entry.summary), line


@pytest.mark.parametrize("name", [name for name in COMMANDS])
def test_every_command_teaches_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert f"dataengine {name}" in shown
    assert len(shown.split()) > 20, "a help text says more than its options"


def test_a_users_mistake_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    done = run("history", "--params", "nowhere.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("dataengine: error: nowhere.yaml does not exist")
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" in run("--debug", "history", "--params", "nowhere.yaml", cwd=tmp_path).stderr


def test_an_unknown_command_is_refused() -> None:
    done = run("traim")
    assert done.returncode == 2
    assert "traim" in done.stderr


def test_an_error_is_one_line_whatever_it_holds() -> None:
    error = InputError("the\nfile", expected="a", got="b\n\nc", fix="do x")
    assert str(error) == "the file: expected a, got b c; do x"


def examples_of(name: str) -> list[str]:
    """The command lines that a command's help shows."""
    text = import_module(COMMANDS[name].module).command.__doc__ or ""
    return [
        line.strip().removeprefix("Example: ") for line in text.splitlines() if line.strip().startswith("Example: ")
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_example_is_one_line_that_the_command_takes(name: str) -> None:
    """Parsed by the command itself, without running it: unknown options, missing ones and wrong types fail."""
    examples = examples_of(name)
    assert examples, "the help ends with `Example: dataengine ...` on one line"
    for example in examples:
        for part in example.split(" && "):
            words = shlex.split(part)
            if words[0] == "dataengine":
                group = typer.main.get_group(app)
                context = group.make_context("dataengine", words[1:2], resilient_parsing=True)
                command = group.get_command(context, words[1])
                assert command is not None, part
                command.make_context(words[1], words[2:], parent=context)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name in STAGES])
def test_the_example_of_a_stage_is_what_the_pipeline_runs(name: str) -> None:
    registry = yaml.safe_load(PIPELINE.with_name("params.yaml").read_text(encoding="utf-8"))["registry"]
    command = " ".join(STAGES[name]["cmd"].split())
    for key, value in registry.items():
        command = command.replace(f"${{registry.{key}}}", value)
    assert examples_of(name)[0] == command
