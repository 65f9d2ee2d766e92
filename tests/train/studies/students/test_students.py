"""The study of students: what a recipe may cost, whose labels are hidden, what accepted joints are worth, the page."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from dataengine.cli import app
from dataengine.coco_json import write_people
from dataengine.errors import InputError
from dataengine.evaluation.ap.protocol import COCO
from dataengine.nets.checkpoint import save_checkpoint
from dataengine.params import load_document, load_section
from dataengine.people import Images, People
from dataengine.train.fit.start import model_meta
from dataengine.train.pseudo.filters import Opinion
from dataengine.train.pseudo.params import PseudoLabelParams
from dataengine.train.studies.students import labelling
from dataengine.train.studies.students.fits import refuse_start
from dataengine.train.studies.students.page import StudentOutcome, gains, write_student_page
from dataengine.train.studies.students.plan import StudentPlan, StudentTrial
from dataengine.train.studies.students.sets import StudentSets, read_student_sets, without_labels
from dataengine.train.studies.students.starts import parse_starts

from ....helpers.drawn_people import draw_people_at, draw_standing_people
from ....helpers.fitting_project import TINY, TINY_NETWORK

PLAN = StudentPlan(
    recipes=("supervised", "pseudo", "ema", "two"),
    starts=("starter", "random"),
    labels=(2, 4),
    seeds=(0, 1),
    people=14_000,
    unlabelled_per_labelled=1.0,
    settings={"fit.batch": "8"},
)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[People, Images]:
    return draw_people_at(tmp_path_factory.mktemp("students") / "images", 12, seed=3)


def test_all_recipes_take_as_many_passes() -> None:
    passes = {"supervised": 3, "pseudo": 2 * 3, "ema": 3 + 4, "two": 2 * (3 + 4)}
    assert {name: PLAN.people_of(name) * cost for name, cost in passes.items()} == dict.fromkeys(passes, 42_000)


def test_a_trial_is_known_by_all_that_decides_it() -> None:
    trials = PLAN.trials()
    assert len(trials) == len(set(trials)) == 4 * 2 * 2 * 2
    assert {trial.seed for trial in trials[:16]} == {0}
    names = {PLAN.name(trial, "data") for trial in trials}
    assert len(names) == len(trials)
    assert not names & {PLAN.name(trial, "other data") for trial in trials}
    assert not names & {replace(PLAN, settings={}).name(trial, "data") for trial in trials}
    params = PLAN.fit_params(StudentTrial("two", "random", 2, 1))
    assert params["fit-student.consistency.mode"] == "two"
    assert params["fit-student.start_from"] == "null"
    assert PLAN.fit_params(trials[1], "a/teacher")["fit-student.start_from"] == "a/teacher"


def test_more_labels_hold_the_fewer_and_no_label_is_left_elsewhere(
    drawn: tuple[People, Images], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = StudentSets(train=drawn, val=drawn, test=drawn, sha256="")
    few, rest = sets.split(3, seed=1)
    more, _ = sets.split(7, seed=1)
    assert len(few[1]) == 3
    assert set(few[1].id) < set(more[1].id)
    assert set(few[1].id) | set(rest[1].id) == set(drawn[1].id)
    assert not set(few[1].id) & set(rest[1].id)
    assert set(sets.split(3, seed=2)[0][1].id) != set(few[1].id)
    hidden = without_labels(rest[0])
    assert not hidden.visibility.any()
    assert not hidden.keypoints_px.any()
    assert (hidden.bbox_xywh_px == rest[0].bbox_xywh_px).all()
    with pytest.raises(InputError, match="--labels leaves no picture"):
        for name in ("train", "val", "test"):
            monkeypatch.chdir(Path(str(drawn[1].path[0])).parent.parent)
            write_people(Path(f"{name}.json"), *drawn)
        read_student_sets(Path("train.json"), Path("val.json"), Path("test.json"), 12)
    with pytest.raises(InputError, match="--labelled and --val share pictures: expected none, got 12"):
        read_student_sets(Path("train.json"), Path("val.json"), Path("test.json"), 5)


def test_people_without_labels_measure_nothing(drawn: tuple[People, Images], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(str(drawn[1].path[0])).parent.parent)
    write_people(Path("train.json"), *drawn)
    write_people(Path("bare.json"), without_labels(drawn[0]), drawn[1])
    with pytest.raises(InputError, match=r"bare\.json has no labelled joint to measure by"):
        read_student_sets(Path("train.json"), Path("bare.json"), Path("bare.json"), 5)


def test_a_start_that_no_fit_can_begin_with_is_refused_by_its_name(tmp_path: Path, repository: Path) -> None:
    """A checkpoint for other crops, and one that is cut off, before anything else is fitted."""
    document = load_document(repository / "params.yaml")
    meta = replace(model_meta(TINY), taught=("nose",))
    save_checkpoint(tmp_path / "small", meta.build(), meta)
    plan = replace(PLAN, folders={"own": str(tmp_path / "small")}, starts=("own",))
    settings = plan.fit_params(plan.trials()[0])
    with pytest.raises(InputError, match=r"no fit can start from own: .* has another crop than the network to fit"):
        refuse_start("own", document, settings)
    own = {f"fit.{name}": str(value) for name, value in TINY_NETWORK.items()}
    refuse_start("own", document, {**settings, **own})
    weights = tmp_path / "small/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    with pytest.raises(InputError, match=r"no fit can start from own: .* is not the file that its metadata describe"):
        refuse_start("own", document, {**settings, **own})


def test_accepted_joints_are_judged_by_hidden_labels_alone(
    drawn: tuple[People, Images], monkeypatch: pytest.MonkeyPatch, repository: Path
) -> None:
    truth, images = drawn
    rng = np.random.default_rng(0)
    wrong = rng.random((12, 17)) < 0.3
    points = truth.keypoints_px + np.where(wrong[..., None], 60.0, 0.0)
    confidence = np.where(rng.random((12, 17)) < 0.5, 0.9, 0.1)
    opinion = Opinion(points.astype(np.float64), confidence, np.zeros((12, 17)))
    monkeypatch.setattr(labelling, "fitted_opinion", lambda *_: opinion)
    params = replace(
        load_section(repository / "params.yaml", "pseudo-label", PseudoLabelParams),
        target_precision=0.0,
        min_joints=1,
        max_limb_excess=0.0,
    )
    found = labelling.pseudo_label(Path("none"), drawn, drawn, params, COCO)
    half = np.arange(17) < 8
    some = labelling.labels_of({"fitted": opinion}, drawn, None, params, COCO, half)
    assert not some.people.visibility[:, ~half].any()
    assert (some.people.visibility[:, half] == found.people.visibility[:, half]).all()
    inside = ((points >= -0.5) & (points < np.array([images.width[0], images.height[0]]) - 0.5)).all(axis=2)
    labelled = truth.visibility > 0
    accepted = (confidence > 0.5) & inside & labelled
    assert found.by_thresholds
    assert found.coverage == pytest.approx(accepted.sum() / labelled.sum())
    assert found.precision == pytest.approx((accepted & ~wrong).sum() / accepted.sum())
    assert set(found.people.source) == {"pseudo"}
    moved = truth.replace(keypoints_px=truth.keypoints_px + 500)
    blind = labelling.pseudo_label(Path("none"), (moved, images), drawn, params, COCO)
    assert blind.precision == 0.0
    assert np.array_equal(blind.people.keypoints_px, found.people.keypoints_px)


def test_gains_are_taken_seed_by_seed() -> None:
    ap = {("supervised", 4, 0): 0.1, ("supervised", 4, 1): 0.2, ("ema", 4, 0): 0.15, ("ema", 4, 1): 0.25}
    ap |= {("supervised", 0, 0): 0.08, ("outside", 0, 0): 0.1, ("outside", 0, 1): 0.2}
    known = {
        StudentTrial(recipe, "starter", labels, seed): StudentOutcome(ap=own, ap50=0, pck_02=0, val_ap=0, seconds=1)
        for (recipe, labels, seed), own in ap.items()
    }
    found = gains(known)
    assert set(found) == {("starter", 4, "ema"), ("starter", 0, "outside")}
    assert found["starter", 4, "ema"].mean == pytest.approx(0.05)
    assert found["starter", 0, "outside"].mean == pytest.approx(0.07), "less the one start, whatever the seed"
    alike = gains({trial: each for trial, each in known.items() if trial.labels})["starter", 4, "ema"]
    assert alike.half_width == pytest.approx(0, abs=1e-12), (
        "what the labels of a seed do to both does not spread the gain"
    )


def test_the_page_compares_with_labels_alone(tmp_path: Path) -> None:
    known: Mapping[StudentTrial, StudentOutcome] = {
        trial: StudentOutcome(
            ap=0.2 if trial.recipe == "ema" else 0.1 + 0.01 * trial.seed,
            ap50=0.5,
            pck_02=0.4,
            val_ap=0.1,
            seconds=60.0,
            precision=0.91 if trial.recipe == "pseudo" else None,
            coverage=0.4 if trial.recipe == "pseudo" else None,
            pseudo_people=100 if trial.recipe == "pseudo" else None,
        )
        for trial in PLAN.trials()
        if trial.start == "starter"
    }
    write_student_page(tmp_path, PLAN, known, {"train": 12, "val": 3, "test": 3}, 0.9, "dataengine compare-students")
    page = (tmp_path / "students.md").read_text()
    assert "**Unfinished: 16 of 32 trials are known.**" in page
    (row,) = [line for line in page.splitlines() if line.startswith("| starter | 4 | ema |")]
    assert "| 1.90 | +0.095 ±" in row
    (row,) = [line for line in page.splitlines() if line.startswith("| starter | 4 | pseudo | 0.9 |")]
    assert "| +1.0 |" in row
    assert "Outside teachers" not in page
    assert (tmp_path / "students.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--recipe", "magic"], "--recipe is unknown"),
        (["--start", "nowhere"], "--start is unknown"),
        (["--labels=-1"], "--labels and --people"),
        (["--labels", "0", "--recipe", "pseudo"], "--labels 0 leaves no trial"),
        (["--recipe", "outside"], "recipes and --teacher do not fit"),
        (["--recipe", "ema", "--teacher", "blazepose"], "recipes and --teacher do not fit"),
        (["--teacher", "nowhere"], "--teacher nowhere: no network in nowhere"),
        (["--teacher", "a/one", "--teacher", "b/one"], "--teacher does not fit"),
        (["--set", "render.images=3"], "--set changes what no fit reads"),
        (["--set", "fit-student.epochs=3"], "--set cannot be used"),
    ],
)
def test_what_makes_no_study_is_refused(words: list[str], said: str, repository: Path) -> None:
    given = [word for name in ("labelled", "val", "test", "report") for word in (f"--{name}", f"{name}.json")]
    given += ["--params", str(repository / "params.yaml")]
    result = CliRunner().invoke(app, ["compare-students", *given, *words])
    assert isinstance(result.exception, InputError) or result.exit_code
    assert said in str(result.exception) + result.output


def test_a_start_of_ones_own_is_a_checkpoint_and_decides_the_trial(tmp_path: Path) -> None:
    folder = tmp_path / "pretext"
    folder.mkdir()
    for name in ("model.json", "model.safetensors"):
        with pytest.raises(InputError, match="--start pretext names no checkpoint"):
            parse_starts([f"pretext={folder}"])
        (folder / name).write_text("{}")
    folders = parse_starts(["random", f"pretext={folder}"])
    assert folders == {"pretext": folder.as_posix()}
    for words in ("nowhere", "starter=x", "Pre text=x", "=x"):
        with pytest.raises(InputError, match="--start is unknown"):
            parse_starts([words])
    with pytest.raises(InputError, match="--start is unknown"):
        parse_starts([f"pretext={folder}"] * 2)
    plan = replace(PLAN, starts=("random", "pretext"), folders=folders)
    params = plan.fit_params(StudentTrial("supervised", "pretext", 2, 0))
    assert params["fit-student.start_from"] == folder.as_posix()
    assert plan.fit_params(StudentTrial("supervised", "random", 2, 0))["fit-student.start_from"] == "null"


def test_all_labels_may_be_used_where_none_has_to_be_left(
    drawn: tuple[People, Images], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(str(drawn[1].path[0])).parent.parent)
    files = [Path(f"{name}.json") for name in ("train", "val", "test")]
    write_people(files[0], *drawn)
    for seed, path in enumerate(files[1:], start=90):
        write_people(path, *draw_standing_people(Path(path.stem), 2, seed=seed))
    sets = read_student_sets(files[0], files[1], files[2], 12, all_labels=True)
    assert len(sets.split(12, 0)[0][1]) == 12 and not len(sets.split(12, 0)[1][1])
    with pytest.raises(InputError, match="--labels is more than there are"):
        read_student_sets(files[0], files[1], files[2], 13, all_labels=True)


def test_starts_are_compared_on_the_same_labels(tmp_path: Path) -> None:
    plan = replace(PLAN, recipes=("supervised",), starts=("starter", "pretext"), folders={"pretext": "a"}, labels=(2,))
    ap = {("starter", 0): 0.2, ("starter", 1): 0.4, ("pretext", 0): 0.3, ("pretext", 1): 0.51}
    known = {
        trial: StudentOutcome(ap=ap[trial.start, trial.seed], ap50=0.5, pck_02=0.4, val_ap=0.1, seconds=9.0)
        for trial in plan.trials()
    }
    write_student_page(tmp_path, plan, known, {"train": 12, "val": 3, "test": 3}, 0.9, "dataengine compare-students")
    page = (tmp_path / "students.md").read_text()
    assert "| pretext | starter | 2 | supervised | +0.105 ± 0.064 | yes |" in page


def test_another_picture_under_the_same_name_is_another_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = [Path(f"{name}.json") for name in ("train", "val", "test")]
    for seed, file in enumerate(files):
        write_people(file, *draw_people_at(Path(file.stem), 4, seed))
    train, val, test = files
    before = read_student_sets(train, val, test, 2).sha256
    assert read_student_sets(train, val, test, 2).sha256 == before
    draw_people_at(Path("val"), 4, seed=9)
    assert read_student_sets(train, val, test, 2).sha256 != before
