"""The sweep on a toy project with real experiments of DVC; its figures against scipy."""

import json
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import scipy.stats
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dataengine.datasets.studies.mix_report import Trial, page, summarise, write_plot
from dataengine.datasets.sweep_mix import Sweep, parse_sweep, run
from dataengine.errors import EnvironmentFault, InputError

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
SWEEP = Sweep((Fraction(0), Fraction(1, 3)), (2,), "fit-teacher", ("fit-teacher.epochs=2",))
REPORT = Path("reports/sweep-mix")


def git(*arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    return subprocess.run(["git", *identity, *arguments], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of two stages; returns the file in which fits leave their lines."""
    checkout, runs = tmp_path / "checkout", tmp_path / "runs.txt"
    checkout.mkdir()
    monkeypatch.chdir(checkout)
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "somebody@example.com")
    monkeypatch.setenv("DVC_NO_ANALYTICS", "true")
    git("init", "-q")
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], check=True)
    Path(".gitignore").write_text("/data/\n/reports/\n")
    Path("fit.py").write_text(FIT)
    Path("source.txt").write_text("people")
    fit = {"seed": 1, "epochs": 8, "runs": str(runs)}
    Path("params.yaml").write_text(yaml.safe_dump({"mix": {"synthetic_per_real": 0.1, "seed": 0}, "fit-teacher": fit}))
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
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    git("add", "-A")
    git("commit", "-q", "-m", "project")
    return runs


@pytest.mark.slow
def test_a_sweep_runs_what_is_missing_and_leaves_the_checkout_alone(project: Path) -> None:
    run(replace(SWEEP, ratios=SWEEP.ratios[:1]), REPORT)
    assert project.read_text() == "0.0 2\n"
    run(SWEEP, REPORT)
    assert project.read_text() == f"0.0 2\n{1 / 3} 2\n"
    assert git("status", "--porcelain", "--", ":!dvc.lock") == ""
    assert yaml.safe_load(Path("params.yaml").read_text())["mix"]["synthetic_per_real"] == 0.1
    document = json.loads((REPORT / "sweep.json").read_text())
    found = {(trial["ratio"], trial["seed"]): trial["val_ap"] for trial in document["trials"]}
    assert found == pytest.approx({("0", 2): 0.52, ("1/3", 2): 0.52 + 1 / 12})
    assert cv2.imread(str(REPORT / "sweep.png")) is not None and "1 : 3" in (REPORT / "sweep.md").read_text()
    lines = project.read_text()
    run(SWEEP, REPORT)
    assert project.read_text() == lines, "nothing is missing"
    Path("source.txt").write_text("more people")
    run(replace(SWEEP, ratios=SWEEP.ratios[:1]), REPORT)
    assert project.read_text() == lines + "0.0 2\n", "other data, other trials"


@pytest.mark.slow
def test_a_fit_that_fails_is_one_line_with_the_log(project: Path) -> None:
    with pytest.raises(InputError, match=r"dvc exp run failed: .*see reports/sweep-mix/sweep\.log"):
        run(replace(SWEEP, settings=("fit-teacher.epochs=13",)), REPORT)
    assert "out of luck" in (REPORT / "sweep.log").read_text()


def test_a_folder_that_is_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"no dvc\.yaml"):
        run(SWEEP, REPORT)
    Path("dvc.yaml").write_text("stages: {}\n")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(EnvironmentFault, match="git rev-parse HEAD does not work"):
        run(SWEEP, REPORT)


def test_what_a_trial_sets() -> None:
    teacher = SWEEP.params_of(Trial(Fraction(1, 6), 4))
    assert teacher == [
        "mix.synthetic_per_real=0.16666666666666666",
        "mix.seed=4",
        "fit-teacher.seed=4",
        "fit-teacher.epochs=2",
    ]
    student = Sweep((Fraction(1),), (0,), "fit-student").params_of(Trial(Fraction(1), 2))
    assert student == ["mix.synthetic_per_real=1.0", "mix.seed=2", "fit-teacher.seed=2", "fit-student.seed=2"]


def test_ratios_are_read_and_sorted() -> None:
    sweep = parse_sweep(["1", "1/3", "0", "0.5", "0.3333333333"], [1, 0, 1], "fit-teacher", [])
    assert sweep.ratios == (Fraction(0), Fraction(1, 3), Fraction(1, 2), Fraction(1))
    assert sweep.seeds == (0, 1)
    assert [t.seed for t in sweep.trials()] == [0] * 4 + [1] * 4


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
    ],
)
def test_what_makes_no_sweep(ratios: list[str], seeds: list[int], stage: str, setting: list[str], match: str) -> None:
    with pytest.raises(InputError, match=match):
        parse_sweep(ratios, seeds, stage, setting)


@settings(deadline=None)
@given(st.integers(1, 6), st.integers(2, 6), st.integers(0, 1000))
def test_the_interval_against_analysis_of_variance(ratios: int, seeds: int, chance: int) -> None:
    ap = np.random.default_rng(chance).uniform(0.3, 0.9, (ratios, seeds))
    summary = summarise({Trial(Fraction(r), s): float(ap[r, s]) for r in range(ratios) for s in range(seeds)})
    assert summary.mean == pytest.approx(ap.mean(axis=1))
    pooled = np.mean([np.var(row, ddof=1) for row in ap])
    expected = scipy.stats.t.interval(0.95, ratios * (seeds - 1), scale=np.sqrt(pooled / seeds))[1]
    assert summary.half_width == pytest.approx(expected)
    if ratios > 1 and seeds > 1:  # two ratios: the same test as scipy's
        two = summarise({Trial(Fraction(r, 3), s): float(ap[r, s]) for r in range(2) for s in range(seeds)})
        p = scipy.stats.ttest_ind(ap[0], ap[1]).pvalue
        if two.mean.argmax() == 0:
            assert ("not told apart" in two.verdict()) == (p >= 0.05)


def test_a_single_seed_has_no_interval(tmp_path: Path) -> None:
    summary = summarise({Trial(Fraction(r, 3), 0): r / 10 for r in range(3)})
    assert np.isnan(summary.half_width)
    write_plot(tmp_path / "sweep.png", summary, "fit-teacher")
    text = page(summary, "fit-teacher", ["fit-teacher.epochs=2"])
    assert "A single seed does not tell" in text and "nan" not in text and "±" not in text
    assert "--ratio 0 --ratio 1/3 --ratio 2/3 --seed 0 --set fit-teacher.epochs=2" in text
