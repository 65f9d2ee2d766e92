"""What is read of a project's dvc.yaml."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from dataengine.errors import InputError
from dataengine.files import sha256_file
from dataengine.studies import dvc_project
from dataengine.studies.dvc_project import DvcProject, paths_of, read_stages

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def repository_of_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder with one commit."""
    monkeypatch.chdir(tmp_path)
    commit = ["commit", "-q", "--allow-empty", "-m", "empty"]
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *commit], check=True)


def test_makers_of_what_a_stage_reads(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "dvc.yaml", "dvc.yaml")
    project = DvcProject(tmp_path, tmp_path / "log")
    assert project.makers("fit-teacher") == ["ingest", "render", "mix"]
    assert project.makers("fetch") == []


def test_params_stand_for_their_keys() -> None:
    stages = {"a": {"cmd": "go ${place.store} ${place.none} ${item}", "outs": [{"${place.store}": {"persist": True}}]}}
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    assert read_stages(Path("dvc.yaml")) == stages, "without params.yaml"
    Path("params.yaml").write_text("place: {store: models/store}\nother: 1\n")
    (stage,) = read_stages(Path("dvc.yaml")).values()
    assert stage["cmd"] == "go models/store ${place.none} ${item}" and paths_of(stage, "outs") == ["models/store"]
    assert paths_of(read_stages(REPOSITORY / "dvc.yaml")["promote"], "outs")[1] == "models/registry"


def test_what_decides_a_result(tmp_path: Path) -> None:
    stages = {
        "ingest": {"cmd": "a", "deps": ["one.py"], "outs": ["data/a"], "params": ["ingest"]},
        "balance": {"cmd": "b", "deps": ["two.py", "data/a"], "outs": [{"data/b": {"persist": True}}]},
        "select": {"cmd": "c", "deps": ["three.py", "data/b"], "outs": ["data/c"]},
    }
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    Path("params.yaml").write_text("ingest: {x: 1}\nselect: {y: 2}\n")
    for name in ("one", "two", "three"):
        Path(f"{name}.py").write_text(name)
    project = DvcProject(tmp_path, tmp_path / "log")
    found = project.ingredients("balance")
    assert found["ingest"] == {
        "cmd": "a",
        "params": {"ingest": {"x": 1}},
        "files": {"one.py": sha256_file(Path("one.py"))},
    }
    assert set(found) == {"ingest", "balance"} and project.out("balance") == "data/b"
    Path("dvc.lock").write_text(yaml.safe_dump({"stages": {"ingest": {"outs": [{"path": "data/a", "md5": "1"}]}}}))
    assert project.results("ingest") == [{"path": "data/a", "md5": "1"}]
    Path("three.py").write_text("changed")
    assert project.ingredients("balance") == found
    Path("one.py").write_text("changed")
    assert project.ingredients("balance") != found


def test_a_folder_decides_by_every_file_in_it_but_caches(tmp_path: Path) -> None:
    stages = {"mix": {"cmd": "a", "deps": ["code"], "outs": ["data/mix"], "params": ["fit", "mix"]}}
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    Path("params.yaml").write_text("mix: {x: 1}\nfit: {y: 2}\n")
    for name in ("code/a.py", "code/deep/b.yaml", "code/__pycache__/a.txt", "code/a.pyc", "code/.c.json.1.partial"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(name)
    project = DvcProject(tmp_path, tmp_path / "log")
    found = project.ingredients("mix")["mix"]
    assert list(found["files"]) == ["code/a.py", "code/deep/b.yaml"]
    assert found["params"] == {"fit": {"y": 2}, "mix": {"x": 1}}
    Path("code/deep/b.yaml").write_text("changed")
    assert project.ingredients("mix")["mix"] != found


def test_what_decides_a_fit_of_this_project_can_be_read(tmp_path: Path) -> None:
    if not (REPOSITORY / ".git").exists():
        pytest.skip("not a git checkout")
    found = DvcProject(REPOSITORY, tmp_path / "log").ingredients("fit-student")
    assert {"fetch", "ingest", "render", "balance", "mix", "fit-teacher", "pseudo-label", "fit-student"} == set(found)
    assert "train/fit/loop.py" in found["fit-student"]["files"]
    assert all(len(sha256) == 64 for stage in found.values() for sha256 in stage["files"].values())


def test_a_failure_is_not_explained_by_an_older_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("dvc.yaml").write_text("stages: {}\n")
    project = DvcProject(tmp_path, tmp_path / "log")
    project.log.write_text("ERROR: of yesterday\n")
    programs = {"killed": "print('killed'); exit(1)", "now": "print('ERROR: now'); print('bye'); exit(1)"}
    for said, program in programs.items():
        monkeypatch.setattr(dvc_project, "_callable", lambda words, code=program: [sys.executable, "-c", code])
        with pytest.raises(InputError, match=f"dvc repro mix failed: got .*{said}"):
            project.repro("mix")
