"""Tags of promoted models, shared with DVC and GTO: real commands, no network."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import dvc.api
import gto.api
import pytest
import yaml

from dataengine.inference.exported import ExportedModel, load_exported
from dataengine.registry.registry_file import read_registry
from dataengine.registry.store import stored_model

from .gate_round import Gate

ARTIFACT, STORE, EXPORT = "pose-student", "models/registry", "models/export"


@dataclass(frozen=True)
class Project:
    """A checkout with this repository's ignore files and `artifacts`, and one stage that makes the export."""

    root: Path

    def run(self, *words: str) -> str:
        """Run ``git`` or ``dvc`` here; what it printed."""
        command = [sys.executable, "-m", *words] if words[0] == "dvc" else list(words)
        done = subprocess.run(command, cwd=self.root, check=False, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def commit(self, *paths: str) -> None:
        self.run("git", "add", *paths)
        self.run("git", "commit", "-q", "-m", "work")

    def head(self) -> str:
        return self.run("git", "rev-parse", "HEAD").strip()

    def champion(self) -> ExportedModel:
        entry = read_registry(self.root / "models" / "registry.json").champion
        assert entry is not None
        return stored_model(entry, self.root / STORE)


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """Git's author, and no settings of the machine's user."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "a")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "a@example.org")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")


@pytest.fixture
def project(repository: Path, compared: Gate, exported: dict[str, Path], tmp_path: Path, identity: None) -> Project:
    """The good model is exported by a stage of DVC, promoted, and committed."""
    assert compared.promote(exported["good"])["outcome"] == "promoted"
    root = tmp_path / "project"
    root.mkdir()
    for name in (".gitignore", ".dvcignore"):
        shutil.copy(repository / name, root)
    copying = "import shutil, sys; shutil.copytree(*sys.argv[1:])"
    stage = {"cmd": f"{sys.executable} -c '{copying}' {exported['good']} {EXPORT}", "outs": [EXPORT]}
    artifacts = yaml.safe_load((repository / "dvc.yaml").read_text())["artifacts"]
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"export": stage}, "artifacts": artifacts}))
    made = Project(root)
    made.run("git", "init", "-q")
    made.run("dvc", "init", "-q")
    made.run("dvc", "repro", "-q")
    shutil.copytree(compared.store, root / STORE)
    shutil.copy(compared.registry, root / "models")
    made.commit(".gitignore", ".dvcignore", ".dvc", "dvc.yaml", "dvc.lock", "models")
    return made


def test_versions_and_stages_are_tags_that_lead_to_the_promoted_model(project: Project) -> None:
    root, promoted_at = str(project.root), project.head()
    gto.api.register(root, ARTIFACT, ref="HEAD", version="v1.0.0")
    gto.api.assign(root, ARTIFACT, version="v1.0.0", stage="prod")
    (project.root / "notes.txt").write_text("later work")
    project.commit("notes.txt")
    gto.api.register(root, ARTIFACT, ref="HEAD", version="v2.0.0")
    gto.api.assign(root, ARTIFACT, version="v2.0.0", stage="prod")
    shown = {row["version"]: row for row in gto.api.show(root, ARTIFACT)}
    assert set(shown) == {"v1.0.0", "v2.0.0"}
    assert dvc.api.artifacts_show(ARTIFACT, stage="prod", repo=root) == {"rev": project.head(), "path": EXPORT}

    gto.api.assign(root, ARTIFACT, version="v1.0.0", stage="prod", force=True)  # as after a rollback
    assert dvc.api.artifacts_show(ARTIFACT, stage="prod", repo=root) == {"rev": promoted_at, "path": EXPORT}
    project.run("dvc", "artifacts", "get", "-q", root, ARTIFACT, "--stage", "prod", "-o", "fetched")
    assert load_exported(project.root / "fetched").id == project.champion().id
