"""Where the files of a round lie: a folder for each, in which the stages' results have the names of a project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RoundFolder:
    """The folder of one round, relative to the project."""

    root: Path

    def of(self, name: str) -> Path:
        """A file or folder in it."""
        return self.root / name

    @property
    def params(self) -> Path:
        """Its params.yaml."""
        return self.of("params.yaml")

    @property
    def pipeline(self) -> Path:
        """Its dvc.yaml, which says where the files lie; nothing runs it."""
        return self.of("dvc.yaml")
