"""The study of distillation: who teaches whom, tiny fits of a whole chain, what it refuses, its page."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from typer.testing import CliRunner

from dataengine.cli import app
from dataengine.coco_json import write_people
from dataengine.errors import InputError
from dataengine.nets.checkpoint import load_checkpoint
from dataengine.train.studies.distillation.measuring import NetworkCost
from dataengine.train.studies.distillation.page import DistilOutcome, gains, write_distillation_page
from dataengine.train.studies.distillation.plan import DistilFit, DistilPlan, parse_networks, parted_settings
from dataengine.train.studies.distillation.runner import DistilStudy

from ....helpers.drawn_people import draw_people_at
from ....helpers.fitting_project import TINY_NETWORK, one_torch_thread, write_project

PLAN = DistilPlan(
    networks={"large": "hrnet-w48", "middle": "hrnet-w32", "small": "residual"},
    seeds=(0, 1),
    people=12,
    epochs=3,
    start="none",
    settings={"fit.batch": "4"},
    own={"small": {"network_kwargs": "{channels: [16, 32]}"}},
)
OF_A_FIT = ["--people", "8", "--epochs", "1", "--seed", "0", "--runs", "1"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: Path) -> Iterator[None]:
    """A mix of eight drawn people, and params under which `residual` is tiny."""
    monkeypatch.chdir(tmp_path)
    write_project()
    for seed, name in enumerate(("val", "test"), start=9):
        write_people(Path(f"{name}.json"), *draw_people_at(Path(f"{name}_images"), 8, seed))
    document = yaml.safe_load((repository / "params.yaml").read_text())
    document["fit"] |= TINY_NETWORK
    Path("params.yaml").write_text(yaml.safe_dump(document))
    with one_torch_thread():
        yield


def call(*words: str) -> None:
    chain = [
        "--network",
        "wide=residual",
        "--network",
        "thin=residual",
        "--set",
        "wide.network_kwargs={channels: [16, 48], blocks: [1, 1], maps_per_joint: 2}",
    ]
    given = [
        "compare-distilled",
        "--mix",
        "mix",
        "--val",
        "val.json",
        "--report",
        "report",
        *chain,
        *OF_A_FIT,
        *words,
    ]
    result = CliRunner().invoke(app, given, catch_exceptions=True)
    if result.exception:
        raise result.exception


@pytest.mark.parametrize("words", [("--val", "mix/train.json"), ("--test", "mix/train.json"), ("--test", "val.json")])
def test_what_is_learnt_from_or_chosen_by_does_not_measure(project: None, words: tuple[str, str]) -> None:
    with pytest.raises(InputError, match=r"share pictures.*got 8"):
        call(*words)
    assert not Path("report").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--set", "thin.input_width_px=64"), "thin does not fit the chain: the network wide has another crop"),
        (("--set", "thin.losses.presence=0.1"), "thin does not fit the chain: .*losses.presence"),
        (("--set", "fit-student.distill.output_weight=0"), "wide does not fit the chain: .*all weights are 0"),
        (("--set", "thin.network_kwargs={channels: [16, 64], blocks: [1, 1]}"), "largest network first, got wide with"),
    ],
)
def test_a_chain_that_does_not_fit_is_refused_before_anything_is_fitted(
    project: None, words: tuple[str, str], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        call(*words)
    assert not Path("report/fits").exists()


def test_everybody_is_taught_by_all_that_are_larger_and_by_those_who_were_taught() -> None:
    assert PLAN.ways() == [
        ("large",),
        ("middle",),
        ("middle", "large"),
        ("small",),
        ("small", "large"),
        ("small", "middle"),
        ("small", "middle", "large"),
    ]
    done: set[DistilFit] = set()
    for fit in PLAN.fits():
        assert fit.teacher is None or fit.teacher in done, "a teacher is fitted before"
        done.add(fit)
    assert len(done) == 14


def test_fits_differ_in_network_and_teacher_alone() -> None:
    alone = PLAN.fit_params(DistilFit(("small",), 1), None)
    taught = PLAN.fit_params(DistilFit(("small", "large"), 1), "a/network")
    assert {key for key in alone if alone[key] != taught[key]} == {"fit-student.distill.teacher"}
    assert taught["fit-student.distill.teacher"] == "a/network" and alone["fit-student.distill.teacher"] == "null"
    assert alone["fit-student.network_kwargs"] == "{channels: [16, 32]}" and alone["fit.batch"] == "4"
    assert alone["fit-student.people_per_epoch"] == "4"
    large = PLAN.fit_params(DistilFit(("large",), 1), None)
    assert large["fit-student.network"] == "hrnet-w48" and "fit-student.network_kwargs" not in large


def test_a_chain_is_fitted_measured_and_not_fitted_again(project: None, monkeypatch: pytest.MonkeyPatch) -> None:
    call("--test", "test.json")
    page = Path("report/distillation.md").read_text()
    (taught,) = [line for line in page.splitlines() if line.startswith("| thin | wide |")]
    assert len(list(Path("report/runs").iterdir())) == 3 and "Unfinished" not in page
    assert Path("report/distillation.png").stat().st_size > 1000
    (folder,) = Path("report/fits").glob("thin-by-wide-seed0-*")
    lineage = json.loads((folder / "network" / "model.json").read_text())["lineage"]
    (teacher,) = Path("report/fits").glob("wide-seed0-*")
    assert lineage["params"]["distill"]["teacher"] == str(teacher / "network")
    nets = {path.name.split("-seed")[0]: load_checkpoint(path / "network")[0] for path in Path("report/fits").iterdir()}
    weights = [sum(p.numel() for p in nets[name].parameters()) for name in ("wide", "thin", "thin-by-wide")]
    assert weights[0] > weights[1] == weights[2]
    assert f"| {weights[0] / 1e6:.2f} |" in page
    one, other = (torch.cat([p.flatten() for p in nets[name].parameters()]) for name in ("thin", "thin-by-wide"))
    assert not torch.equal(one, other), "the teacher has changed what is learned"

    def none(*_: object, **__: object) -> None:
        raise AssertionError("nothing is left to do")

    monkeypatch.setattr("dataengine.train.fit.loop.fit", none)
    monkeypatch.setattr("dataengine.train.studies.distillation.runner.network_costs", none)
    call("--test", "test.json")
    assert taught in Path("report/distillation.md").read_text()
    with pytest.raises(AssertionError, match="nothing is left"):
        call("--test", "test.json", "--set", "wide.label_sigma_px=1.5")


def test_seconds_are_those_of_all_calls(project: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(study: DistilStudy, fit: DistilFit) -> None:
        time.sleep(0.3)
        raise KeyboardInterrupt

    def fitted(study: DistilStudy, fit: DistilFit) -> None:
        folder = study._folder(fit)
        (folder / "network").mkdir()
        (folder / "network/model.json").write_text("{}")
        (folder / "report").mkdir()
        (folder / "report/metrics.json").write_text('{"val_oks_ap": 0.5, "val_pck_02": 0.5}')

    study = DistilStudy(
        plan=PLAN,
        mix=Path("mix"),
        val=Path("val.json"),
        test=None,
        params=Path("params.yaml"),
        runs=1,
        line="",
        report=Path("report"),
    )
    fit = DistilFit(("small",), 0)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(DistilStudy, "_fit", killed)
        study.outcome(fit)
    monkeypatch.setattr(DistilStudy, "_fit", fitted)
    outcome = study.outcome(fit)
    assert outcome.seconds >= 0.3 and study.known(fit) == outcome


def test_gains_are_taken_seed_by_seed(tmp_path: Path) -> None:
    def outcome(ap: float) -> DistilOutcome:
        return DistilOutcome(ap=ap, pck_02=0.5, test_ap=None, seconds=10.0)

    known = {fit: outcome(0.1 + 0.05 * fit.seed) for fit in PLAN.fits()}
    known |= {DistilFit(("small", "large"), seed): outcome(0.13 + 0.06 * seed) for seed in (0, 1)}
    known.pop(DistilFit(("middle",), 1))
    assert gains(known)["small", "large"] == pytest.approx({0: 0.03, 1: 0.04})
    assert set(gains(known)["middle", "large"]) == {0}
    costs = {
        name: NetworkCost(n * 10**6, n * 10**5, float(n)) for n, name in ((9, "large"), (5, "middle"), (1, "small"))
    }
    write_distillation_page(tmp_path, PLAN, known, costs, {"train": 8, "val": 8}, (96, 96), "dataengine x")
    page = (tmp_path / "distillation.md").read_text()
    assert "**Unfinished: 13 of 14 fits are known.**" in page
    (row,) = [line for line in page.splitlines() if line.startswith("| small | large |")]
    assert "+0.035 ±" in row and "+0.030, +0.040" in row and "| 10 | 20 | 2 |" in row
    (row,) = [line for line in page.splitlines() if line.startswith("| small | middle, taught by large |")]
    assert "| 10 | 30 | 2 |" in row
    (row,) = [line for line in page.splitlines() if line.startswith("| small | 1.0 |")]
    assert row.endswith("| large | * |")
    (row,) = [line for line in page.splitlines() if line.startswith("| large | 9.0 |")]
    assert row.endswith("|  |"), "small is faster and better"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--network", "residual"], "--network does not make a chain"),
        (["--network", "a=residual", "--network", "a=hrnet-w32"], "--network does not make a chain"),
        (["--network", "hrnet-w48", "--network", "magic"], "--network is unknown"),
        (["--network", "fit=hrnet-w48", "--network", "residual"], "--network is unknown"),
        (["--start", "nowhere"], "--start is unknown"),
        (["--people", "10", "--epochs", "4"], "--epochs does not fit"),
        (["--set", "render.images=3"], "--set changes what no fit reads"),
        (["--set", "small.network=vitpose"], "--set changes what no fit reads"),
        (["--set", "fit-student.distill.teacher=a"], "--set cannot be used"),
        (["--runs", "0"], "--runs is too small"),
        ([], "does not exist"),
    ],
)
def test_what_makes_no_chain_is_refused(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    params = str(repository / "params.yaml")
    given = ["--mix", "mix", "--val", "val.json", "--report", "report", "--params", params, *words]
    result = CliRunner().invoke(app, ["compare-distilled", *given])
    assert isinstance(result.exception, InputError)
    assert said in str(result.exception)
    assert not Path("report").exists()


def test_settings_of_one_network_go_by_its_label() -> None:
    networks = parse_networks(["hrnet-w48", "small=residual"])
    shared, own = parted_settings({"fit.batch": "8", "hrnet-w48.pretrained": "w48.pth"}, networks)
    assert shared == {"fit.batch": "8"} and own == {"hrnet-w48": {"pretrained": "w48.pth"}}
    assert (
        replace(PLAN, networks=networks, own=own).fit_params(DistilFit(("hrnet-w48",), 0), None)[
            "fit-student.pretrained"
        ]
        == "w48.pth"
    )
