"""The campaign: its plan, the params of its rounds, commands that run once, and its page, on rounds made up."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from dataengine.active.campaign import parse_campaign
from dataengine.active.studies.campaign import playing
from dataengine.active.studies.campaign.outcome import CampaignFacts, PlayedCampaign
from dataengine.active.studies.campaign.overrides import OWNED, check_overrides
from dataengine.active.studies.campaign.page import write_campaign_page
from dataengine.active.studies.campaign.places import RoundFolder
from dataengine.active.studies.campaign.plan import ARMS, START, CampaignPlan, CampaignRound
from dataengine.active.studies.campaign.programs import RoundPrograms
from dataengine.active.studies.campaign.settings import check_settings, write_pipeline, write_settings
from dataengine.active.studies.campaign.versus import Versus
from dataengine.active.studies.sets import LabelledImages
from dataengine.blender.scene.params import RenderParams
from dataengine.datasets.mix import MixParams
from dataengine.errors import InputError, ParamsError
from dataengine.evaluation.analysis.interval import Interval
from dataengine.params import load_section
from dataengine.people import Images, People
from dataengine.requests.pinned import load_requests_params
from dataengine.rounds.places import read_places
from dataengine.studies import logged_call
from dataengine.studies.settings import parse_settings
from dataengine.train import begin_round
from dataengine.train.deploy.params import ExportParams
from dataengine.train.unlabelled.student_params import FitStudentParams

from ...helpers.dvc_checkout import repository_file

COUNTS = {"start": 200, "step": 100, "rounds": 2, "candidates": 300, "base_renders": 10, "renders": 20, "people": 1000,
          "epochs": 2}  # fmt: skip
FACTS = CampaignFacts(
    command="dataengine campaign", pool_images=900, val_images=90, test_images=80, test_people=85, oks_sigmas="COCO"
)


def plan(**changes: Any) -> CampaignPlan:
    made = parse_campaign(arms=list(ARMS), seeds=[0], counts=COUNTS, settings=["balance.clusters=5"])
    return replace(made, **changes)


def played(ap: float, **changes: Any) -> PlayedCampaign:
    known = PlayedCampaign(
        labels=200, library_renders=10, asked_renders=20, pseudo_people=0, pseudo_gain=None,
        ap=Interval(ap, ap - 0.02, ap + 0.02), rare=None, rare_people=0, gain=None, rare_gain=None,
        verdict="reject", reason="r", outcome="refused", requests=(), asked=(),
    )  # fmt: skip
    return replace(known, **changes)


def test_rounds_go_seed_by_seed_and_arms_share_their_first() -> None:
    trials = plan(seeds=(0, 1)).trials()
    assert len(trials) == 2 * (1 + 2 * 3) and trials[0] == CampaignRound(START, 0, 0)
    assert [trial.arm for trial in trials[1:4]] == list(ARMS), "undirected comes after the engine that it follows"
    assert {trial.before for trial in trials if trial.number == 1 and trial.seed == 0} == {trials[0]}
    assert CampaignRound("engine", 0, 2).before == CampaignRound("engine", 0, 1)
    assert plan().labels(CampaignRound("random", 0, 2)) == 400


def test_a_name_follows_from_what_decides() -> None:
    trial = CampaignRound("engine", 0, 1)
    name = plan().name(trial, ["data"])
    assert plan(arms=("engine",), rounds=9, seeds=(0, 5)).name(trial, ["data"]) == name
    for other in (plan(renders=21), plan(settings={})):
        assert other.name(trial, ["data"]) != name
    assert plan().name(trial, ["others"]) != name


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"arms": ["engine", "magic"]}, "--arm is unknown: expected engine | random | undirected, got magic"),
        ({"arms": ["undirected"]}, "renders as many as engine; add --arm engine"),
        ({"counts": {**COUNTS, "base_renders": 0}}, "--base-renders is too small: expected 1 or more, got 0"),
        ({"counts": {**COUNTS, "candidates": 99}}, "--candidates is too small"),
        ({"counts": {**COUNTS, "epochs": 3}}, "--epochs does not fit"),
        ({"settings": ["nonsense"]}, "--set cannot be used"),
        ({"settings": ["select.budget=3"]}, "not a param that an option of the study sets, got select.budget=3"),
        ({"seeds": [-1]}, "--seed is negative"),
    ],
)
def test_options_that_make_no_campaign_are_one_line(changes: dict[str, Any], says: str) -> None:
    options: dict[str, Any] = {"arms": list(ARMS), "seeds": [0], "counts": COUNTS, "settings": []}
    with pytest.raises(InputError) as raised:
        parse_campaign(**{**options, **changes})
    assert says in str(raised.value)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("ingest.seed=1", "--set changes what no round reads: expected fit | fit-student | "),
        (
            "export.int8.most=0",
            "--set export.int8.most is not a param: expected one of export.int8: aim_ap_drop, most_in_",
        ),
        ("export.engine.on=1", "expected one of export.engine: no keys below it, got on"),
        ("fit-student.epoch=1", "--set fit-student.epoch is not a param: expected one of fit-student: "),
        ("export.int8.most_in_float=few", "is of another kind: expected a number, such as 4, got few"),
        ("export.int8=0", "is of another kind: expected a mapping"),
        ("balance.clusters=[1", "--set balance.clusters is not YAML: got [1"),
    ],
)
def test_a_setting_that_no_round_can_use_is_one_line_before_anything_runs(setting: str, says: str) -> None:
    document = repository_file("params.yaml")
    with pytest.raises(InputError) as raised:
        check_overrides(document, parse_settings([setting], OWNED))
    assert says in str(raised.value)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("fit-student.pseudo_per_real=-1", "fit-student.pseudo_per_real: expected 0 or more, got -1.0"),
        ("fit-student.consistency.ramp_share=1.5", "consistency.ramp_share: expected 0 to 1, got 1.5"),
        ("compare.floor_ap=.nan", "params compare.floor_ap: expected a number, got nan"),
        ("compare.budgets.ece=-1", "params compare.budgets.ece: expected above 0"),
        ("export.max_ap_drop.int8=2", "params export.max_ap_drop.int8: expected -1 to 1, got 2.0"),
        ("pseudo-label.track_overlap=30", "params pseudo-label.track_overlap: expected 0 to 1, got 30.0"),
        ("mix.synthetic_per_real=-0.5", "params mix.synthetic_per_real: expected a finite number"),
        ("select.strategy=best", "params select.strategy: expected random | "),
        ("render.samples=0", "params render.samples: expected "),
    ],
)
def test_a_value_out_of_range_is_refused_before_anything_runs(setting: str, says: str) -> None:
    document = repository_file("params.yaml")
    check_settings(document, plan())
    with pytest.raises(ParamsError) as raised:
        check_settings(document, plan(settings=parse_settings([setting], OWNED)))
    assert says in str(raised.value)


def test_settings_reach_into_mappings_and_leave_the_project_as_it_is(tmp_path: Path) -> None:
    document, folder = repository_file("params.yaml"), RoundFolder(tmp_path)
    asked = ["export.int8.most_in_float=0", "fit-student.learning_rate=3e-3", "mix.synthetic_per_real=0.5",
             "fit-student.start_from=null"]  # fmt: skip
    settings = parse_settings(asked, OWNED)
    check_overrides(document, settings)
    for renders, ratio in ((True, 0.5), (False, 0.0)):
        own: dict[str, Any] = {"seed": 0, "library_renders": 1, "synthetic": renders, "pseudo": False}
        write_settings(folder, document, plan(settings=settings), **own)
        assert load_section(folder.params, "export", ExportParams).int8.most_in_float == 0
        fit = load_section(folder.params, "fit-student", FitStudentParams, base="fit")
        assert (fit.learning_rate, fit.start_from) == (0.003, None)
        assert load_section(folder.params, "mix", MixParams).synthetic_per_real == ratio
    assert document == repository_file("params.yaml")


def test_a_rounds_params_are_those_of_the_project_with_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = RoundFolder(Path("reports/rounds/a"))
    own: dict[str, Any] = {"seed": 4, "library_renders": 12, "synthetic": False}
    write_settings(folder, repository_file("params.yaml"), plan(), **own, pseudo=False)
    assert load_section(folder.params, "render", RenderParams).images == 12
    assert load_section(folder.params, "mix", MixParams).synthetic_per_real == 0
    fit = load_section(folder.params, "fit-student", FitStudentParams, base="fit")
    assert (fit.seed, fit.people_per_epoch, fit.pseudo_per_real, fit.start_from) == (4, 500, 0.0, "starter")
    assert yaml.safe_load(folder.params.read_text())["balance"]["clusters"] == 5
    (folder.root / "registry.json").write_text(Path(__file__).parents[3].joinpath("models/registry.json").read_text())
    begin_round.command(params=folder.params)  # it finds all that it pins
    assert load_requests_params(folder.params).folder == "reports/rounds/a/requests"
    write_pipeline(folder, "../../../test.json", "../../../held.json")
    places = read_places(folder.pipeline)
    assert places.needed("select", "--held-out").resolve() == tmp_path / "held.json"
    assert places.needed("render", "--out") == folder.of("data/render")


def test_a_command_is_run_once_for_what_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []

    answers = [(0, ["done"])]

    def run(command: list[str], *_: Any) -> tuple[int, list[str]]:
        ran.append(command[3:])
        return answers[-1]

    monkeypatch.setattr(logged_call, "run_logged", run)
    runner, file = RoundPrograms(RoundFolder(tmp_path), tmp_path / "log"), tmp_path / "input"
    file.write_text("1")
    for _ in range(2):
        runner.once("fit", "fit-student", "--out", tmp_path / "x", given=[file])
    assert ran == [["fit-student", "--out", str(tmp_path / "x")]]
    file.write_text("2")
    runner.once("fit", "fit-student", "--out", tmp_path / "x", given=[file])
    runner.once("fit", "fit-student", "--out", tmp_path / "y", given=[file])
    assert len(ran) == 3
    answers.append((2, ["reads the ledger", "dataengine: error: nothing to list"]))
    with pytest.raises(InputError, match=r"other of .* failed: got dataengine: error: nothing to list; see"):
        runner.once("other", "ledger")
    assert json.loads((tmp_path / "done" / "fit.json").read_text())["given"]


def test_the_page_shows_what_is_known_so_far(tmp_path: Path) -> None:
    known = {
        CampaignRound(START, 0, 0): played(0.1, rare=Interval(0.05, 0.01, 0.09)),
        CampaignRound("engine", 0, 1): played(
            0.2, pseudo_people=7, pseudo_gain=0.011, gain=Interval(0.1, 0.05, 0.15), requests=("ab (gate): 20 renders",)
        ),
    }
    gain = Interval(0.03, -0.01, 0.07)
    versus = Versus(arm="engine", against="random", seed=0, gain=gain, rare_gain=None, verdict="reject", reason="")
    write_campaign_page(tmp_path, FACTS, plan(), known, [versus])
    text = (tmp_path / "campaign.md").read_text()
    assert (tmp_path / "campaign.png").stat().st_size > 5000
    assert "**Unfinished: 2 of 7 rounds are known.**" in text
    assert "| engine | 0.100 (0.080 to 0.120) | 0.200 (0.180 to 0.220) | missing |" in text
    assert "| random | 0.050 (0.010 to 0.090) | missing | missing |" in text
    assert "| 7 (+0.011 validation AP) | +0.100 (+0.050 to +0.150) | reject, refused |" in text
    assert "| engine | random | 0 | +0.030 (-0.010 to +0.070) | - | reject |" in text
    assert "- seed 0, round 1: ab (gate): 20 renders" in text


def test_a_round_killed_while_its_params_were_written_writes_them_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[bool] = []

    def write(folder: RoundFolder, *_: Any, pseudo: bool, **__: Any) -> None:
        folder.params.write_text(str(pseudo))
        written.append(pseudo)
        if len(written) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(playing, "write_settings", write)
    monkeypatch.setattr(playing, "write_pipeline", lambda *_: None)
    folder = RoundFolder(tmp_path / "round")
    nobody: Any = None
    files = playing.CampaignFiles(
        val=tmp_path, test=tmp_path, fetched=tmp_path, cache=tmp_path, held_out=None, document={}
    )
    start = playing.RoundStart(
        trial=CampaignRound(START, 0, 0),
        folder=folder,
        before=None,
        first=folder,
        labelled=nobody,
        candidates=nobody,
        library_renders=1,
    )
    with pytest.raises(KeyboardInterrupt):
        playing._begin(files, plan(), start, renders=False)
    for _ in range(2):  # the second time nothing is left to write
        playing._begin(files, plan(), start, renders=False)
        assert folder.params.read_text() == "False" and folder.of("params-pseudo.yaml").read_text() == "True"
    assert written == [True, True, False]


def test_no_command_of_a_round_replaces_what_another_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each refuses a folder with another's files, so that the round would end at the second of the two."""
    written: list[Path] = []

    def note(_: RoundPrograms, __: str, *words: str | Path, given: Any = ()) -> None:
        options = [str(word) for word in words]
        written.extend(Path(options[at + 1]) for at, word in enumerate(options) if word in ("--out", "--report"))

    monkeypatch.setattr(RoundPrograms, "once", note)
    for name in ("_begin", "_balance", "_ship"):
        monkeypatch.setattr(playing, name, lambda *_: None)
    monkeypatch.setattr(playing, "_write_pseudo", lambda *_: True)  # both fits, the most that a round does
    monkeypatch.setattr(playing, "shipped", lambda folder: folder.of("fits/pseudo"))
    people = People.build(image_id=[], bbox_xywh_px=[], keypoints_px=[], visibility=[], extras={"sha256": []})
    none = Images.build(id=[], path=[], width=[], height=[])
    start = playing.RoundStart(
        trial=CampaignRound("engine", 0, 1),
        folder=RoundFolder(tmp_path / "one"),
        before=RoundFolder(tmp_path / "zero"),
        first=RoundFolder(tmp_path / "zero"),
        labelled=LabelledImages(people, none, np.array([], dtype=str)),
        candidates=none,
        library_renders=1,
    )
    files = playing.CampaignFiles(
        val=Path("val"), test=Path("test"), fetched=Path("fetched"), cache=Path("cache"), held_out=None, document={}
    )
    playing.play(files, plan(), start, tmp_path / "log")
    assert len(written) > 10
    for at, folder in enumerate(written):
        assert not any(folder == other or folder in other.parents for other in written[:at] + written[at + 1 :]), folder
