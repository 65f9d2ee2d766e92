"""The budget through `dvc repro`, a clone and params that are taken back: real commands, a local remote."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from dataengine.cli import app
from dataengine.errors import DataEngineError
from dataengine.registry.ledger import Ledger
from dataengine.registry.records import Registry
from dataengine.registry.registry_file import read_registry, write_registry

from .gate_round import PARAMS, Gate

DATAENGINE = f"{sys.executable} -m dataengine.cli"
COMPARE = (
    "compare --candidate models/export --test data/ingest/test.json --registry models/registry.json "
    "--store models/registry --out reports/compare"
)
PROMOTE = (
    "promote --comparison reports/compare --candidate models/export --registry models/registry.json "
    "--store models/registry --out reports/promote"
)
STAGES = {
    "compare": {
        "cmd": f"{DATAENGINE} {COMPARE}",
        "params": ["compare"],
        "deps": ["models/export", "data/ingest"],
        "outs": ["reports/compare"],
    },
    "promote": {
        "cmd": f"{DATAENGINE} {PROMOTE}",
        "params": ["compare", "promote"],
        "deps": ["reports/compare", "models/export"],
        "outs": ["reports/promote"],
    },
}


@dataclass(frozen=True)
class Project:
    """A checkout with the last two stages of the pipeline."""

    root: Path

    def run(self, *words: str, fails: bool = False) -> str:
        """Run ``git``, ``dvc`` or ``dataengine`` here; what it printed."""
        module = {"dvc": [sys.executable, "-m", "dvc"], "dataengine": DATAENGINE.split()}
        command = [*module.get(words[0], [words[0]]), *words[1:]]
        done = subprocess.run(command, cwd=self.root, check=False, capture_output=True, text=True)
        assert (done.returncode != 0) is fails, f"{' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def refusal(self, patch: pytest.MonkeyPatch) -> str:
        """What the command of `compare` refuses with here. DVC would run it and pass that on."""
        patch.chdir(self.root)
        refused = CliRunner().invoke(app, COMPARE.split()).exception
        assert isinstance(refused, DataEngineError), refused
        return str(refused)

    def commit(self) -> None:
        self.run("git", "add", "-A")
        self.run("git", "commit", "-q", "-m", "work")

    def verdict(self) -> bytes:
        return (self.root / "reports/compare/verdict.json").read_bytes()

    def facts(self) -> dict[str, Any]:
        return json.loads(self.verdict())

    def ledger(self) -> Ledger:
        return read_registry(self.root / "models/registry.json").ledger

    def edit_params(self, old: str, new: str) -> None:
        path = self.root / "params.yaml"
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))


@pytest.fixture
def project(round_folder: Path, exported: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The good model has been exported, and the first round has not begun."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "a")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "a@example.org")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    root = tmp_path / "project"
    shutil.copytree(round_folder / "test", root / "data" / "ingest" / "test")
    shutil.copy(round_folder / "test.json", root / "data" / "ingest")
    shutil.copytree(exported["good"], root / "models" / "export")
    write_registry(root / "models" / "registry.json", Registry())
    Gate(root, root).write_params(replace(PARAMS, guarded=replace(PARAMS.guarded, slices=[])))
    made = Project(root)
    made.edit_params(str(root / "models" / "registry.json"), "models/registry.json")
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": STAGES}))
    (root / ".gitignore").write_text("/models/registry/\n/policy.json\n")
    made.run("git", "init", "-q")
    made.run("dvc", "init", "-q")
    made.run("dvc", "remote", "add", "-q", "--default", "store", str(tmp_path / "remote"))
    made.run("dvc", "add", "-q", "data/ingest", "models/export")
    return made


@pytest.mark.slow
def test_neither_force_nor_a_clone_nor_old_params_give_a_fresh_count(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.run("dvc", "repro", "-q")
    verdict, registry = project.verdict(), (project.root / "models/registry.json").read_bytes()
    assert project.facts()["verdict"] == "promote" and project.ledger().comparisons == 1
    project.run("dvc", "repro", "-q", "--force")
    assert project.verdict() == verdict
    assert (project.root / "models/registry.json").read_bytes() == registry
    project.commit()
    project.run("dvc", "push", "-q")

    project.run("git", "clone", "-q", ".", str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone")
    clone.run("dvc", "pull", "-q")
    clone.run("dvc", "repro", "-q", "--force", "--single-item", "compare")
    assert clone.verdict() == verdict
    assert (clone.root / "models/registry.json").read_bytes() == registry

    clone.edit_params("resamples: 200", "resamples: 400")
    assert "the round's comparison is spent: 1 since it began" in clone.run("dvc", "repro", "compare", fails=True)
    clone.run("dataengine", "begin-round")
    clone.edit_params("resamples: 400", "resamples: 500")
    told = clone.refusal(monkeypatch)
    assert "is not the policy that the round was begun with" in told and "begin-round" in told
    clone.edit_params("resamples: 500", "resamples: 400")
    clone.edit_params('champion: "' + project.facts()["candidate"], 'champion: "')  # of the round before
    clone.run("dvc", "repro", "-q", "compare")
    assert clone.facts()["test"]["use"] == 2 and clone.ledger().comparisons == 2

    clone.run("git", "checkout", "-q", "params.yaml")
    clone.run("dvc", "repro", "-q")
    assert clone.verdict() == verdict, "the comparison of that round, as it was"
    assert clone.ledger().comparisons == 2
    clone.edit_params("resamples: 200", "resamples: 600")
    assert "spent: 2 since it began" in clone.refusal(monkeypatch)
