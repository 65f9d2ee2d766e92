"""All that a run has to show, read from the files of its stages: `curated`. What is missing is left out with a line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from dataengine.coco_json import read_project_people
from dataengine.columns import object_column
from dataengine.errors import DataEngineError
from dataengine.evaluation.ap.protocol import OksProtocol
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.files import sha256_file
from dataengine.inference.exported import ExportedModel
from dataengine.params import load_key, load_section
from dataengine.poses.training_poses import CLUSTERS_NAME, POSES_NAME, read_training_poses
from dataengine.registry.records import RegistryParams
from dataengine.registry.registry_file import read_registry
from dataengine.registry.store import stored_model
from dataengine.terminal.speech import say

from .asked_before import asked_before
from .champion import champion_answers
from .curate_params import CurateParams
from .people_figures import (
    training_standing,
    with_champion,
    with_standing,
    with_student_oks,
    with_training_standing,
)
from .run_tables import STANDING, PictureTable, RunTables, hashed, known_hashes, selection_tables, stacked


def curated(selection: Path, params_file: Path) -> RunTables:
    """Everything that the run in this project has to show.

    Raises:
        InputError: `selection` holds no selection, or a file that is there is damaged.
    """
    params = load_section(params_file, "curate", CurateParams)
    protocol = load_protocol(params_file)
    tables = selection_tables(selection)
    tables = replace(tables, round=load_key(params_file, "compare", "round", int), differ_below=params.differ_below)
    tables = replace(tables, history=asked_before(Path(params.rounds), Path(params.labels)))
    labelled = tables.labelled.with_people(with_student_oks(tables.labelled.people, protocol))
    tables = _with_poses(replace(tables, labelled=labelled), params)
    pseudo = Path(params.pseudo)
    if _is_there(pseudo, "pseudo-labels"):
        tables = replace(tables, pseudo=hashed(*read_project_people(pseudo), known_hashes(tables)))
    champion = _champion(load_section(params_file, "registry", RegistryParams))
    if champion is not None:
        tables = _with_champion(tables, champion, Path(params.answers), protocol)
    files = [pseudo, Path(params.training), *(Path(params.balance) / name for name in (CLUSTERS_NAME, POSES_NAME))]
    said = {
        "selection": tables.digest,
        "files": {str(path): sha256_file(path) for path in files if path.is_file()},
        "champion": "" if champion is None else champion.id,
        "round": tables.round,
        "history": {key: asdict(each) for key, each in tables.history.items()},
        "differ_below": params.differ_below,
        "sigmas": protocol.sigmas_name,
    }
    return replace(tables, digest=hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest())


def _with_poses(tables: RunTables, params: CurateParams) -> RunTables:
    """Where everybody's pose stands among those of training, and the rendered people."""
    if _is_there(Path(params.balance) / CLUSTERS_NAME, "clusters and rarity of unlabelled people"):
        poses = read_training_poses(Path(params.balance))
        labelled = tables.labelled.with_people(with_standing(tables.labelled.people, poses))
        scored = tables.scored.with_people(with_standing(tables.scored.people, poses))
        tables = replace(tables, labelled=labelled, scored=scored)
    if not _is_there(Path(params.training), "rendered people, and clusters and rarity of training people"):
        return tables
    people, images = read_project_people(Path(params.training))
    known = with_training_standing(tables.labelled.people, tables.labelled.images, (people, images))
    tables = replace(tables, labelled=tables.labelled.with_people(known))
    rendered = people.take(people.source == "synthetic")
    if not len(rendered):
        return tables
    if "cluster" in rendered.extras:
        rows = [training_standing(rendered, row) for row in range(len(rendered))]
        columns = {name: object_column([row[name] for row in rows]) for name in STANDING}
        rendered = rendered.replace(extras=columns)
    return replace(tables, rendered=hashed(rendered, images, {}))


def _champion(registry: RegistryParams) -> ExportedModel | None:
    """The registry's champion; None, and a line that says why, where there is none."""
    try:
        entry = read_registry(Path(registry.file)).champion
        if entry is None:
            say("curate: the registry has no champion yet: its answers, and where it differs, are left out")
            return None
        return stored_model(entry, Path(registry.store))
    except DataEngineError as fault:
        say(f"curate: the champion's answers are left out: {fault}")
        return None


def _with_champion(tables: RunTables, model: ExportedModel, folder: Path, protocol: OksProtocol) -> RunTables:
    both = [tables.labelled, tables.scored]
    students = [
        stacked(tables.labelled.people, "student_px") if len(tables.labelled.people) else np.zeros((0, 17, 2)),
        tables.scored.people.keypoints_px,
    ]
    shown = [
        table.with_people(with_champion(table.people, student, answers, protocol, labelled=table is tables.labelled))
        for table, student, answers in zip(both, students, champion_answers(model, both, folder), strict=True)
    ]
    return replace(tables, labelled=shown[0], scored=shown[1])


def _is_there(path: Path, what: str) -> bool:
    if not path.is_file():
        say(f"curate: {path} is not there: {what} are left out")
    return path.is_file()


def lines_about(tables: RunTables) -> Mapping[str, int]:
    """How many pictures there are of each kind."""
    kinds: dict[str, PictureTable | None] = {
        "labelled": tables.labelled,
        "unlabelled": tables.scored,
        "rendered": tables.rendered,
        "pseudo-labelled": tables.pseudo,
    }
    return {name: len(table.images) for name, table in kinds.items() if table is not None}
