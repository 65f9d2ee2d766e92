"""Whole fits that learn from people without labels: resumed, collapsed, refused."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataengine.coco_json import write_people
from dataengine.errors import InputError, ParamsError
from dataengine.nets.learnt_pictures import read_learnt_pictures
from dataengine.train import fit_student
from dataengine.train.fit.consistency.params import ConsistencyParams
from dataengine.train.fit.consistency.plot import PICTURE
from dataengine.train.fit.params import DistillParams

from ....helpers.drawn_people import draw_people_at
from ....helpers.fitting_project import MOVED, TINY, curve, one_torch_thread, write_project
from ..test_resume import Stop, same_weights, stop_after

EMA = ConsistencyParams(mode="ema", least_confidence=0.0, strong=MOVED, unlabelled_per_labelled=0.5)
HEATMAP: dict[str, Any] = {
    "head": "heatmap",
    "losses": {"heatmap_mse": 1.0},
    "label_sigma_px": 5.0,
    "network_kwargs": {"channels": [8, 16], "blocks": [1, 1], "deconv_channels": 8},
}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder to fit in, with people whose labels are not given, one thread."""
    monkeypatch.chdir(tmp_path)
    write_project()
    people, images = draw_people_at(Path("more"), 6, seed=5)
    write_people(Path("more.json"), people.replace(visibility=np.zeros_like(people.visibility)), images)
    with one_torch_thread():
        yield


def fit(out: str, consistency: ConsistencyParams, unlabelled: str | None = "more.json", **changes: Any) -> None:
    given = {field: getattr(TINY, field) for field in asdict(TINY)}
    params = fit_student.FitStudentParams(**{**given, **changes}, pseudo_per_real=0.0, consistency=consistency)
    fit_student.run(
        params,
        mix=Path("mix"),
        pseudo=Path("none.json"),
        val=Path("val.json"),
        out=Path(out),
        report=Path("reports") / out,
        unlabelled=Path(unlabelled) if unlabelled else None,
    )


@pytest.mark.parametrize(
    ("consistency", "changes"),
    [
        (EMA, {"accumulate": 2, "batch": 4}),
        (replace(EMA, mode="two"), {"precision": "bf16"}),
        (replace(EMA, mode="two"), HEATMAP),
    ],
)
def test_stopped_and_resumed_is_bit_identical(
    consistency: ConsistencyParams, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    fit("models/whole", consistency, **changes)
    with monkeypatch.context() as patch:
        stop_after(2, patch)
        with pytest.raises(Stop):
            fit("models/resumed", consistency, **changes)
    fit("models/resumed", consistency, **changes)
    assert same_weights("models/whole", "models/resumed")
    assert curve("models/whole", "unlabelled_accepted") == [1.0] * 3
    assert (Path("reports/models/whole") / PICTURE).is_file()


def test_people_without_labels_change_what_is_learned_and_are_recorded() -> None:
    fit("models/alone", replace(EMA, mode="none"), unlabelled=None)
    fit("models/taught", EMA)
    assert not same_weights("models/alone", "models/taught")
    counts = [len(read_learnt_pictures(Path("models") / name) or ()) for name in ("alone", "taught")]
    assert counts == [8, 14]


def test_a_student_that_listens_to_its_teacher_alone_collapses_and_says_so() -> None:
    strong = replace(MOVED, rotation_deg=180, shift=0.3, scale=1.0)
    heavy = replace(EMA, weight=300.0, ramp_share=0.5, unlabelled_per_labelled=4.0, strong=strong)
    changes = {**HEATMAP, "epochs": 8, "draws_per_epoch": 10, "learning_rate": 0.01}
    with pytest.raises(InputError, match=r"has collapsed in epoch \d: it agrees with its teacher") as caught:
        fit("models/a", heavy, **changes)
    assert "consistency.weight" in str(caught.value) and "\n" not in str(caught.value)
    assert not Path("models/a").exists()
    with pytest.raises(InputError, match="has collapsed"):  # the state that is left says the same at once
        fit("models/a", heavy, **changes)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="--unlabelled"):
        fit("models/a", EMA, unlabelled=None)
    with pytest.raises(InputError, match="not labelled"):
        fit("models/a", EMA, unlabelled="mix/train.json")
    with pytest.raises(ParamsError, match="weight"):
        ConsistencyParams(mode="ema", weight=0.0)
    given = {field: getattr(TINY, field) for field in asdict(TINY)}
    with pytest.raises(ParamsError, match="distill"):
        fit_student.FitStudentParams(
            **given, pseudo_per_real=0.0, consistency=EMA, distill=DistillParams(teacher="models/b")
        )
