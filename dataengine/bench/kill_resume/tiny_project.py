"""A project whose round takes seconds: the real stages from `ingest` to `promote`, on people of a few coloured dots.

Renders and pseudo-labels are given. Stages depend on data alone: their code does not change while they are tried, and
DVC would look through a thousand files of it for each.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml

from dataengine.coco_json import write_people
from dataengine.people import Images, People
from dataengine.pictures.encoding import write_picture
from dataengine.registry.records import Registry
from dataengine.registry.registry_file import write_registry

STAGES = ("ingest", "balance", "mix", "fit-teacher", "fit-student", "select", "export", "compare", "promote")
GIVEN = ("fetch", "render", "pseudo-label")
DATA = ("data/", "models/", "reports/", "${")
PICTURES, SIDE_PX, DOT_PX = 40, 96, 4
SECOND: Mapping[str, int] = {"balance": 1, "mix": 1, "fit-teacher": 3, "fit-student": 4, "select": 1}
"""Section -> its seed in the second round, so that all stages but `ingest` have work again."""
PARAMS: Mapping[str, Mapping[str, Any]] = {
    "ingest": {
        "sources": [
            {"name": "own", "annotations": "data/own/people.json", "images": "data/own"},
            {"name": "pool", "format": "frames", "images": "data/own/pool"},
        ],
    },
    "render": {"known_poses": ""},
    "balance": {"clusters": 2},
    "fit": {
        "network_kwargs": {"channels": [8, 8], "blocks": [1, 1]},
        "input_width_px": 32,
        "input_height_px": 32,
        "batch": 8,
        "device": "cpu",
        "precision": "fp32",
        "draws_per_epoch": 1,
    },
    "fit-teacher": {"epochs": 2, "start_from": None},
    "fit-student": {"epochs": 2, "start_from": None},
    "select": {"fiftyone": False},
    "export": {
        "calibration_crops": 8,
        "engine": False,
        "latency_runs": 1,
        "threads": 1,
        "max_ap_drop": {"fp32": 1.0, "fp16": 1.0, "int8": 1.0, "engine": 1.0},
    },
    "compare": {
        "champion": "",  # whatever this project has begun
        "round": 1,
        "policy": "",
        "ledger": "",
        "floor_ap": -1.0,
        "primary": {"kind": "non-inferiority", "margin": 0.5},
        "alpha": 0.5,
        "uses": 2,
        "warn_from": 2,
        "min_clusters": 2,
        "resamples": 200,
        "runner": "onnx-cpu",
        "threads": 1,
        "budgets": {"latency_ms": None, "size_mb": None, "ece": None},
    },
}


def write_project(root: Path, pipeline: Path) -> None:
    """Write the project into the new folder `root`: files only, neither git nor DVC has been started there.

    Args:
        root: the folder to make.
        pipeline: the dvc.yaml with the stages; params.yaml lies next to it.
    """
    for folder in ("data/labels", "data/rounds", "models"):
        (root / folder).mkdir(parents=True)
    document = yaml.safe_load(pipeline.read_text(encoding="utf-8"))
    stages = {name: _on_data_alone(document["stages"][name]) for name in STAGES}
    given = {name: _given(name) for name in GIVEN}
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": {**given, **stages}}, sort_keys=False))
    sections = yaml.safe_load(pipeline.with_name("params.yaml").read_text(encoding="utf-8"))
    for name, changes in PARAMS.items():
        sections[name] = {**sections[name], **changes}
    (root / "params.yaml").write_text(yaml.safe_dump(sections, sort_keys=False))
    write_registry(root / "models/registry.json", Registry())
    for name in (".gitignore", ".dvcignore"):
        shutil.copy(pipeline.with_name(name), root)
    with (root / ".gitignore").open("a") as ignored:
        ignored.write("!/data/own/\n!/data/given/\n")
    _write_own(root / "data/own", root)
    _write_given(root / "data/given", root)


def begin(root: Path, environment: Mapping[str, str]) -> None:
    """Make it a checkout of git and DVC, with one commit."""
    for words in (
        ["git", "init", "-q"],
        ["dvc", "init", "-q"],
        ["dvc", "remote", "add", "-q", "--default", "store", str(root.with_name("remote"))],
        ["git", "add", "-A"],
        ["git", "commit", "-q", "-m", "project"],
    ):
        subprocess.run(words, cwd=root, env=dict(environment), check=True)


def begin_second(root: Path, environment: Mapping[str, str]) -> None:
    """Commit what the first round left, and what changes for the second: it has a champion to beat and work to do."""
    params = root / "params.yaml"
    sections = yaml.safe_load(params.read_text(encoding="utf-8"))
    for name, seed in SECOND.items():
        sections[name]["seed"] = seed
    params.write_text(yaml.safe_dump(sections, sort_keys=False))
    for words in (["git", "add", "-A"], ["git", "commit", "-q", "-m", "first round"]):
        subprocess.run(words, cwd=root, env=dict(environment), check=True)


def _on_data_alone(stage: Mapping[str, Any]) -> dict[str, Any]:
    """The stage without the code it depends on, and without the detector that `fetch` would have brought."""
    fetched = "--fetched" in stage["cmd"]
    deps = [dep for dep in stage["deps"] if dep.startswith(DATA) and (dep != "data/fetch" or fetched)]
    return {**stage, "cmd": stage["cmd"].replace(" --detector data/fetch/mediapipe", ""), "deps": deps}


def _given(name: str) -> dict[str, Any]:
    return {"cmd": f"cp -r data/given/{name} data/{name}", "deps": [f"data/given/{name}"], "outs": [f"data/{name}"]}


def _write_own(folder: Path, root: Path) -> None:
    """Labelled pictures, and two that nobody labelled."""
    write_people(folder / "people.json", *_drawn(folder, PICTURES, seed=1))
    (folder / "pool").mkdir()
    for frame in range(2):
        picture = np.full((SIDE_PX, SIDE_PX, 3), 60 + 60 * frame, np.uint8)
        write_picture(folder / f"pool/walk_{frame:06d}.png", picture)


def _write_given(folder: Path, root: Path) -> None:
    """What the stages that are left out would have written; of pseudo-labels there are none."""
    for name in GIVEN:
        (folder / name).mkdir(parents=True)
    (folder / "fetch/files.txt").write_text("nothing")
    people, images = _drawn(folder / "render", 8, seed=2)
    people = people.replace(source=np.full(len(people), "synthetic", dtype="<U9"))
    write_people(folder / "render/people.json", people, images)
    write_picture(folder / "pseudo-label/pool.png", np.zeros((8, 8, 3), np.uint8))
    pool = Images.build(id=[1], path=[str(folder / "pseudo-label/pool.png")], width=8, height=8)
    for name in ("people", "candidates"):
        write_people(folder / f"pseudo-label/{name}.json", People.empty(), pool)


def _drawn(folder: Path, n: int, *, seed: int) -> tuple[People, Images]:
    """`n` pictures of one person each: a grid of seventeen dots, turned, on a ground of its own."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    grid = np.stack(np.meshgrid(range(4), range(5)), axis=2).reshape(-1, 2)[:17] - [1.5, 2.0]
    turn = rng.uniform(-1, 1, n)
    rotation = np.stack([np.cos(turn), -np.sin(turn), np.sin(turn), np.cos(turn)], axis=1).reshape(n, 1, 2, 2)
    points = 13.0 * (rotation @ grid[None, :, :, None])[..., 0] + SIDE_PX / 2 + rng.uniform(-4, 4, (n, 1, 2))
    colors = cv2.applyColorMap(np.arange(0, 255, 15, dtype=np.uint8)[:17, None], cv2.COLORMAP_HSV)[:, 0].tolist()
    paths = [str(folder / f"{row}.png") for row in range(n)]
    for path, joints in zip(paths, points, strict=True):
        picture = cv2.resize(rng.integers(0, 90, (6, 6, 3), dtype=np.uint8), (SIDE_PX, SIDE_PX))
        for (x, y), color in zip(joints, colors, strict=True):
            cv2.circle(picture, (round(x), round(y)), DOT_PX, color, -1)
        write_picture(Path(path), picture)
    ids = np.arange(1, n + 1)
    box = np.concatenate([points.min(axis=1) - 8, np.ptp(points, axis=1) + 16], axis=1)
    people = People.build(image_id=ids, bbox_xywh_px=box, keypoints_px=points, visibility=np.full((n, 17), 2))
    return people, Images.build(id=ids, path=paths, width=SIDE_PX, height=SIDE_PX)
