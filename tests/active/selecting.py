"""`select` on the small project: its params, its files, and a call."""

from pathlib import Path
from typing import Any

from dataengine.active.manifest.files import read_manifest
from dataengine.active.query.select_params import SelectParams
from dataengine.active.selection import run

from .conftest import Project

PARAMS = SelectParams(
    budget=4,
    strategy="uncertainty+diversity",
    min_gap_frames=10,
    appearance_weight=0.3,
    seed=0,
    fiftyone=False,
    dataset="unused",
)
OUT, REPORT = Path("out/select"), Path("reports/select")
FILES = ("to_label.json", "scored.json", "labelled.json", "picks.jpg")


def select(project: Project, params: SelectParams = PARAMS, out: Path = OUT) -> None:
    run(params, **inputs(project), out=out, report=REPORT)


def inputs(project: Project) -> dict[str, Any]:
    return {name: getattr(project, name) for name in ("student", "candidates", "labelled", "val")}


def ranks() -> dict[str, int]:
    return {key: entry["rank"] for key, entry in read_manifest(OUT / "to_label.json")["images"].items()}
