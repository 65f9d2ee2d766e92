"""What a project keeps and where, as its dvc.yaml and params.yaml say, and which processes work in it now."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

from dataengine.errors import EnvironmentFault
from dataengine.params import load_section
from dataengine.registry.records import RegistryParams
from dataengine.requests.pinned import load_requests_params
from dataengine.rounds.places import read_places

PROGRAMS = ("dvc", "dataengine", "git")
"""Names in a command line by which a process is known to change a project."""


@dataclass(frozen=True)
class Kept:
    """The places of one project."""

    root: Path
    params: Path
    registry: Path
    store: Path
    labels: Path
    rounds: Path
    requests: Path | None
    """None for a project without section `requests`."""
    selection: Path
    """What `select` left last."""
    workers: tuple[str, ...]
    """The processes that work in the project now, as "dvc repro (4711)"; drafts and locks may be theirs."""

    def relative(self, path: Path) -> str:
        """The path as commands in the project's folder name it."""
        return os.path.relpath(path, self.root)

    def git(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run git in the project; callers judge the exit code."""
        return self._run("git", *words)

    def dvc(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run this environment's DVC in the project; callers judge the exit code."""
        return self._run(sys.executable, "-m", "dvc", *words)

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(words, cwd=self.root, capture_output=True, text=True, check=False)
        except OSError as error:
            raise EnvironmentFault(f"{words[0]} does not run", got=str(error), fix="dataengine doctor") from error


def read_kept(root: Path, params: Path) -> Kept:
    """The places of the project in `root`.

    Raises:
        DataEngineError: dvc.yaml or params.yaml cannot be read, or lacks a place.
    """
    places, registry = read_places(root / "dvc.yaml"), load_section(params, "registry", RegistryParams)
    return Kept(
        root=root,
        params=params,
        registry=root / registry.file,
        store=root / registry.store,
        labels=places.needed("select", "--labels"),
        rounds=places.needed("select", "--rounds"),
        requests=root / requests if (requests := load_requests_params(params).folder) else None,
        selection=places.needed("select", "--out"),
        workers=tuple(processes_in(root)),
    )


def processes_in(root: Path) -> list[str]:
    """Other processes of git, DVC or dataengine that work in `root` or a folder in it, without this one's parents."""
    real, found = root.resolve(), []
    mine = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    for process in psutil.process_iter():
        try:
            if process.pid in mine or not Path(process.cwd()).is_relative_to(real):
                continue
            words = process.cmdline()
        except (psutil.Error, OSError):  # it ended, or belongs to somebody else
            continue
        names = {Path(word).name for word in words[:3]}
        if names & set(PROGRAMS):
            found.append(f"{' '.join(words)[:60]} ({process.pid})")
    return found
