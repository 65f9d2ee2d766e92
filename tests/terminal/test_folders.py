"""Folders on the command line: what is refused, and that no command forgets to say that an option names one."""

import inspect
import os
import re
import subprocess
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import pytest
from typer import Typer
from typer.testing import CliRunner

from dataengine.bench.kill_resume.small_disk import small_disk
from dataengine.cli import COMMANDS, main
from dataengine.errors import EnvironmentFault, InputError
from dataengine.nets.checkpoint import META_NAME, WEIGHTS_NAME
from dataengine.nets.learnt_pictures import LEARNT_NAME
from dataengine.terminal.folders import (
    kept_folder_given,
    kept_folder_option,
    out_file_given,
    out_folder_given,
    replaced_folder_option,
)
from dataengine.train.fit.params import CHECKPOINT_FILES, REPORT_FILES
from dataengine.train.fit.report import PICTURE_NAME

WRITTEN = ("out", "report", "work", "state")
KEPT = ("cache", "answers", "shadow_out")
READ = (
    *("fetched", "mix", "balance", "selection", "images", "student", "candidate", "store", "comparison", "rounds"),
    *("adopted", "also", "lifter", "blazepose", "photographs", "requested", "export", "bundle", "converter"),
)
OF_FILES = {  # command -> option of such a name that takes a file
    *(("label-export", "out"), ("annotate-cvat", "out"), ("pose-sheet", "out"), ("draw-motions", "out")),
    *(("check-renders", "out"), ("fit-tracker", "out"), ("simulate-gate", "out"), ("simulate-coverage", "out")),
}


def path_options() -> dict[tuple[str, str], Any]:
    """(command, parameter) -> typer's description, of each that takes paths."""
    found = {}
    for name, entry in COMMANDS.items():
        hints = get_type_hints(import_module(entry.module).command, include_extras=True)
        for parameter, hint in hints.items():
            if "Path" in str(getattr(hint, "__origin__", "")):
                (found[name, parameter],) = (each for each in hint.__metadata__ if hasattr(each, "param_decls"))
    return found


def test_no_command_forgets_that_an_option_names_a_folder() -> None:
    options = path_options()
    assert len(options) > 250
    plain = {key for key, option in options.items() if option.callback is None}
    written = {key for key, option in options.items() if option.callback is out_folder_given or is_replaced(option)}
    assert not {key for key in plain if key[1] in (*WRITTEN, *KEPT, *READ)}
    assert {key for key, option in options.items() if option.callback is out_file_given} == OF_FILES
    assert {key for key in options if key[1] in WRITTEN} - OF_FILES <= written
    kept = {key for key, option in options.items() if option.callback is kept_folder_given}
    assert kept == {key for key in options if key[1] in KEPT} - {("prepare-body", "cache")}
    begins = ("Folder", "Checkpoint folder")
    forgotten = {key for key in plain if str(options[key].help).startswith(begins)}
    assert forgotten == {("infer", "model"), ("serve", "model")}  # or a file, as their help goes on


def is_replaced(option: Any) -> bool:
    """Whether the option is of a folder that is replaced whole."""
    return bool(getattr(option.callback, "__qualname__", "").startswith("_only."))


REPLACED = {
    *(
        ("fetch", "out"),
        ("ingest", "out"),
        ("balance", "out"),
        ("balance", "report"),
        ("mix", "out"),
        ("mix", "report"),
    ),
    *(("fit-teacher", "out"), ("fit-teacher", "report"), ("fit-student", "out"), ("fit-student", "report")),
    *(("pseudo-label", "out"), ("pseudo-label", "report"), ("select", "out"), ("compare", "out")),
    *(("compare-scores", "report"), ("make-starter", "out")),
}
BY_THEMSELVES = {"convert", "export", "bundle", "deploy", "pretrain", "adopt", "prepare-body", "make-starter"}
"""Commands that look at what lies in the folder in another way, each with a test of its own."""


def test_no_command_replaces_a_folder_without_saying_what_may_lie_there() -> None:
    options = path_options()
    assert {key for key, option in options.items() if is_replaced(option)} == REPLACED
    replacing = {
        name
        for name, entry in COMMANDS.items()
        if re.search(r"fresh_folder\((out|report)\b", inspect.getsource(import_module(entry.module)))
    }
    assert replacing - BY_THEMSELVES <= {name for name, _ in REPLACED}
    assert {META_NAME, WEIGHTS_NAME, LEARNT_NAME} == CHECKPOINT_FILES and PICTURE_NAME in REPORT_FILES


@pytest.mark.parametrize(("command", "option"), sorted(REPLACED))
def test_somebodys_folder_is_not_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, option: str
) -> None:
    (tmp_path / "holiday.jpg").write_text("mine")
    (tmp_path / ".gitignore").write_text("DVC's")
    assert f"{tmp_path} would be replaced" in said(capsys, [command, f"--{option}", str(tmp_path)])
    assert (tmp_path / "holiday.jpg").read_text() == "mine"


def test_what_the_command_wrote_is_replaced(tmp_path: Path) -> None:
    app, given = Typer(), []

    @app.command()
    def write(out: Annotated[Path, replaced_folder_option(holds={"train.json"}, help="Folder.")]) -> None:
        given.append(out)

    def called(out: Path) -> BaseException | None:
        return CliRunner().invoke(app, ["--out", str(out)]).exception

    for name in ("train.json", ".gitignore"):
        (tmp_path / name).write_text("")
        assert called(tmp_path) is None
    assert called(tmp_path / "new") is None
    assert given == [tmp_path, tmp_path, tmp_path / "new"]
    (tmp_path / "images").mkdir()
    refusal = called(tmp_path)
    assert isinstance(refusal, InputError)
    assert "--out" in str(refusal) and "expected what this command writes, or nothing, got images" in str(refusal)
    assert len(given) == 3


LIFT = ["lift", "--people", "absent.json", "--lifter", "absent", "--out"]
FIT = ["fit-student", "--mix", "m", "--pseudo", "p", "--val", "v", "--out"]


def said(capsys: pytest.CaptureFixture[str], words: list[str]) -> str:
    """The one line with which the command line ends."""
    with pytest.raises(SystemExit) as raised:
        main(words)
    assert raised.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([*FIT, "FILE", "--report", "r"], "--out is a file: expected a folder, got FILE"),
        ([*FIT, "o", "--report", "FILE"], "--report is a file: expected a folder, got FILE"),
        ([*FIT, " ", "--report", "r"], "a folder to write has no name: expected --out FOLDER, got an empty text"),
        ([*FIT, "o", "--report", ""], "a folder to write has no name: expected --report FOLDER"),
        (["bundle", "FILE", "--out", "o"], "EXPORT is a file: expected a folder, got FILE"),
        (["lift", "--people", "p", "--lifter", "FILE", "--out", "o"], "--lifter is a file: expected a folder"),
        (
            [
                "find-mistakes",
                "--annotations",
                "a",
                "--images",
                "i",
                "--out",
                "o",
                "--adopted",
                "d",
                "--adopted",
                "FILE",
            ],
            "--adopted is a file: expected a folder, got FILE",
        ),
    ],
)
def test_a_file_or_an_empty_name_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("FILE").write_text("mine")
    assert says in said(capsys, words)
    assert [path.name for path in tmp_path.iterdir()] == ["FILE"] and Path("FILE").read_text() == "mine"


@pytest.mark.parametrize("words", [["infer", "FILE", "film", "--out", "o"], ["serve", "FILE"]])
def test_a_model_may_be_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("FILE").write_text("no network")
    assert "expected a folder" not in said(capsys, words)


@pytest.fixture
def unwritable(tmp_path: Path) -> Iterator[Path]:
    """A folder in which nothing can be made, with the folder `old` in it, which can be written."""
    place = tmp_path / "disk"
    if os.geteuid():
        (place / "old").mkdir(parents=True)
        place.chmod(0o500)
        yield place
        place.chmod(0o700)
        return
    try:  # for root a disk has to be read-only
        with small_disk(place):
            (place / "old").mkdir()
            subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(place / "old")], check=True)
            try:
                yield place
            finally:
                subprocess.run(["umount", str(place / "old")], check=True)
    except EnvironmentFault as fault:
        pytest.skip(str(fault))


@pytest.mark.parametrize("out", ["new", "new/deep", "."])
def test_a_folder_that_cannot_be_written_is_refused_before_the_work(
    unwritable: Path, capsys: pytest.CaptureFixture[str], out: str
) -> None:
    line = said(capsys, [*LIFT, str(unwritable / out)])
    assert f"error: cannot write {unwritable / out}: expected a folder to write in, got {unwritable}" in line
    assert "make room or give permission" in line


def test_a_folder_is_replaced_only_where_another_may_lie_beside_it(
    unwritable: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert f"cannot write {unwritable / 'old'}" in said(capsys, ["fit-student", "--out", str(unwritable / "old")])
    assert "cannot write" not in said(capsys, [*LIFT, str(unwritable / "old")]), "what is not replaced grows in place"


def test_a_cache_may_be_read_only(unwritable: Path) -> None:
    app, given = Typer(), []

    @app.command()
    def read(cache: Annotated[Path, kept_folder_option(help="Folder.")]) -> None:
        given.append(cache)

    assert CliRunner().invoke(app, ["--cache", str(unwritable)]).exit_code == 0
    assert given == [unwritable]


@pytest.mark.parametrize("out", ["", ".", "/", "old", "new/"])
def test_a_folder_is_no_file_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], out: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("old").mkdir()
    line = said(capsys, ["label-export", "--selection", "old", "--out", out])
    assert f"--out is a folder: expected a file to write, got {out or 'an empty text'}; name a file in it" in line


def test_a_file_that_cannot_be_written_is_refused_before_the_work(
    unwritable: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = unwritable / "new" / "poses.jpg"
    line = said(capsys, ["pose-sheet", "--cache", "absent", "--out", str(path)])
    assert f"error: cannot write {path}: expected a folder to write in, got {unwritable}" in line
