"""The project that `dataengine doctor` looks at: its folder, its params, whether set-up has run."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from dataengine.environments.machine_setup import ASKED_FOR, ENVIRONMENT
from dataengine.environments.virtual_environment import stamp_path

FITS = ("fit-teacher", "fit-student")
SHARED_BY_FITS = "fit"  # section of params.yaml with the params that both fits share
LATER = "make repro installs it"
REPAIR = "make clean setup"


@dataclass(frozen=True)
class Project:
    """A folder, which need not hold a project."""

    root: Path
    found: bool
    """It has a pipeline and params; without them the defaults are assumed."""
    set_up: Literal["no", "old", "yes"]
    """Whether `make setup` has run there; "old": before what it installs was last changed."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """Sections of params.yaml; empty without a project, or where the file cannot be read."""
    params_fault: str = ""
    """Why params.yaml cannot be read."""

    def value(self, section: str, key: str, default: Any) -> Any:
        """A param, or `default` if it is missing or of another type."""
        sections = (section, SHARED_BY_FITS) if section in FITS else (section,)
        mappings = [found for name in sections if isinstance(found := self.params.get(name), dict)]
        value = next((mapping[key] for mapping in mappings if key in mapping), default)
        return value if isinstance(value, type(default)) else default


def read_project(root: Path, params_file: Path) -> Project:
    """The project in `root`. Needs PyYAML for the params, which is there once set-up has run."""
    found = (root / "dvc.yaml").is_file() and params_file.is_file()
    params, fault = _read_params(params_file) if found else ({}, "")
    return Project(root, found, _set_up(root), params, fault)


def _read_params(path: Path) -> tuple[Mapping[str, Any], str]:
    try:
        import yaml
    except ImportError:
        return {}, ""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        return {}, " ".join(str(error).split())
    return (document, "") if isinstance(document, dict) else ({}, "it holds no sections")


def _set_up(root: Path) -> Literal["no", "old", "yes"]:
    """Whether set-up has run, by the stamp that it leaves; only the environment's own Python can find it "old"."""
    environment = root / ENVIRONMENT
    if not any(environment.glob(".setup-*")):
        return "no"
    try:
        stamp = stamp_path(environment, sys.version, [root / name for name in ASKED_FOR])
    except OSError:
        return "yes"
    return "old" if Path(sys.prefix) == environment.absolute() and not stamp.exists() else "yes"
