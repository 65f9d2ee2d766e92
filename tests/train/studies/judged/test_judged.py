"""Judges choose what students learn from: the same share each, hidden labels measure, the page compares."""

import itertools
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from dataengine.cli import app
from dataengine.coco_json import read_project_people
from dataengine.errors import DataEngineError, InputError
from dataengine.judges import kept
from dataengine.judges.kept import AskedTeachers
from dataengine.judges.known_tracks import known_tracks
from dataengine.judges.table import FLIP, TOGETHER
from dataengine.lifting.checkpoint import LIFTER_WEIGHTS
from dataengine.lifting.lifted import LiftedTrack
from dataengine.lifting.observed import RayTrack
from dataengine.tracking.labelled_films import read_films
from dataengine.train.studies.judged import compare_judged
from dataengine.train.studies.judged.accepting import (
    BESIDES,
    CHANCE,
    EVERYTHING,
    NOBODY,
    PERFECT,
    accepted_people,
    trust_by,
)
from dataengine.train.studies.judged.page import JudgedTrial, write_judged_page
from dataengine.train.studies.judged.runner import JudgedStudy
from dataengine.train.studies.judged.tracks import JudgedPeople, judged_people
from dataengine.train.studies.students.fits import StudentFits
from dataengine.train.studies.students.page import StudentOutcome
from dataengine.train.studies.students.plan import StudentPlan
from dataengine.train.studies.students.sets import StudentSets

from ....judges.test_compare_judges import erring
from ....tracking.test_labelled_films import written

PLAN = StudentPlan(
    recipes=("outside",),
    starts=("starter",),
    labels=(5,),
    seeds=(0, 1),
    people=80,
    unlabelled_per_labelled=1.0,
    settings={},
)


@pytest.fixture
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JudgedPeople:
    """Two films whose teacher errs in a joint of five, where its mirror image names another place."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(kept, "blazepose_answers", lambda people, images, models: erring(people, int(images.id[0])))
    films = read_films(written(Path("clips"), films=2))
    tracks = known_tracks(films, AskedTeachers(Path("models"), None, Path("answers")), [])
    return judged_people(films, tracks, "blazepose")


def test_the_table_has_everybody_with_the_answer_about_them(judged: JudgedPeople) -> None:
    people, _ = read_project_people(Path("clips/people.json"))
    assert len(judged.people) == len(people) == len(judged.points_px)
    near = np.linalg.norm(judged.points_px - judged.people.keypoints_px, axis=2) < 10
    np.testing.assert_array_equal(near, judged.right)
    assert 0.7 < judged.right.mean() < 0.9
    # a table whose rows are taken for others' would have its labels elsewhere
    assert judged.right[:, 0].any()


def test_each_judge_accepts_the_same_share(judged: JudgedPeople) -> None:
    hidden = np.arange(10, len(judged.people))
    known = np.arange(len(judged.people)) < 10
    found = {
        name: accepted_people(judged, trust_by(name, judged, known, 0), hidden, 0.5)
        for name in (CHANCE, FLIP, TOGETHER, PERFECT)
    }
    for name, each in found.items():
        assert (each.people.visibility > 0).sum() == round(0.5 * len(hidden) * 17), name
        assert set(each.people.source) == {"pseudo"}
    assert found[CHANCE].precision == pytest.approx(judged.right[hidden].mean(), abs=0.1)
    assert all((found[name].precision or 0.0) > 0.97 for name in (FLIP, TOGETHER)) and found[PERFECT].precision == 1.0
    everything = accepted_people(judged, trust_by(EVERYTHING, judged, known, 0), hidden, 1.0)
    assert everything.coverage > 0.8 and len(everything.people) == len(hidden)
    with pytest.raises(KeyError):
        trust_by("magic", judged, known, 0)


def test_hidden_labels_measure_and_teach_nothing(judged: JudgedPeople) -> None:
    hidden, known = np.arange(10, len(judged.people)), np.arange(len(judged.people)) < 10
    other = judged.right.copy()
    other[10:] = ~other[10:]
    blind = replace(judged, right=other)
    for name in (CHANCE, FLIP, TOGETHER):
        one, two = (accepted_people(each, trust_by(name, each, known, 0), hidden, 0.5) for each in (judged, blind))
        np.testing.assert_array_equal(one.people.visibility, two.people.visibility)
        assert one.precision is not None and two.precision == pytest.approx(1 - one.precision)


def test_precision_is_not_known_where_no_accepted_joint_has_a_label(judged: JudgedPeople) -> None:
    nothing = judged.people.replace(visibility=np.zeros_like(judged.people.visibility))
    found = accepted_people(replace(judged, people=nothing), judged.trust[FLIP], np.arange(10, 20), 0.5)
    assert len(found.people) and found.precision is None and found.coverage == 0.0


def test_a_trial_fits_on_what_its_judge_accepts_and_is_known_again(
    judged: JudgedPeople, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = list[tuple[float, Path | None]]()

    def fit(self: StudentFits, folder: Path, settings: dict[str, str], learnt: object, **given: Path) -> Path:
        fits.append((float(settings["fit-student.pseudo_per_real"]), given["pseudo"]))
        raise InterruptedError

    monkeypatch.setattr(StudentFits, "fit", fit)
    sets = (judged.people, judged.images)
    study = JudgedStudy(
        judged=judged,
        judges=(NOBODY, FLIP),
        share=0.5,
        plan=PLAN,
        sets=StudentSets(train=sets, val=sets, test=sets, sha256="x"),
        params=repository / "params.yaml",
        teacher=("blazepose",),
        line="",
        report=Path("report"),
    )
    study.prepare()
    trials = study.trials()
    assert [trial.seed for trial in trials] == [0, 0, 1, 1]
    names = {study.name(trial) for trial in trials}
    assert len(names) == 4
    harder = replace(study, share=0.4)
    assert {harder.name(trial) for trial in trials} & names == {study.name(t) for t in trials if t.judge == NOBODY}
    for trial in trials[:2]:
        with pytest.raises(InterruptedError):
            study.outcome(trial)
    assert fits[0] == (0.0, None)
    ratio, path = fits[1]
    assert path is not None
    people, images = read_project_people(path)
    assert ratio == pytest.approx(len(people) / 10, abs=1e-3)
    assert len(images) == len(judged.images) - 5
    assert study.known(trials[0]) is None
    with pytest.raises(
        InputError, match="--labels leaves no picture without labels: expected over 24 pictures, got 24"
    ):
        replace(study, plan=replace(PLAN, labels=(24,))).prepare()
    all_right = replace(judged, right=judged.people.visibility > 0)
    with pytest.raises(InputError, match="'all together, learned' learns nothing"):
        replace(study, judged=all_right, judges=(TOGETHER,)).run()
    assert len(fits) == 2, "before anything is fitted"


def test_the_page_compares_with_labels_alone_and_with_everything(tmp_path: Path) -> None:
    trials = [JudgedTrial(judge, seed) for seed in (0, 1) for judge in (NOBODY, EVERYTHING, FLIP)]
    ap = {NOBODY: 0.3, EVERYTHING: 0.35, FLIP: 0.45}
    known = {
        trial: StudentOutcome(
            ap=ap[trial.judge] + 0.01 * trial.seed,
            ap50=0.5,
            pck_02=0.6,
            val_ap=0.1,
            seconds=20.0,
            precision=None if trial.judge == NOBODY else 0.9,
            coverage=None if trial.judge == NOBODY else 0.5,
        )
        for trial in trials[:-1]
    }
    sizes = {"train": 24, "val": 8, "test": 8, "train scenes": 3, "test scenes": 1}
    write_judged_page(tmp_path, known, trials, sizes, PLAN, "blazepose", 0.5, "dataengine compare-judged")
    page = (tmp_path / "judged-students.md").read_text()
    assert "**Unfinished: 5 of 6 trials are known.**" in page and f"*{NOBODY}*: {BESIDES[NOBODY]}" in page
    assert "are one: 3 to learn from, 1 to test on." in page.replace("\n", " ")
    (row,) = [line for line in page.splitlines() if line.startswith("| flip |")]
    assert row == "| flip | 0.900 | 0.500 | 0.450 | +0.150 | +0.100 | 0.600 | 20 | 1 |"
    (row,) = [line for line in page.splitlines() if line.startswith(f"| {NOBODY} |")]
    assert row.startswith(f"| {NOBODY} | - | - | 0.305 ±")
    assert (tmp_path / "judged-students.png").stat().st_size > 1000


def test_another_lifter_or_calibration_under_the_same_name_is_another_trial(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(kept, "blazepose_answers", lambda people, images, models: erring(people, int(images.id[0])))
    clips = written(Path("clips"), films=1)
    everybody = read_project_people(clips)
    sets = StudentSets(train=everybody, val=everybody, test=everybody, sha256="x")
    monkeypatch.setattr(compare_judged, "read_student_sets", lambda *_: sets)
    monkeypatch.setattr(compare_judged, "read_calibration", lambda _: [])

    def lift(track: RayTrack) -> LiftedTrack:
        frames = len(track)
        return LiftedTrack(np.zeros((frames, 17, 3)), np.zeros((frames, 3)), np.zeros((frames, 17)))

    monkeypatch.setattr(compare_judged, "loaded_lifter", lambda _: lift)
    names = list[str]()
    monkeypatch.setattr(JudgedStudy, "run", lambda study: names.append(study.name(JudgedTrial(FLIP, 0))))
    for content in ("one one", "two one", "two two", "two two"):
        for path, word in zip((Path("lifter/lifter.safetensors"), Path("Calib.xml")), content.split(), strict=True):
            path.parent.mkdir(exist_ok=True)
            path.write_text(word)
        compare_judged.command(
            clips,
            clips,
            clips,
            Path("report"),
            labels=2,
            lifter=Path("lifter"),
            calibration=Path("Calib.xml"),
            params=repository / "params.yaml",
        )
    assert len(set(names)) == 3 and names[2] == names[3]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--share", "1.5"], "--share does not fit"),
        (["--start", "nowhere"], "--start is unknown"),
        (["--labels", "0"], "--labels and --people"),
        (["--judged", "movenet"], "--judged is unknown"),
        (["--set", "render.images=3"], "--set changes what no fit reads"),
    ],
)
def test_what_makes_no_study_is_refused(words: list[str], said: str) -> None:
    given = [word for name in ("films", "val", "test", "report") for word in (f"--{name}", f"{name}.json")]
    result = CliRunner().invoke(app, ["compare-judged", *given, *words])
    assert isinstance(result.exception, DataEngineError)
    assert said in str(result.exception)


def test_the_page_names_a_command_that_runs_and_files_by_what_they_hold(
    judged: JudgedPeople, tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a shell makes of the names of judges; a lifter that was fitted again is another one."""
    studies = list[JudgedStudy]()
    sets = (judged.people, judged.images)
    monkeypatch.setattr(compare_judged, "read_student_sets", lambda *_: StudentSets(sets, sets, sets, sha256="x"))
    monkeypatch.setattr(compare_judged, "judged_people", lambda *_: judged)
    for name in ("read_films", "known_tracks", "loaded_lifter", "AskedTeachers"):
        monkeypatch.setattr(compare_judged, name, lambda *_: None)
    monkeypatch.setattr(JudgedStudy, "run", lambda study: studies.append(study))
    (tmp_path / "lifter").mkdir()
    (tmp_path / "fetched/mediapipe").mkdir(parents=True)
    given = [word for name in ("films", "val", "test", "report") for word in (f"--{name}", f"{name}.json")]
    given += ["--lifter", str(tmp_path / "lifter"), "--fetched", str(tmp_path / "fetched")]
    given += ["--params", str(repository / "params.yaml")]
    for weights in ("one", "one", "other"):
        (tmp_path / "lifter" / LIFTER_WEIGHTS).write_text(weights)
        result = CliRunner().invoke(app, ["compare-judged", *given, "--judge", PERFECT, "--judge", CHANCE])
        assert result.exception is None, result.exception
    words = shlex.split(studies[0].line)
    assert [word for at, word in itertools.pairwise(words) if at == "--judge"] == [PERFECT, CHANCE]
    first, again, other = ([study.name(trial) for trial in study.trials()] for study in studies)
    assert first == again and not set(first) & set(other)
