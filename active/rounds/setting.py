"""What a round is run with: the project, where its stages keep things, and what the round starts from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dataengine.params import load_section
from dataengine.registry.records import RegistryParams
from dataengine.requests.pinned import RequestsParams, load_requests_params
from dataengine.rounds.places import ProjectPlaces, read_places
from dataengine.studies.dvc_project import LOCK_NAME, PARAMS_NAME, PIPELINE_NAME

from .committed import RoundInputs

STATE = Path(".dvc/tmp/dataengine")
"""Folder of lock and journal, where git and DVC look for nothing."""


@dataclass(frozen=True)
class RoundSetting:
    """What a round is run with."""

    root: Path
    places: ProjectPlaces
    registry: RegistryParams
    requests: RequestsParams
    rounds: Path
    """Folder of the ledger of rounds."""
    out: Path

    @cached_property
    def inputs(self) -> RoundInputs:
        """What it starts from."""
        own = [LOCK_NAME, self.registry.file, self.requests.folder, self.rounds.relative_to(self.root).as_posix()]
        return RoundInputs(self.root, self.places, tuple(name for name in own if name))


def read_setting(root: Path, out: Path) -> RoundSetting:
    """The setting of the project in the folder `root`, whose round leaves its page in `out`."""
    places = read_places(root / PIPELINE_NAME)
    params = root / PARAMS_NAME
    return RoundSetting(
        root=root,
        places=places,
        registry=load_section(params, "registry", RegistryParams),
        requests=load_requests_params(params),
        rounds=places.needed("select", "--rounds"),
        out=out,
    )
