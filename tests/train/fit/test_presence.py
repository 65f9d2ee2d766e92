"""A fit with presence: joints that augmentation cuts away get low confidence."""

from dataclasses import replace
from pathlib import Path

import pytest

from dataengine.coco_json import read_people
from dataengine.evaluation.analysis.roc import auroc
from dataengine.inference.running.predict import load_runner
from dataengine.train.studies.parts.measure import cut_answers

from ...helpers.fitting_project import TINY, fit_here, one_torch_thread, write_project


def test_joints_that_are_cut_away_get_low_confidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_project()
    params = replace(
        TINY,
        epochs=1,
        draws_per_epoch=150,
        network_kwargs={**TINY.network_kwargs, "presence": True},
        losses={"simcc_kl": 1.0, "presence": 1.0},
        learning_rate=0.01,
        augment=replace(TINY.augment, shift=0.3),
    )
    with one_torch_thread():
        fit_here(params, "models/present")
        runner, meta = load_runner(Path("models/present"))
        confidence, presence, in_crop = cut_answers(runner, meta, *read_people(Path("val.json")))
    assert presence is not None and in_crop.any() and not in_crop.all()
    assert auroc(presence, in_crop) > 0.7
    assert confidence[~in_crop].mean() < 0.75 * confidence[in_crop].mean()
    assert (confidence <= presence).all(), "which of the place alone it would not be"
