"""The models of a project and the pictures that each has learnt from: the hashes that a fit leaves with its weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dataengine import starter
from dataengine.files import read_json, short_sha256
from dataengine.nets.learnt_pictures import read_learnt_pictures
from dataengine.registry.records import Registry
from dataengine.registry.registry_file import read_registry
from dataengine.rounds.places import ProjectPlaces

FITS = {"teacher": "fit-teacher", "student": "fit-student"}


@dataclass(frozen=True)
class TracedModel:
    """A model of the project."""

    name: str
    """teacher, student, starter, or the id of the registry's model."""
    state: str
    """"present fit", "ships with the package", or champion, archived, candidate."""
    learnt: frozenset[str] | None
    """SHA-256 of the pictures; None where that is not known."""
    weights_sha256: str = ""
    """Hash of its weights, by which a selection names the student that asked."""
    why_unknown: str = ""


def read_models(places: ProjectPlaces) -> list[TracedModel]:
    """The starter, the present fits, and every model of the registry in the order of its promotion."""
    found = [TracedModel("starter", "ships with the package", read_learnt_pictures(starter.FOLDER))]
    for name, stage in FITS.items():
        folder = places.of(stage, "--out")
        if folder is None or not folder.is_dir():
            found.append(TracedModel(name, "present fit", None, why_unknown="not made yet, or not pulled"))
            continue
        meta = folder / "model.json"
        weights = str(read_json(meta).get("weights_sha256", "")) if meta.is_file() else ""
        found.append(_of_folder(name, "present fit", folder, weights))
    registry = read_project_registry(places)
    store = places.of("promote", "--store")
    for entry in registry.entries:
        weights = str(entry.lineage.get("student_sha256", ""))
        folder = None if store is None else store / entry.id
        if folder is None or not folder.is_dir():
            why = f"not here; `dvc pull {store}`"
            found.append(TracedModel(entry.id, entry.state, None, weights, why))
        else:
            found.append(_of_folder(entry.id, entry.state, folder, weights))
    return found


def read_project_registry(places: ProjectPlaces) -> Registry:
    """The project's registry, an empty one where it has none."""
    path = places.of("promote", "--registry")
    return read_registry(path) if path is not None and path.is_file() else Registry()


def who_asked(models: Sequence[TracedModel], weights_sha256: str) -> str:
    """The model with these weights, in words."""
    short = short_sha256(weights_sha256) or "unknown"
    names = [
        f"{model.name} ({model.state})" for model in models if weights_sha256 and model.weights_sha256 == weights_sha256
    ]
    return f"{short}, {' = '.join(names)}" if names else f"{short}, no model that is here"


def _of_folder(name: str, state: str, folder: Path, weights_sha256: str) -> TracedModel:
    learnt = read_learnt_pictures(folder)
    why = "" if learnt is not None else "the fit did not record what it learnt from"
    return TracedModel(name, state, learnt, weights_sha256, why)
