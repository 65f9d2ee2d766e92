import subprocess
import sys
from pathlib import Path

import pytest

from dataengine.bench import repro
from dataengine.errors import EnvironmentFault, InputError

DVC_YAML = """
stages:
  make:
    cmd: mkdir -p kept && test ! -e kept/a && echo 1 > kept/a
    outs: [{kept: {persist: true, cache: false}}]
  use:
    cmd: cp kept/a used
    deps: [kept]
    outs: [{used: {cache: false}}]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    subprocess.run([sys.executable, "-m", "dvc", "init", "--no-scm", "-q"], check=True)
    (tmp_path / "dvc.yaml").write_text(DVC_YAML)
    return tmp_path


def test_every_stage_runs_again_also_those_that_keep_their_outputs(project: Path) -> None:
    subprocess.run([sys.executable, "-m", "dvc", "repro", "-q"], check=True)
    figures = {figure.name: figure.ours for figure in repro.run()}  # `make` fails where its output is still there
    assert list(figures) == ["repro.make_s", "repro.use_s", "repro.total_s", "repro.noop_s"]
    assert figures["repro.total_s"] == pytest.approx(figures["repro.make_s"] + figures["repro.use_s"])
    assert (project / "used").read_text() == "1\n"
    assert sorted(path.name for path in project.glob(".*aside")) == []


def test_a_failing_stage_gives_the_kept_output_back(project: Path) -> None:
    subprocess.run([sys.executable, "-m", "dvc", "repro", "-q"], check=True)
    (project / "dvc.yaml").write_text(DVC_YAML.replace("test ! -e", "test -e"))
    with pytest.raises(EnvironmentFault, match="make failed"):
        list(repro.run())
    assert (project / "kept" / "a").read_text() == "1\n"


def test_without_dvc_yaml_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"dvc\.yaml"):
        repro.stages(tmp_path / "dvc.yaml")
