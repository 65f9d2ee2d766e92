"""The pipeline from ingest to promote, small, on a cache outside of the project that files are linked into.

Renders, pseudo-labels and downloads are given: of the pseudo-labels there are none, as where a pool shows nobody.
"""

import hashlib
import json
import shlex
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from dataengine.cli import app
from dataengine.coco_json import write_people
from dataengine.people import Images, People
from dataengine.poses.clusters import read_pose_clusters
from dataengine.train.gate.policy import PINNED

from ..helpers.drawn_people import draw_people_at, draw_standing_people
from ..helpers.fitting_project import one_torch_thread
from ..helpers.pipeline_project import PipelineProject, new_project
from ..train.gate_round import PARAMS as POLICY

pytestmark = pytest.mark.slow
STAGES = ("ingest", "balance", "mix", "fit-teacher", "fit-student", "select", "export", "compare", "promote")
SMALL = {
    "ingest": {
        "sources": [
            {"name": "mine", "annotations": "data/own/people.json", "images": "data/own"},
            {"name": "pool", "format": "frames", "images": "data/own/pool"},
        ],
    },
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
    "fit-teacher": {"epochs": 1},
    "fit-student": {"epochs": 1},
    "select": {"fiftyone": False},
    "export": {
        "calibration_crops": 8,
        "engine": False,
        "latency_runs": 1,
        "threads": 1,
        "max_ap_drop": {"fp32": 1.0, "fp16": 1.0, "int8": 1.0, "engine": 1.0},
    },
    "compare": {
        **{name: value for name, value in asdict(POLICY).items() if name not in PINNED},
        "cluster": "group",
        "min_clusters": 2,
        "floor_ap": 0.0,
    },
}


def write_own_set(folder: Path) -> None:
    """Forty labelled pictures, each on a ground of its own, and two that nobody labelled."""
    people, images = draw_standing_people(folder, 40, seed=1)
    rng = np.random.default_rng(0)
    for path in images.path.tolist():
        ground = cv2.resize(rng.integers(0, 255, (6, 6, 3), dtype=np.uint8), (150, 150))
        picture = cv2.imread(path)
        assert cv2.imwrite(path, np.where(picture == picture[0, 0], ground, picture))
    write_people(folder / "people.json", people, images)
    (folder / "pool").mkdir()
    for frame in range(2):
        assert cv2.imwrite(str(folder / f"pool/walk_{frame:06d}.png"), np.full((64, 64, 3), 60 * frame, np.uint8))


def write_given(folder: Path) -> dict[str, dict[str, Path]]:
    """What the stages that are left out would have written."""
    for name in ("fetch", "render", "pseudo-label"):
        (folder / name).mkdir(parents=True)
    (folder / "fetch" / "files.txt").write_text("nothing")
    write_people(folder / "render/people.json", *draw_people_at(folder / "render/images", 8, 2, source="synthetic"))
    (folder / "pseudo-label/pool.png").write_bytes(b"never read")
    images = Images.build(id=[1], path=[str(folder / "pseudo-label/pool.png")], width=64, height=64)
    for name in ("people", "candidates"):
        write_people(folder / f"pseudo-label/{name}.json", People.empty(), images)
    return {name: {f"data/{name}": folder / name} for name in ("fetch", "render", "pseudo-label")}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> PipelineProject:
    """Run, committed and pushed."""
    folder = tmp_path_factory.mktemp("whole")
    project = new_project(folder / "project", STAGES, write_given(folder / "given"), SMALL)
    link_into(project, folder / "server")
    write_own_set(project.root / "data" / "own")
    project.run("dvc", "add", "-q", "data/own")
    assert (project.root / "data/own/0.png").is_symlink()
    assert [name for name in project.repro() if name in STAGES] == list(STAGES)
    project.commit()
    project.run("dvc", "push", "-q")
    return project


def link_into(project: PipelineProject, server: Path) -> None:
    """Have DVC keep files in the cache `server`, and link to them."""
    project.run("dvc", "config", "--local", "cache.dir", str(server))
    project.run("dvc", "config", "--local", "cache.type", "symlink")


def cached(server: Path) -> Iterator[Path]:
    """The objects of a cache."""
    return (path for path in (server / "files" / "md5").rglob("*") if path.is_file())


def assert_sound(server: Path) -> None:
    """Every object is what its name says: nobody wrote through a link."""
    for path in cached(server):
        assert hashlib.md5(path.read_bytes()).hexdigest() == path.parent.name + path.name.removesuffix(".dir"), path


def test_every_stage_works_with_links_and_writes_through_none(ran: PipelineProject) -> None:
    server = ran.root.with_name("server")
    assert len(list(cached(server))) > 100 and (ran.root / "data/ingest/train.json").is_symlink()
    assert_sound(server)
    assert ran.repro() == []
    assert json.loads((ran.root / "reports/select/metrics.json").read_text())["picked"] == 0


def test_commands_run_by_hand_replace_links_and_follow_none(
    ran: PipelineProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without DVC, which takes a stage's outputs away before it runs it; in this process, which has loaded torch."""
    server = ran.root.with_name("server")
    mine = ran.clone(tmp_path / "mine")
    link_into(mine, server)
    mine.run("dvc", "checkout", "-q")
    linked = mine.root / "models/fit-student/model.safetensors"
    assert linked.is_symlink()
    assert mine.repro("--force", "--single-item", "promote") == ["promote"]  # whose output stays while it runs
    assert_sound(server)
    monkeypatch.chdir(mine.root)
    with one_torch_thread():
        for line in commands(mine):
            done = CliRunner().invoke(app, line)
            assert done.exit_code == 0, f"{line}: {done.output} {done.exception}"
    assert not linked.is_symlink()
    assert_sound(server)


def commands(project: PipelineProject) -> list[list[str]]:
    """What follows `dataengine` in the commands of all stages but promote, as DVC runs them."""
    lock = yaml.safe_load((project.root / "dvc.lock").read_text())["stages"]
    return [shlex.split(lock[name]["cmd"])[1:] for name in STAGES if name != "promote"]


@pytest.fixture(scope="module")
def clone(ran: PipelineProject, tmp_path_factory: pytest.TempPathFactory) -> PipelineProject:
    """A second checkout, pulled; every test leaves it as it was committed."""
    second = ran.clone(tmp_path_factory.mktemp("second") / "clone")
    second.run("dvc", "pull", "-q")
    return second


def test_the_remote_holds_every_result_under_the_hash_of_its_content(ran: PipelineProject) -> None:
    server, remote = ran.root.with_name("server"), ran.root.with_name("remote")
    assert_sound(remote)
    lock = yaml.safe_load((ran.root / "dvc.lock").read_text())["stages"]
    outs = {out["md5"] for stage in lock.values() for out in stage.get("outs", [])}
    held = {path.parent.name + path.name for path in cached(remote)}
    assert outs <= held == {path.parent.name + path.name for path in cached(server)}


def test_a_second_clone_has_nothing_to_do_and_the_same_figures(ran: PipelineProject, clone: PipelineProject) -> None:
    assert clone.repro() == []
    assert clone.is_clean()
    assert figures(clone) == figures(ran)
    assert clone.registry() == ran.registry() and ran.registry().events


def test_an_experiment_that_is_applied_or_taken_back_shows_its_own_figures(
    ran: PipelineProject, clone: PipelineProject
) -> None:
    before = figures(ran)
    clone.run("dvc", "exp", "run", "-q", "--temp", "--name", "five", "-S", "balance.clusters=5", "mix")
    assert figures(clone) == before
    shown = json.loads(clone.run("dvc", "exp", "show", "--json"))
    (revision,) = shown[1]["experiments"][0]["revs"]
    balance = revision["data"]["metrics"]["reports/balance/metrics.json"]["data"]
    clone.run("dvc", "exp", "apply", "-q", "five")
    assert figures(clone)["balance"] == balance != before["balance"]
    assert len(read_pose_clusters(clone.root / "data/balance/clusters.json").counts) == 5
    clone.run("git", "checkout", "-q", "--force", "HEAD")
    clone.run("dvc", "checkout", "-q")
    assert figures(clone) == before


def figures(project: PipelineProject) -> dict[str, object]:
    """Stage -> the content of its metrics.json."""
    files = sorted((project.root / "reports").glob("*/metrics.json"))
    return {file.parent.name: json.loads(file.read_text()) for file in files}
