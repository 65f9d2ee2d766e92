"""Labels travel: their files with git, their pictures with DVC, to a fresh clone and to a copy that DVC makes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from dataengine.coco_json import write_people
from dataengine.datasets.balance import BalanceParams
from dataengine.datasets.balance import run as run_balance
from dataengine.labels.kept_pictures import PICTURES
from dataengine.labels.label_store import read_store
from dataengine.leakage.held_out import HeldOutSet, write_held_out
from dataengine.people import Images, People

from ..helpers.drawn_people import draw_people_at, draw_standing_people
from ..helpers.dvc_checkout import repository_file
from ..helpers.held_out import RULE, held_out_set
from ..helpers.label_files import STORE, labelled
from ..helpers.pipeline_project import PipelineProject, environment, new_project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PipelineProject:
    """The stage mix on people who are given, and labels of two pictures that it is to learn from."""
    given = tmp_path / "given"
    given.mkdir()
    monkeypatch.chdir(given)
    people, images = draw_standing_people(Path("ingest/images"), 12, seed=0)
    write_people(Path("ingest/train.json"), people, images)
    held = held_out_set(images.take([0]))
    nothing = HeldOutSet(held.contents.build([], np.empty((0, 32, 32)), images.take([])), held.split[:0], RULE)
    write_held_out(Path("ingest/held_out.json"), nothing)
    write_people(Path("render/people.json"), People.empty(), Images.build(id=[], path=[], width=[], height=[]))
    grouping = BalanceParams(clusters=2, threshold=0.75, max_repeat=3.0, seed=0)
    run_balance(grouping, train=Path("ingest/train.json"), out=Path("balance"), report=Path("reports"))
    folders = {name: {f"data/{name}": given / name} for name in ("ingest", "render", "balance")}
    root = tmp_path / "project"
    made = new_project(root, ["mix"], folders, {"mix": {"synthetic_per_real": 0.0}})
    monkeypatch.chdir(root)
    file = labelled(*draw_people_at(tmp_path / "pool", 2, seed=1)).path
    sections = yaml.safe_load(Path("params.yaml").read_text())
    sections["mix"]["labels"] = [str(file)]
    Path("params.yaml").write_text(yaml.safe_dump(sections, sort_keys=False))
    return made


def test_a_fresh_clone_gets_labels_and_pictures(project: PipelineProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """`dvc add` the pictures, commit, push; a clone pulls all, and a lost picture again by what the error names."""
    project.run("dvc", "add", str(STORE / PICTURES))
    assert project.repro()[-1] == "mix"
    project.commit()
    project.run("dvc", "push")
    assert project.is_clean()
    tracked = project.run("git", "ls-files", str(STORE)).splitlines()
    assert sorted(tracked) == sorted([f"{STORE}/README.md", f"{STORE}/{PICTURES}.dvc", *map(str, STORE.glob("*.json"))])

    clone = project.clone(project.root.with_name("clone"))
    clone.run("dvc", "remote", "modify", "--local", "store", "url", str(project.root.with_name("remote")))
    clone.run("dvc", "pull")
    monkeypatch.chdir(clone.root)
    (file,) = read_store(STORE)
    file.check_pictures()
    assert clone.is_clean() and clone.repro() == []

    lost = Path(file.images.path[0])
    lost.unlink()
    Path(file.images.path[1]).unlink()
    Path(file.images.path[1]).write_bytes(b"something else")
    words = [sys.executable, "-m", *repository_file("dvc.yaml")["stages"]["mix"]["cmd"].split()]
    done = subprocess.run(words, env=environment(), check=False, capture_output=True, text=True)
    told = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 2 and f"{lost} is missing (and 1 more)" in told
    clone.run(*told.split("`")[1].split())
    file.check_pictures()
    assert clone.is_clean()


def test_a_picture_that_comes_later_never_changes_one_that_dvc_has_linked(project: PipelineProject) -> None:
    """With links into a shared cache, writing into a file would change the cache."""
    project.run("dvc", "config", "cache.type", "symlink")
    project.run("dvc", "add", str(STORE / PICTURES))
    assert all(path.is_symlink() for path in (STORE / PICTURES).iterdir())
    labelled(*draw_people_at(project.root.with_name("more"), 3, seed=1))
    for file in read_store(STORE):
        file.check_pictures()
    project.run("dvc", "add", str(STORE / PICTURES))
    assert len(list((STORE / PICTURES).iterdir())) == 5
