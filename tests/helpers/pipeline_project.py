"""A project of git and DVC with stages of the real dvc.yaml, for what DVC makes of them: clones, caches, experiments.

Its commands are the real ones. What takes too long for a test (renders, downloads, fits) is given as folders.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dataengine.registry.records import Registry
from dataengine.registry.registry_file import read_registry

from .dvc_checkout import REPOSITORY, repository_file

ROOMS = ("dataengine", "blender", "datasets", "active", "train")
SOMEBODY = {f"GIT_{role}_{name}": "a@b.org" for role in ("AUTHOR", "COMMITTER") for name in ("NAME", "EMAIL")}


@dataclass(frozen=True)
class PipelineProject:
    """A checkout of the project in folder `root`."""

    root: Path

    def run(self, *words: str) -> str:
        """Run ``git``, ``dvc`` or ``dataengine`` here; what it printed."""
        module = [sys.executable, "-m", *words] if words[0] in ("dvc", "dataengine") else list(words)
        done = subprocess.run(module, cwd=self.root, env=environment(), check=False, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def repro(self, *words: str) -> list[str]:
        """``dvc repro``: the stages that were run, those taken from the run cache with a ``*``."""
        lines = self.run("dvc", "repro", *words).splitlines()
        ran = [line.split("'")[1] for line in lines if line.startswith("Running stage")]
        return ran + [f"{line.split(chr(39))[1]}*" for line in lines if "is cached - skipping run" in line]

    def commit(self) -> None:
        self.run("git", "add", "-A")
        self.run("git", "commit", "-q", "-m", "work")

    def clone(self, folder: Path) -> "PipelineProject":
        """A second checkout, which has what git holds; ``dvc pull`` brings what the remote holds."""
        self.run("git", "clone", "-q", ".", str(folder))
        return PipelineProject(folder)

    def registry(self) -> Registry:
        return read_registry(self.root / "models" / "registry.json")

    def is_clean(self) -> bool:
        """Whether git and DVC both find everything as it was committed."""
        return not self.run("git", "status", "--porcelain") and "up to date" in self.run("dvc", "status")


def new_project(
    root: Path, stages: Sequence[str], given: Mapping[str, Mapping[str, Path]], params: Mapping[str, Any]
) -> PipelineProject:
    """A project with a remote, not yet run, of the real `stages` and of stages that bring what is `given`.

    Args:
        root: the folder to make; the remote lies next to it.
        stages: names of stages of this project's dvc.yaml.
        given: stage -> output -> the folder or file that it is a copy of.
        params: sections of params.yaml and the keys in them that differ from this project's.
    """
    pipeline = repository_file("dvc.yaml")
    own = {name: _without_detector(pipeline["stages"][name]) for name in stages}
    sections = repository_file("params.yaml")
    for section, changes in params.items():
        sections[section] |= changes
    sections["given"] = {
        name: {Path(out).stem: str(source) for out, source in outs.items()} for name, outs in given.items()
    }
    root.mkdir(parents=True)
    for room in ROOMS:
        shutil.copytree(REPOSITORY / room, root / room, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".gitignore", ".dvcignore"):
        shutil.copy(REPOSITORY / name, root)
    (root / "data" / "labels").mkdir(parents=True)
    shutil.copy(REPOSITORY / "data" / "labels" / "README.md", root / "data" / "labels")
    (root / "models").mkdir()
    shutil.copy(REPOSITORY / "models" / "registry.json", root / "models")
    bringing = {name: _bringing(name, outs) for name, outs in given.items()}
    (root / "dvc.yaml").write_text(yaml.safe_dump({**pipeline, "stages": {**bringing, **own}}, sort_keys=False))
    (root / "params.yaml").write_text(yaml.safe_dump(sections, sort_keys=False))
    project = PipelineProject(root)
    project.run("git", "init", "-q")
    project.run("dvc", "init", "-q")
    project.run("dvc", "remote", "add", "-q", "--default", "store", str(root.with_name("remote")))
    project.commit()
    return project


def environment() -> dict[str, str]:
    """This checkout's code and environment, and no settings of the machine's user."""
    return {
        **os.environ,
        **SOMEBODY,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "DVC_NO_ANALYTICS": "true",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(REPOSITORY),
        "OMP_NUM_THREADS": "1",  # networks this small lose time to threads
    }


def _without_detector(stage: dict[str, Any]) -> dict[str, Any]:
    """The stage as it is where no detector was fetched: `compare` then shows AP in labelled boxes alone."""
    return {
        **stage,
        "cmd": stage["cmd"].replace(" --detector data/fetch/mediapipe", ""),
        "deps": [dep for dep in stage["deps"] if dep != "data/fetch" or "--fetched" in stage["cmd"]],
    }


def _bringing(name: str, outs: Mapping[str, Path]) -> dict[str, Any]:
    """A stage that copies what is given to its place, from where a param of the output's name says."""
    copies = [f"mkdir -p $(dirname {out}) && cp -r ${{given.{name}.{Path(out).stem}}} {out}" for out in outs]
    return {"cmd": " && ".join(copies), "outs": list(outs), "params": [f"given.{name}"]}
