"""A project of git and DVC whose stages copy what they would make, so that a whole round takes seconds.

begin-round, DVC, request and the page are real; so are the selection and the poses that they read.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from dataengine.active.query.select_params import SelectParams
from dataengine.active.selection import run as select
from dataengine.poses.clusters import PoseClusters, write_pose_clusters
from dataengine.poses.embedding import embed_poses, pose_bones
from dataengine.poses.known_poses import RANKS, KnownPoses, write_known_poses
from dataengine.poses.training_poses import CLUSTERS_NAME, POSES_NAME

from ...helpers.dvc_checkout import REPOSITORY
from ...helpers.pipeline_project import PipelineProject
from ..conftest import STANDING, make_project

COPY = """import shutil, sys
from pathlib import Path
name, out = sys.argv[1], Path(sys.argv[sys.argv.index("--out") + 1])
shutil.rmtree(out, ignore_errors=True)
shutil.copytree(Path("given") / name, out)
"""
STAGES: dict[str, Sequence[str]] = {
    "balance": ("--out data/balance",),
    "select": ("--out data/select", "--rounds data/rounds", "--labels data/labels"),
    "compare": ("--out reports/compare",),
}


def new_tiny_project(root: Path) -> PipelineProject:
    """The project in the working folder, which is `root`, committed, with a DVC remote and a git remote."""
    made = make_project(root)
    params = SelectParams(
        budget=4, strategy="uncertainty", min_gap_frames=10, appearance_weight=0.3, seed=0, fiftyone=False, dataset="x"
    )
    files = {name: getattr(made, name) for name in ("student", "candidates", "labelled", "val")}
    select(params, **files, out=Path("given/select"), report=Path("given/report"))
    write_poses(Path("given/balance"))
    write_verdict(Path("given/compare"), ap=0.3)
    stages = {
        name: {
            "cmd": f"python given.py {name} {' '.join(options)}",
            "deps": ["given.py", f"given/{name}"],
            "outs": [options[0].split()[1]],
        }
        for name, options in STAGES.items()
    }
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": stages}, sort_keys=False))
    shutil.copy(REPOSITORY / "params.yaml", root)
    text = Path("params.yaml").read_text().replace("min_people: 10 ", "min_people: 2 ")
    Path("params.yaml").write_text(text)
    Path("given.py").write_text(COPY)
    for name in (
        ".gitignore",
        ".dvcignore",
        "models/registry.json",
        "data/labels/README.md",
        "data/requests/README.md",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, root / name)
    project = PipelineProject(root)
    project.run("git", "init", "-q", "-b", "main")
    project.run("dvc", "init", "-q")
    project.run("dvc", "remote", "add", "-q", "--default", "store", str(root.with_name("remote")))
    project.run("git", "init", "-q", "--bare", str(root.with_name("origin")))
    project.run("git", "remote", "add", "origin", str(root.with_name("origin")))
    project.commit()
    return project


def write_poses(folder: Path) -> None:
    """Two clusters: people who stand, and who lie, of whom there are few."""
    folder.mkdir(parents=True)
    figures = np.stack([STANDING, STANDING[:, ::-1]]) * 100
    flags = np.full((2, 17), 2)
    centres, _ = embed_poses(figures, flags)
    clusters = PoseClusters(centres=centres.round(6), counts=np.array([9, 1]), repeat_factor=np.array([1.0, 2.0]))
    write_pose_clusters(folder / CLUSTERS_NAME, clusters)
    bones, _ = pose_bones(figures, flags)
    write_known_poses(folder / POSES_NAME, KnownPoses(bones=bones, spacing=np.linspace(0, 0.5, len(RANKS))))


def write_verdict(folder: Path, *, ap: float) -> None:
    """A verdict as `compare` writes it, as far as a round reads it: people who lie are found badly."""
    clusters = json.loads(Path("given/balance/clusters.json").read_text())["id"]

    def interval(value: float) -> dict[str, float]:
        return {"value": value, "low": value - 0.05, "high": value + 0.05}

    verdict: dict[str, Any] = {
        "verdict": "reject", "reason": "Not better <b>by far</b>.", "round": 1, "candidate": "new", "champion": "",
        "AP": interval(ap), "champion_AP": None, "gain": None, "warnings": [],
        "slices": [{"name": "cluster=1", "people": 12, "candidate": interval(ap - 0.2), "gain": None}],
        "models": {"candidate": {"errors": [{"name": "miss", "count": 3, "ap_cost": 0.1}]}},
        "poses": {"clusters_id": clusters}, "test": {"sha256": "t"},
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "verdict.json").write_text(json.dumps(verdict))
