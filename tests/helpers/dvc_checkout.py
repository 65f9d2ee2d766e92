"""A checkout of git and DVC to run studies in: `checkout` makes one, `commit_project` fills it."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder is an empty checkout below `tmp_path`."""
    return enter_new_checkout(tmp_path / "checkout", monkeypatch)


def enter_new_checkout(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """Make `folder`, a checkout of git and DVC without a commit, and make it the working folder."""
    folder.mkdir()
    patch.chdir(folder)
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        patch.setenv(name, "somebody@example.com")
    patch.setenv("DVC_NO_ANALYTICS", "true")
    patch.setenv("OMP_NUM_THREADS", "1")  # fits this small lose time to threads
    git("init", "-q")
    dvc("init", "-q")
    return folder


def commit_project(stages: Mapping[str, Any], params: Mapping[str, Any], code: Mapping[str, str]) -> None:
    """Write dvc.yaml, params.yaml and the files of `code` (text by name) into the working folder, and commit all."""
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": dict(stages)}))
    Path("params.yaml").write_text(yaml.safe_dump(dict(params)))
    Path(".gitignore").write_text("/data/\n/reports/\n/models/\n")
    for name, text in code.items():
        Path(name).write_text(text)
    git("add", "-A")
    git("commit", "-q", "-m", "project")


def git(*arguments: str) -> str:
    """What git prints."""
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout


def dvc(*arguments: str) -> None:
    """Run DVC of this environment."""
    subprocess.run([sys.executable, "-m", "dvc", *arguments], check=True)


def repository_file(name: str) -> dict[str, Any]:
    """This project's own dvc.yaml or params.yaml."""
    return dict(yaml.safe_load((REPOSITORY / name).read_text(encoding="utf-8")))


def assert_known_params(keys: set[str]) -> None:
    """Every key (``section.name.name``) is in this project's params.yaml; a fit has the keys of section `fit`, too."""
    known = repository_file("params.yaml")
    known |= {section: known["fit"] | known[section] for section in ("fit-teacher", "fit-student")}
    for key in keys:
        value: Any = known
        for name in key.split("."):
            value = value[name]  # a KeyError: no such param
