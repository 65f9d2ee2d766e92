"""Where the project of a dataset lies: FiftyOne's server runs in a folder of its own, so paths are made whole here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataengine.errors import InputError

from ...manifest.files import selection_sha256

PARAMS = "params.yaml"
_OPEN = "open the App by `dataengine app` in the project's folder"


@dataclass(frozen=True, kw_only=True)
class ProjectPlace:
    """The project, and what of it a dataset shows."""

    project: Path
    selection: Path
    """Folder that `select` wrote."""
    digest: str
    """What names that selection."""

    @property
    def params(self) -> Path:
        """The project's params.yaml."""
        return self.project / PARAMS

    @property
    def answers(self) -> Path:
        """Folder of the answers about this selection, next to it: another selection gets another folder."""
        return self.selection.parent / "answers" / self.digest[:12]

    def short(self, path: Path) -> str:
        """`path` as somebody in the project's folder types it."""
        return str(path.relative_to(self.project)) if path.is_relative_to(self.project) else str(path)


def place_of(info: Mapping[str, Any], name: str) -> ProjectPlace:
    """The place behind a dataset's `info`.

    Raises:
        InputError: the dataset shows no selection, or one that has been made again since.
    """
    project, digest = info.get("project"), info.get("selection_sha256")
    if not isinstance(project, str) or not isinstance(digest, str):
        raise InputError(f"dataset {name!r} shows no selection", fix=_OPEN)
    root = Path(project)
    if not root.is_dir():
        raise InputError(f"dataset {name!r} shows a project that is not there", got=project, fix=_OPEN)
    folder = root / str(info.get("selection"))
    if selection_sha256(folder) != digest:
        raise InputError(f"{folder} has been made again since dataset {name!r} was built", fix=_OPEN)
    return ProjectPlace(project=root, selection=folder, digest=digest)
