"""The whole examination: a project that agrees with itself, all repairs at once, and a folder without one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dataengine.cli import app
from dataengine.doctor.project_state import committed
from dataengine.doctor.project_state.examination import examine
from dataengine.doctor.project_state.kept import Kept
from dataengine.doctor.project_state.restoring import ASIDE

from .kept_project import files_of


def test_a_project_that_agrees_with_itself(kept: Kept) -> None:
    before = files_of(kept.root)
    examination = examine(kept.root, kept.params)
    assert [each.result.found for each in examination.findings if each.result.status != "ok"] == []
    assert (examination.exit_code, files_of(kept.root)) == (0, before)


def test_everything_that_can_be_put_right_is_and_the_rest_is_listed(kept: Kept) -> None:
    before = files_of(kept.root)
    (kept.store / "b" / "model.onnx").write_text("a flipped byte")
    pictures = sorted((kept.labels / "pictures").iterdir())
    pictures[0].unlink()
    pictures[1].write_bytes(b"another")
    next(iter(kept.labels.glob("*.json"))).write_text("{")
    next(iter(kept.rounds.glob("*.json"))).unlink()
    (kept.root / ".dvc/tmp/rwlock").write_text("")
    (kept.root / "dvc.lock").write_text("schema: '2.0'\nstages:\n  select:\n    cmd: x\n    deps:\n    - path: y\n")
    (kept.labels / ".0123.4711.partial.json").write_text("{")
    done = CliRunner().invoke(app, ["doctor", "--project", "--fix", "--json"])
    told = json.loads(done.output)
    assert (done.exit_code, told["faults"], told["notes"], told["failed"]) == (0, 0, 0, []), done.output
    assert len(told["fixed"]) == 7
    assert files_of(kept.root) == before
    aside = {path.name: path.read_text() for path in (kept.root / ASIDE).rglob("*") if path.is_file()}
    assert aside["model.onnx"] == "a flipped byte"
    kept.params.write_text(kept.params.read_text().replace("round: 2", "round: 7"))
    assert CliRunner().invoke(app, ["doctor", "--project"]).exit_code == 2
    assert CliRunner().invoke(app, ["doctor", "--fix"]).exit_code != 0


def test_an_unsettled_merge(kept: Kept) -> None:
    for branch, number in (("other", 3), ("-", 4)):
        words = ["checkout", "-q", "-b", branch] if branch != "-" else ["checkout", "-q", "-"]
        assert kept.git(*words).returncode == 0
        kept.params.write_text(kept.params.read_text().replace("round: 2", f"round: {number}"))
        assert kept.git("commit", "-qam", branch).returncode == 0
    assert kept.git("merge", "other").returncode != 0
    assert [each.result.name for each in committed.check_committed(kept)] == ["merge"]


def test_a_folder_without_a_project_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "dataengine", "doctor", "--project"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    (tmp_path / "dvc.yaml").write_text("stages: {}")
    (tmp_path / "params.yaml").write_text("registry: {file: a, store: b}")
    with pytest.raises(Exception, match="lacks"):
        examine(tmp_path, tmp_path / "params.yaml")
