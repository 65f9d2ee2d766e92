import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataengine.coco_json import write_people
from dataengine.crops.spec import CropSpec
from dataengine.errors import InputError
from dataengine.evaluation.ap.protocol import COCO
from dataengine.files import write_json
from dataengine.inference.running.predict import torch_runner
from dataengine.mixing import MixRecipe, write_recipe
from dataengine.nets.checkpoint import ModelMeta, load_checkpoint
from dataengine.nets.heads import Arrays
from dataengine.train.fit.learnt_from.replay import ReplayParams
from dataengine.train.fit.params import FitParams
from dataengine.train.losses.table import TEACHES
from dataengine.train.studies.parts import compare_parts, measure
from dataengine.train.studies.parts.measure import PartFigures, calibration_errors, cut_answers, part_figures
from dataengine.train.studies.parts.page import gains, page
from dataengine.train.studies.parts.plan import BASE_PART, PARTS, PartTrial
from dataengine.train.studies.parts.runner import PartStudy

from ....helpers.drawn_people import draw_people_at
from ....helpers.fitting_project import TINY, one_torch_thread, write_project
from ....helpers.own_sigmas import params_with_own_sigmas


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    write_project()
    Path("params.yaml").write_text("oks: {sigmas: ''}\n")
    write_people(Path("val.json"), *draw_people_at(Path("val_images"), 8, seed=9))
    with one_torch_thread():
        yield


def figures(ap: float, presence: float | None = None) -> PartFigures:
    return PartFigures(ap, 0.2, None, 0.7, presence, presence)


def test_each_part_changes_what_it_says() -> None:
    params = replace(TINY, epochs=8, people_per_epoch=8)
    changed = {name: part(params) for name, part in PARTS.items()}
    assert changed[BASE_PART] == params
    assert changed["half bodies"] == replace(params, augment=replace(params.augment, half_body_share=0.3))
    assert changed["rtmcc"].head == "rtmcc" and "maps_per_joint" not in changed["rtmcc"].network_kwargs
    assert [phase.epochs for phase in changed["two stages"].phases] == [6, 2]
    assert changed["two stages"].augments[1].photometric_share == 0
    assert changed["mle"].losses == {"simcc_mle": 1.0}
    assert changed["kl and mle"].losses == {"simcc_kl": 1.0, "simcc_mle": 1.0}
    for each in changed.values():
        for loss, option in TEACHES.items():
            assert (loss in each.losses) == each.network_kwargs.get(option, False)


def test_a_part_is_kept_where_its_gain_is_clear() -> None:
    ap = {(BASE_PART, 0): 0.10, (BASE_PART, 1): 0.20, ("half bodies", 0): 0.15, ("half bodies", 1): 0.251}
    ap |= {("rtmcc", 0): 0.05, ("rtmcc", 1): 0.30}
    known = {PartTrial(*key): figures(value, 0.9 if key[0] == "rtmcc" else None) for key, value in ap.items()}
    assert gains(known, lambda one: one.ap)["half bodies"].mean == pytest.approx(0.0505), "seed by seed"
    lines = page("dataengine compare-parts", known, planned=7, people=10, images=3, start="random weights")
    rows = [line for line in lines if line.startswith("| ")]
    assert rows[1].startswith("| as it is | 0.150 ±") and rows[1].endswith("| - | - | 2 |")
    assert "6 of 7 fits" in "\n".join(lines)
    assert "| as it is | 0.200 ± 0.000 | - |" in lines, "too few labels for curves"
    assert "| half bodies | 0.700 ± 0.000 | - | - |" in lines
    assert "| rtmcc | 0.700 ± 0.000 | 0.900 ± 0.000 | 0.900 ± 0.000 |" in lines
    clear = {trial: value for trial, value in known.items() if trial.part != "rtmcc"}
    assert any(
        "| half bodies |" in line and "| yes | 2 |" in line
        for line in page("", clear, planned=4, people=1, images=1, start="")
    )
    assert any("| rtmcc |" in line and "| no | 2 |" in line for line in lines)


def test_a_study_fits_what_is_missing(project: None, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {"mix": Path("mix"), "val": Path("val.json"), "report": Path("report"), "line": ""}
    given["params"] = Path("params.yaml")
    recipe = replace(TINY, people_per_epoch=8, epochs=2)
    study = PartStudy(recipe=recipe, parts=["presence"], seeds=[0], **given)
    study.run()
    first = {trial: study.known(trial) for trial in study.trials()}
    base, present = first[PartTrial(BASE_PART, 0)], first[PartTrial("presence", 0)]
    assert base is not None and present is not None
    assert base.in_crop_by_presence is None and 0 <= (present.in_crop_by_presence or -1) <= 1
    assert 0 <= (base.in_crop_by_confidence or -1) <= 1 and base.ece_by_curves is None
    kinds = {folder.name.split("-seed")[0]: folder for folder in Path("report/fits").iterdir()}
    assert set(kinds) == {"as-it-is", "presence"}
    assert load_checkpoint(kinds["presence"] / "model")[1].network_kwargs["presence"]
    assert "| presence |" in Path("report/parts.md").read_text()
    again = PartStudy(recipe=recipe, parts=["presence"], seeds=[0], **given)
    assert {trial: again.known(trial) for trial in again.trials()} == first
    Path("own.yaml").write_text(params_with_own_sigmas(Path("sigmas")))
    for changed in ({"params": Path("own.yaml")}, {"recipe": replace(recipe, batch=4)}):
        another = PartStudy(**{"recipe": recipe, "parts": [], "seeds": [0], **given, **changed})
        assert another.known(PartTrial(BASE_PART, 0)) is None, "another AP, or another fit"
    with pytest.raises(InputError, match=r"nothing/train.json does not exist"):
        PartStudy(recipe=recipe, parts=[], seeds=[0], **{**given, "mix": Path("nothing")}).run()
    draw_people_at(Path("val_images"), 8, seed=10)
    repainted = PartStudy(recipe=recipe, parts=[], seeds=[0], **given)
    assert repainted.known(PartTrial(BASE_PART, 0)) is None, "other pictures of the same names"


def study(recipe: FitParams = TINY, **given: Any) -> PartStudy:
    options = {"mix": Path("mix"), "val": Path("val.json"), "report": Path("report"), "line": "", "seeds": [0]}
    options["params"] = Path("params.yaml")
    return PartStudy(recipe=replace(recipe, people_per_epoch=8, epochs=1), **{**options, "parts": [], **given})


def without_labels() -> dict[str, Any]:
    people, images = draw_people_at(Path("val_images"), 8, seed=9)
    write_people(Path("bare.json"), people.replace(visibility=np.zeros_like(people.visibility)), images)
    return {"val": Path("bare.json")}


def heatmaps() -> dict[str, Any]:
    kwargs = {"channels": [16, 32], "blocks": [1, 1], "deconv_channels": 8}
    own = replace(TINY, head="heatmap", network_kwargs=kwargs, losses={"heatmap_mse": 1.0})
    return {"recipe": own, "parts": ["mle"]}


def picture_that_is_gone() -> dict[str, Any]:
    next(Path("val_images").iterdir()).unlink()
    return {}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: {"val": Path("mix/train.json")}, "--mix and --val share pictures"),
        (without_labels, "bare.json has no labelled joint to validate by"),
        (heatmaps, "part 'mle' cannot be fitted.*leave it out"),
        (lambda: {"parts": ["two stages"]}, "part 'two stages' cannot be fitted: epochs of a phase"),
        (lambda: {"recipe": replace(TINY, losses={"simcc_kl": 1.0, "presence": 0.1})}, "part 'as it is' cannot be"),
        (picture_that_is_gone, "image .* does not exist"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_is_fitted(
    project: None, wrong: Callable[[], dict[str, Any]], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        study(**wrong()).run()
    assert not Path("report").exists()


def test_one_person_validates_without_what_takes_more(project: None) -> None:
    people, images = draw_people_at(Path("val_images"), 1, seed=9)
    write_people(Path("one.json"), people, images)
    lone = study(val=Path("one.json"))
    lone.run()
    found = lone.known(PartTrial(BASE_PART, 0))
    assert found is not None and found.ece_stated is not None, "the half of the pictures that shows somebody"
    assert found.ece_by_curves is None
    meta = ModelMeta("residual", input_width_px=32, input_height_px=32)
    nobody = people.replace(visibility=np.zeros_like(people.visibility))
    assert calibration_errors(torch_runner(meta.build().eval()), meta, nobody, images, lone.protocol) == (None, None)


def test_an_old_mix_that_is_replayed_decides_the_result(project: None) -> None:
    shutil.copytree("mix", "old")
    replayed = replace(TINY, replay=ReplayParams("old", 0.5))
    before = study(replayed).name(PartTrial(BASE_PART, 0))
    write_recipe(Path("old/recipe.json"), MixRecipe(0.5, 0.0, 2))
    assert study(replayed).name(PartTrial(BASE_PART, 0)) != before


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"start": "champion"}, "--start names no checkpoint"),
        ({"part": ["more"]}, "--part is unknown"),
        ({"people": 15}, "--epochs does not fit"),
        ({"seed": [-1]}, "--seed is negative"),
    ],
)
def test_a_wrong_order_is_refused(tmp_path: Path, repository: Path, wrong: dict[str, Any], said: str) -> None:
    given = {"mix": tmp_path, "val": tmp_path, "report": tmp_path, "people": 16, "epochs": 4, "start": "none"}
    with pytest.raises(InputError, match=said):
        compare_parts.command(**{**given, "params": repository / "params.yaml", **wrong})


def test_cut_crops_are_asked_of_known_and_taught_joints(tmp_path: Path) -> None:
    """Against a network that says of every joint where it stands in the order, whatever it is shown."""
    people, images = draw_people_at(tmp_path / "images", 6, seed=0)
    unlabelled = people.visibility.copy()
    unlabelled[:, 3] = 0
    meta = ModelMeta(
        "residual", {"presence": True}, input_width_px=32, input_height_px=32, taught=("nose", "left_ear", "left_knee")
    )
    assert meta.crop == CropSpec(32, 32)

    def runner(crops: np.ndarray) -> Arrays:
        axis = np.zeros((len(crops), 17, 64), dtype=np.float32)
        return axis, axis, np.tile(np.arange(17, dtype=np.float32) - 8, (len(crops), 1))

    some = people.replace(visibility=unlabelled)
    confidence, presence, in_crop = cut_answers(runner, meta, some, images)
    assert presence is not None and len(confidence) == len(presence) == len(in_crop) == 12, "of two joints"
    nose, knee = (1 / (1 + np.exp(8.0 - joint)) for joint in (0, 13))
    np.testing.assert_allclose(presence, np.tile([nose, knee], 6))
    np.testing.assert_allclose(confidence / presence, confidence[0] / presence[0])
    assert in_crop.any() and not in_crop.all()
    plain = replace(meta, network_kwargs={})
    assert cut_answers(torch_runner(plain.build().eval()), plain, some, images)[1] is None


def test_what_one_picture_or_a_whole_crop_does_not_show_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fit has been paid for by then, and NaN is not JSON."""
    people, images = draw_people_at(tmp_path / "images", 1, seed=0)
    meta = ModelMeta("residual", input_width_px=32, input_height_px=32)
    runner = torch_runner(meta.build().eval())
    stated, by_curves = calibration_errors(runner, meta, people, images, COCO)
    assert stated is not None and 0 <= stated <= 1 and by_curves is None
    unlabelled = people.replace(visibility=np.zeros_like(people.visibility))
    assert calibration_errors(runner, meta, unlabelled, images, COCO) == (None, None)
    monkeypatch.setattr(measure, "load_runner", lambda _: (runner, meta))
    monkeypatch.setattr(measure, "cut_answers", lambda *_: (np.array([0.2, 0.9]), None, np.array([True, True])))
    found = part_figures(tmp_path, 0.5, people, images, COCO)
    assert found.in_crop_by_confidence is None
    write_json(tmp_path / "kept.json", asdict(found))
    assert "| as it is | - | - | - |" in page(
        "", {PartTrial(BASE_PART, 0): found}, planned=1, people=1, images=1, start=""
    )
