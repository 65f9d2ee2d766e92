"""Promotions in clones, on branches, in experiments and out of caches: real stages, a local remote, no network."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from dataengine.coco_json import read_people
from dataengine.errors import InputError
from dataengine.inference.exported import load_exported
from dataengine.poses.clusters import PoseClusters, write_pose_clusters
from dataengine.poses.embedding import DIMENSIONS, pose_bones
from dataengine.poses.known_poses import RANKS, KnownPoses, write_known_poses
from dataengine.registry.records import Registry
from dataengine.registry.registry_file import write_registry
from dataengine.registry.store import stored_model
from dataengine.train.gate.policy import PINNED

from ...helpers.pipeline_project import PipelineProject, new_project
from ..gate_round import PARAMS

pytestmark = pytest.mark.slow
EXPORT = "models/export"
POLICY = {name: value for name, value in asdict(PARAMS).items() if name not in PINNED}


@pytest.fixture(scope="session")
def promoted(
    tmp_path_factory: pytest.TempPathFactory, round_folder: Path, exported: dict[str, Path]
) -> PipelineProject:
    """A poor first model became champion; everything is committed and pushed."""
    folder = tmp_path_factory.mktemp("promoted")
    ingested = folder / "ingest"
    ingested.mkdir()
    shutil.copy(round_folder / "test.json", ingested)
    shutil.copytree(round_folder / "test", ingested / "test")
    one = PoseClusters(centres=np.zeros((1, DIMENSIONS)), counts=np.array([9]), repeat_factor=np.ones(1))
    write_pose_clusters(folder / "balance" / "clusters.json", one)
    test_people, _ = read_people(round_folder / "test.json")
    bones, _ = pose_bones(test_people.keypoints_px, test_people.visibility)
    write_known_poses(folder / "balance" / "poses.json", KnownPoses(bones=bones, spacing=RANKS))
    given = {
        "ingest": {"data/ingest": ingested},
        "balance": {"data/balance": folder / "balance"},
        "export": {EXPORT: exported["bad"]},
    }
    policy = {**POLICY, "floor_ap": 0.0}
    project = new_project(folder / "project", ["compare", "promote"], given, {"compare": policy})
    assert project.repro() == ["ingest", "balance", "export", "compare", "promote"]
    project.commit()
    project.run("dvc", "push", "-q")
    return project


@pytest.fixture
def project(promoted: PipelineProject, tmp_path: Path) -> PipelineProject:
    """A clone of it, pulled."""
    clone = promoted.clone(tmp_path / "clone")
    clone.run("dvc", "pull", "-q")
    return clone


def champion(project: PipelineProject) -> str:
    """The champion's id, once its files were found in the store."""
    entry = project.registry().champion
    assert entry is not None
    return stored_model(entry, project.root / "models" / "registry").id


def test_a_clone_has_the_champion_and_nothing_to_do(promoted: PipelineProject, project: PipelineProject) -> None:
    assert promoted.is_clean() and project.is_clean()
    assert project.repro() == []
    assert champion(project) == champion(promoted) == load_exported(project.root / EXPORT).id
    assert project.is_clean()


def test_the_champion_is_pulled_after_store_and_cache_are_lost(promoted: PipelineProject, tmp_path: Path) -> None:
    wanted = champion(promoted)
    clone = promoted.clone(tmp_path / "clone")
    for _ in range(2):
        with pytest.raises(InputError, match="dvc pull"):
            champion(clone)
        clone.run("dvc", "pull", "-q")
        assert champion(clone) == wanted
        for lost in ("models/registry", EXPORT, ".dvc/cache"):
            shutil.rmtree(clone.root / lost)


def test_no_cache_stands_for_a_promotion(promoted: PipelineProject, tmp_path: Path) -> None:
    """On a branch from before the promotion, with all caches at hand, the model is promoted again."""
    shutil.copytree(promoted.root, tmp_path / "project", symlinks=True)
    project = PipelineProject(tmp_path / "project")
    project.run("git", "checkout", "-q", "-b", "earlier", "HEAD~1")
    project.run("dvc", "checkout", "-q", "--allow-missing", "--force")
    assert project.registry() == Registry()
    assert set(project.repro()) == {"promote", "ingest*", "balance*", "export*", "compare*"}
    assert [event.outcome for event in project.registry().events] == ["promoted"]
    assert "promoted" in project.run("dataengine", "history")
    assert champion(project) == champion(promoted)


def test_a_registry_that_lost_the_promotion_gets_it_again(project: PipelineProject) -> None:
    """A merge may keep the other side's registry: what dvc.lock says does not stand for a promotion either."""
    write_registry(project.root / "models" / "registry.json", Registry())
    assert project.repro() == ["promote"]
    assert [event.outcome for event in project.registry().events] == ["promoted"]
    assert project.repro() == []


def test_an_experiment_brings_the_champion_with_its_files_and_figures(
    project: PipelineProject, exported: dict[str, Path]
) -> None:
    """In a temporary copy the model is compared with the champion, whose files that copy gets from the cache.

    So it is where `compare` is run alone: DVC brings only what it depends on there, and the store is not among it.
    """
    first, better = champion(project), load_exported(exported["good"]).id
    project.run("dataengine", "begin-round")
    project.commit()
    setting = f"given.export.export={exported['good']}"
    alone = ("--temp", "--name", "compared", "--set-param", setting, "compare")
    project.run("dvc", "exp", "run", "-q", *alone)
    project.run("dvc", "exp", "apply", "-q", "compared")
    assert json.loads((project.root / "reports/compare/verdict.json").read_text())["champion"] == first
    project.run("git", "checkout", "-q", "--force", "HEAD")
    project.run("dvc", "exp", "remove", "-q", "compared")
    project.run("dvc", "checkout", "-q")

    project.run("dvc", "exp", "run", "-q", "--temp", "--name", "better", "--set-param", setting)
    assert champion(project) == first
    assert project.run("git", "status", "--porcelain") == ""

    shown = json.loads(project.run("dvc", "exp", "show", "--json"))
    _, commit = shown
    (experiment,) = commit["experiments"]
    (revision,) = experiment["revs"]
    figures = revision["data"]["metrics"]["reports/compare/metrics.json"]["data"]
    assert figures["promote"] == 1 and figures["gain"]["value"] > 0

    project.run("dvc", "exp", "apply", "-q", "better")
    assert champion(project) == better
    assert stored_model(project.registry().entry(first), project.root / "models" / "registry").id == first
    assert json.loads((project.root / "reports/compare/metrics.json").read_text()) == figures
    assert project.repro() == []

    project.run("git", "checkout", "-q", "--force", "HEAD")
    project.run("dvc", "checkout", "-q")
    assert champion(project) == first
    assert json.loads((project.root / "reports/compare/metrics.json").read_text())["promote"] == 1
