"""Outside teachers: asked once, whatever stops the study, and believed in three ways."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataengine.coco_json import read_people
from dataengine.errors import InputError
from dataengine.evaluation.ap.protocol import COCO
from dataengine.params import load_section
from dataengine.people import Images, People
from dataengine.train.pseudo.filters import Opinion
from dataengine.train.pseudo.params import PseudoLabelParams
from dataengine.train.studies.students import outside, runner
from dataengine.train.studies.students.fits import ONLY, PSEUDO_PER_REAL, StudentFits
from dataengine.train.studies.students.outside import OutsideTeachers, outside_folders
from dataengine.train.studies.students.plan import FROM_OUTSIDE, StudentPlan
from dataengine.train.studies.students.runner import StudentStudy
from dataengine.train.studies.students.sets import StudentSets

from ....helpers.drawn_people import draw_people_at

N = 60
PLAN = StudentPlan(
    recipes=("supervised", "ema", "outside-likely"),
    starts=("starter", "random"),
    labels=(0, 20),
    seeds=(0, 1),
    people=32,
    unlabelled_per_labelled=1.0,
    settings={},
)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[People, Images]:
    return draw_people_at(tmp_path_factory.mktemp("outside") / "images", N, seed=5)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("teacher") / "other"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"a network")
    return folder


@pytest.fixture
def asked(
    drawn: tuple[People, Images], teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: Path
) -> tuple[OutsideTeachers, list[int]]:
    """A teacher that is right where it is sure, half of the time, and never sees a left ankle; who was asked."""
    calls: list[int] = []
    truth = drawn[0]

    def answer(_: Path, people: People, __: Images) -> Opinion:
        assert not people.visibility.any(), "labels are hidden from the teacher"
        calls.append(len(people))
        rows = np.searchsorted(truth.image_id, people.image_id)
        rng = np.random.default_rng(rows.sum())
        sure = rng.random((len(rows), 17)) < 0.5
        sure[:, 15] = False
        points = truth.keypoints_px[rows] + np.where(sure[..., None], 0.0, 40.0)
        return Opinion(points.astype(np.float64), np.where(sure, 0.9, 0.1), np.zeros((len(rows), 17)))

    monkeypatch.setattr(outside, "fitted_opinion", answer)
    monkeypatch.setattr(outside, "PART", 25)
    shown = truth.visibility.copy()
    shown[:, :5] = 0  # faces are not labelled, as in LSPET
    labelled = (truth.replace(visibility=shown), drawn[1])
    sets = StudentSets(train=labelled, val=labelled, test=labelled, sha256="a")
    params = replace(
        load_section(repository / "params.yaml", "pseudo-label", PseudoLabelParams),
        target_precision=0.8,
        min_joints=2,
        max_limb_excess=0.0,
    )
    return OutsideTeachers({"other": teacher}, sets, params, COCO, tmp_path / "answers"), calls


@pytest.mark.parametrize("recipe", FROM_OUTSIDE)
def test_what_is_sure_is_accepted_and_nothing_that_no_label_judges(
    asked: tuple[OutsideTeachers, list[int]], recipe: str
) -> None:
    teachers, _ = asked
    _, others = teachers.sets.split(20, seed=0)
    found = teachers.label(recipe, others)
    accepted = found.people.visibility > 0
    assert found.precision == 1.0
    assert 0.35 < found.coverage < 0.6
    assert accepted[:, 5:15].any() and not accepted[:, :5].any() and not accepted[:, 15].any()
    weights = np.array([np.asarray(row) for row in found.people.extras["joint_weight"]])
    assert (weights[accepted] > 0.45).all() and (weights[~accepted] == 0).all()
    assert set(found.people.image_id) <= set(others[1].id)


def test_nobody_is_asked_twice_and_a_stopped_study_asks_for_what_is_missing(
    asked: tuple[OutsideTeachers, list[int]],
) -> None:
    teachers, calls = asked
    figures = teachers.figures()["other"]
    assert calls == [25, 25, 10]
    assert 0.3 < figures.pck_02 < 0.6
    (last,) = teachers.kept.glob("other-val-50-*.npz")
    last.write_bytes(b"torn")
    again = OutsideTeachers(teachers.folders, teachers.sets, teachers.params, COCO, teachers.kept)
    assert again.figures()["other"] == figures
    assert calls == [25, 25, 10, 10]
    (teachers.folders["other"] / "model.onnx").write_bytes(b"another network")
    again.figures()
    assert len(calls) == 7


def test_too_few_validation_people_teach_no_trust(asked: tuple[OutsideTeachers, list[int]]) -> None:
    teachers, _ = asked
    people, images = teachers.sets.val
    few = replace(teachers.sets, val=(people.take(np.arange(5)), images.take(np.arange(5))))
    with pytest.raises(InputError, match="--recipe outside learns no trust"):
        replace(teachers, sets=few).label("outside", few.split(20, seed=0)[1])
    assert len(replace(teachers, sets=few).label("outside-plain", few.split(20, seed=0)[1]).people)


def test_blazepose_comes_first_as_the_thresholds_have_it(teacher: Path, tmp_path: Path) -> None:
    (tmp_path / "mediapipe").mkdir()
    (tmp_path / "mediapipe" / "pose.tflite").write_bytes(b"a model")
    assert list(outside_folders([str(teacher), "blazepose"], tmp_path)) == ["blazepose", "other"]
    with pytest.raises(InputError, match="--teacher blazepose: no network in"):
        outside_folders(["blazepose"], tmp_path / "nowhere")


def test_without_labels_there_is_the_start_and_the_teacher() -> None:
    of_none = [trial for trial in PLAN.trials() if not trial.labels]
    assert [(trial.recipe, trial.start, trial.seed) for trial in of_none] == [
        ("supervised", "starter", 0),
        ("outside-likely", "starter", 0),
        ("outside-likely", "random", 0),
        ("outside-likely", "starter", 1),
        ("outside-likely", "random", 1),
    ]
    assert PLAN.people_of("outside-likely") == PLAN.people_of("supervised") == 32


@pytest.mark.parametrize("labels", [0, 20])
def test_a_fit_draws_the_teachers_people_as_often_as_the_labelled(
    asked: tuple[OutsideTeachers, list[int]],
    labels: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    repository: Path,
) -> None:
    teachers, _ = asked
    given: dict[str, Any] = {}

    def fit(
        self: StudentFits, folder: Path, settings: dict[str, str], learnt: tuple[People, Images], **rest: object
    ) -> Path:
        given.update(settings=settings, learnt=learnt, **rest)
        (folder / "report").mkdir(parents=True)
        (folder / "report" / "metrics.json").write_text(json.dumps({"val_oks_ap": 0.25}))
        return folder / "network"

    monkeypatch.setattr(StudentFits, "fit", fit)
    monkeypatch.setattr(runner, "network_figures", lambda *_: outside.Figures(0.3, 0.6, 0.5))
    study = StudentStudy(
        plan=PLAN,
        sets=teachers.sets,
        params=repository / "params.yaml",
        pseudo=teachers.params,
        line="dataengine compare-students",
        report=tmp_path / "report",
        outside=teachers,
    )
    trial = next(t for t in PLAN.trials() if t.recipe == "outside-likely" and t.labels == labels)
    assert study.known(trial) is None
    outcome = study.outcome(trial)
    assert study.known(trial) == outcome and outcome.val_ap == 0.25 and outcome.precision == 1.0
    settings, people = given["settings"], given["learnt"][0]
    pseudo, _ = read_people(Path(str(given["pseudo"])), root=Path("/"))
    assert len(people) == labels and len(pseudo) == outcome.pseudo_people and set(pseudo.source) == {"pseudo"}
    if labels:
        assert float(settings[PSEUDO_PER_REAL]) == pytest.approx(len(pseudo) / labels, abs=1e-3)
    else:
        assert settings[ONLY] == "pseudo"
    study.write({trial: outcome})
    page = (tmp_path / "report" / "students.md").read_text()
    assert "Outside teachers: `other` (AP " in page
    assert ("the starter as it ships" in page) == (0 in PLAN.labels)
