"""Where a project's stages leave their files, as its dvc.yaml says."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dataengine.errors import InputError
from dataengine.studies.dvc_project import read_stages


@dataclass(frozen=True)
class ProjectPlaces:
    """The stages of a dvc.yaml, and the folder that it lies in."""

    root: Path
    stages: dict[str, Any]

    def of(self, stage: str, option: str) -> Path | None:
        """The path that the command of a stage gives for an option such as ``--out``; None where it gives none."""
        words = shlex.split(str((self.stages.get(stage) or {}).get("cmd", "")))
        at = words.index(option) + 1 if option in words else len(words)
        return self.root / words[at] if at < len(words) else None

    def needed(self, stage: str, option: str) -> Path:
        """The same; an option that is not given is an `InputError`."""
        path = self.of(stage, option)
        if path is None:
            fix = "take the line over from the package's own dvc.yaml"
            raise InputError(f"stage {stage} in {self.root / 'dvc.yaml'} lacks an option", expected=option, fix=fix)
        return path


def read_places(pipeline: Path) -> ProjectPlaces:
    """The places that `pipeline`, a dvc.yaml, names; anything else is an `InputError`."""
    try:
        return ProjectPlaces(pipeline.parent, read_stages(pipeline))
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        fix = "run in the project's folder"
        raise InputError(f"{pipeline} cannot be read", expected="a dvc.yaml", fix=fix) from error
