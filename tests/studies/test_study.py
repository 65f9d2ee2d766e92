"""The runner of studies, on trials that need no experiment and on a project that only notes its experiments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dataengine.files import read_json, write_json
from dataengine.studies.study import Study


@dataclass(frozen=True, kw_only=True)
class SquareStudy(Study[int, int]):
    """A trial is a number, what it comes to is its square; a negative number is out of luck."""

    command = "compare-squares"
    unit = "number"
    page_name = "squares"

    numbers: tuple[int, ...]

    def prepare(self) -> None:
        write_json(self.report / "prepared.json", True)

    def trials(self) -> Sequence[int]:
        assert (self.report / "prepared.json").exists(), "prepared before anything else"
        return self.numbers

    def known(self, trial: int) -> int | None:
        file = self.record_file(str(trial))
        return int(read_json(file)) if file.exists() else None

    def outcome(self, trial: int) -> int:
        if trial < 0:
            raise ValueError("out of luck")
        with (self.report / "log").open("a") as log:
            log.write(f"{trial} ")
        write_json(self.record_file(str(trial)), trial**2)
        return trial**2

    def write(self, known: Mapping[int, int]) -> None:
        write_json(self.report / "squares.json", sorted(known.values()))
        (self.report / "squares.md").touch()


def test_only_what_is_missing_is_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    SquareStudy(numbers=(3, 0), report=tmp_path).run()
    assert read_json(tmp_path / "squares.json") == [0, 9]
    assert "compare-squares: 0 of 2 numbers are known" in capsys.readouterr().err
    SquareStudy(numbers=(3, 2, 0), report=tmp_path).run()
    assert (tmp_path / "log").read_text() == "3 0 2 ", "0 is a result, too"
    assert read_json(tmp_path / "squares.json") == [0, 4, 9]
    printed = capsys.readouterr().err
    assert "2 of 3 numbers are known" in printed and f"wrote {tmp_path}/squares.md\n" in printed
    (tmp_path / "squares.png").touch()
    SquareStudy(numbers=(3,), report=tmp_path).run()
    assert f"wrote {tmp_path}/squares.md and {tmp_path}/squares.png\n" in capsys.readouterr().err


def test_a_study_that_fails_keeps_what_it_found(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="out of luck"):
        SquareStudy(numbers=(3, -1, 4), report=tmp_path).run()
    assert read_json(tmp_path / "squares.json") == [9]
    SquareStudy(numbers=(3, 4), report=tmp_path).run()
    assert (tmp_path / "log").read_text() == "3 4 "


class RecordingProject:
    """Experiments that do nothing but stand in a list."""

    def __init__(self) -> None:
        self.run: dict[str, Any] = {}

    def experiments(self) -> dict[str, str]:
        return {name: f"revision of {name}" for name in self.run}

    def run_experiment(self, name: str, *arguments: Any, **keywords: Any) -> None:
        assert name not in self.run
        self.run[name] = (*arguments, keywords)


def test_an_experiment_is_run_once(tmp_path: Path) -> None:
    study, project = SquareStudy(numbers=(), report=tmp_path), RecordingProject()
    vars(study)["project"] = project
    for _ in range(2):
        revision = study.experiment("a", {"mix.seed": "1"}, "mix", copied=(tmp_path,), alone=True)
        assert revision == "revision of a"
    assert project.run == {"a": ({"mix.seed": "1"}, "mix", {"copied": (tmp_path,), "alone": True})}
