"""Temporary folders of experiments that were stopped."""

import json
import subprocess
import sys
from pathlib import Path

from dataengine.studies.left_experiments import EXPERIMENTS, clear_left


def left(root: Path, folder: Path, name: str) -> Path:
    """The folder of an experiment, and what DVC 3.67 notes of it."""
    folder.mkdir(parents=True)
    (folder / "network").write_text("a copy")
    note = root / EXPERIMENTS / "run" / folder.name / f"{folder.name}.run"
    note.parent.mkdir(parents=True)
    note.write_text(json.dumps({"root_dir": str(folder), "dvc_dir": ".dvc", "name": name, "status": 1}))
    return folder


def test_the_folder_of_an_experiment_that_nobody_works_in_goes(tmp_path: Path) -> None:
    temporary = tmp_path / EXPERIMENTS / "standalone"
    mine, busy = (left(tmp_path, temporary / folder, "mine") for folder in ("tmp1", "tmp2"))
    other = left(tmp_path, temporary / "tmp3", "other")
    elsewhere = left(tmp_path, tmp_path / "data", "mine")
    (tmp_path / EXPERIMENTS / "run" / "half.run").write_text("{")
    (busy / "below").mkdir()
    words = [sys.executable, "-c", "print(flush=True); input()"]
    with subprocess.Popen(words, cwd=busy / "below", stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        program.stdout.readline()
        clear_left(tmp_path, "mine")
        assert (mine.exists(), busy.exists(), other.exists(), elsewhere.exists()) == (False, True, True, True)
        program.kill()
    clear_left(tmp_path, "mine")
    assert (busy.exists(), other.exists(), elsewhere.exists()) == (False, True, True)
    clear_left(tmp_path / "new", "mine")
