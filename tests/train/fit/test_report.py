"""The curves of a fit, where git has something to say about them."""

import subprocess
import sys
from pathlib import Path

import pytest

from dataengine.errors import EnvironmentFault
from dataengine.train.fit.report import write_curves

HISTORY = [{"train_loss": 2.0}, {"train_loss": 1.0}]


def test_a_repository_without_a_commit_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "--quiet"], check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet"], check=True)
    with pytest.raises(EnvironmentFault, match="git commit --allow-empty"):
        write_curves(tmp_path / "report", HISTORY, {})
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *identity, "commit", "--quiet", "--allow-empty", "-m", "start"], check=True)
    write_curves(tmp_path / "report", HISTORY, {})
    curve = (tmp_path / "report/plots/metrics/train_loss.tsv").read_text().splitlines()
    assert [line.split("\t")[1] for line in curve] == ["train_loss", "2.0", "1.0"]
