"""The sweep on a toy project with real experiments of DVC."""

import json
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import pytest
import yaml

from dataengine.datasets.studies.mix.plan import MixPlan
from dataengine.datasets.sweep_mix import parse_mix_plan, run
from dataengine.errors import EnvironmentFault, InputError

from ..helpers.dvc_checkout import commit_project, git

# the AP of a fit is a function of its params, and each run leaves a line in a file outside
FIT = """
import json, pathlib, sys, yaml
params = yaml.safe_load(open("params.yaml"))
fit, ratio = params["fit-teacher"], params["mix"]["synthetic_per_real"]
if fit["epochs"] == 13:
    sys.exit("out of luck")
with open(fit["runs"], "a") as runs:
    runs.write(f"{ratio} {fit['seed']}\\n")
ap = 0.5 + ratio / 4 + 0.01 * fit["seed"]
pathlib.Path("reports/fit-teacher").mkdir(parents=True, exist_ok=True)
pathlib.Path("reports/fit-teacher/metrics.json").write_text(json.dumps({"val_oks_ap": ap}))
"""
SWEEP = MixPlan((Fraction(0), Fraction(1, 3)), (2,), "fit-teacher", {"fit-teacher.epochs": "2"})
REPORT = Path("reports/sweep-mix")


@pytest.fixture
def runs(checkout: Path, tmp_path: Path) -> Path:
    """A project of two stages; returns the file in which fits leave their lines."""
    file = tmp_path / "runs.txt"
    fit = {"seed": 1, "epochs": 8, "runs": str(file)}
    mix = {"cmd": "mkdir -p data && cat params.yaml source.txt > data/mix", "params": ["mix"], "deps": ["source.txt"]}
    stages = {
        "mix": {**mix, "outs": ["data/mix"]},
        "fit-teacher": {
            "cmd": f"{sys.executable} fit.py",
            "params": ["fit-teacher"],
            "deps": ["data/mix", "fit.py"],
            "metrics": ["reports/fit-teacher/metrics.json"],
        },
    }
    params = {"mix": {"synthetic_per_real": 0.1, "seed": 0}, "fit-teacher": fit}
    commit_project(stages, params, {"fit.py": FIT, "source.txt": "people"})
    return file


@pytest.mark.slow
def test_a_sweep_runs_what_is_missing_and_leaves_the_checkout_alone(runs: Path) -> None:
    run(replace(SWEEP, ratios=SWEEP.ratios[:1]), report=REPORT)
    assert runs.read_text() == "0.0 2\n"
    run(SWEEP, report=REPORT)
    assert runs.read_text() == f"0.0 2\n{1 / 3} 2\n"
    assert git("status", "--porcelain", "--", ":!dvc.lock") == ""
    assert yaml.safe_load(Path("params.yaml").read_text())["mix"]["synthetic_per_real"] == 0.1
    document = json.loads((REPORT / "sweep.json").read_text())
    found = {(trial["ratio"], trial["seed"]): trial["val_ap"] for trial in document["trials"]}
    assert found == pytest.approx({("0", 2): 0.52, ("1/3", 2): 0.52 + 1 / 12})
    assert cv2.imread(str(REPORT / "sweep.png")) is not None and "1 : 3" in (REPORT / "sweep.md").read_text()
    lines = runs.read_text()
    run(SWEEP, report=REPORT)
    assert runs.read_text() == lines, "nothing is missing"
    Path("source.txt").write_text("more people")
    run(replace(SWEEP, ratios=SWEEP.ratios[:1]), report=REPORT)
    assert runs.read_text() == lines + "0.0 2\n", "other data, other trials"


@pytest.mark.slow
def test_a_fit_that_fails_is_one_line_with_the_log(runs: Path) -> None:
    with pytest.raises(InputError, match=r"dvc exp run failed: .*see reports/sweep-mix/study\.log"):
        run(replace(SWEEP, settings={"fit-teacher.epochs": "13"}), report=REPORT)
    assert "out of luck" in (REPORT / "study.log").read_text()


def test_a_folder_that_is_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"no dvc\.yaml"):
        run(SWEEP, report=REPORT)
    Path("dvc.yaml").write_text("stages: {}\n")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(EnvironmentFault, match="git rev-parse HEAD does not work"):
        run(SWEEP, report=REPORT)


def test_ratios_are_read_and_sorted() -> None:
    plan = parse_mix_plan(
        ratios=["1", "1/3", "0", "0.5", "0.3333333333"], seeds=[1, 0, 1], stage="fit-teacher", settings=[]
    )
    assert plan.ratios == (Fraction(0), Fraction(1, 3), Fraction(1, 2), Fraction(1))
    assert plan.seeds == (0, 1)


@pytest.mark.parametrize(
    ("ratios", "seeds", "stage", "setting", "match"),
    [
        (["x"], [0], "fit-teacher", [], "--ratio"),
        (["1/0"], [0], "fit-teacher", [], "--ratio"),
        (["nan"], [0], "fit-teacher", [], "--ratio"),
        (["-1"], [0], "fit-teacher", [], "--ratio is negative"),
        (["1"], [-1], "fit-teacher", [], "--seed"),
        (["1"], [0], "mix", [], "--stage"),
        (["1"], [0], "fit-teacher", ["epochs"], "--set"),
        (["1"], [0], "fit-teacher", ["fit-teacher.seed=3"], "--set"),
        (["1"], [0], "fit-teacher", ["mix.synthetic_per_real=3"], "--set"),
        (["1"], [0], "fit-teacher", ["++mix.seed=3"], "--set"),
    ],
)
def test_what_makes_no_sweep(ratios: list[str], seeds: list[int], stage: str, setting: list[str], match: str) -> None:
    with pytest.raises(InputError, match=match):
        parse_mix_plan(ratios=ratios, seeds=seeds, stage=stage, settings=setting)
