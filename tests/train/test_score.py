import json
from pathlib import Path

import numpy as np
import pytest

from dataengine.coco_json import read_people
from dataengine.errors import ParamsError
from dataengine.evaluation.ap.oks import coco_ap
from dataengine.inference.running.predict import load_runner, predict_people
from dataengine.people import Images, People
from dataengine.train import score

from ..helpers.dots.dot_networks import adopted_dot_network
from .gate_round import PARAMS


def test_every_network_is_scored_on_the_same_people(
    round_folder: Path, exported: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(round_folder)
    people, images = read_people(Path("test.json"))

    def as_labelled(people: People, images: Images, models: Path, *, looks: int) -> People:
        assert (models, looks) == (Path("models"), 2)
        return people

    monkeypatch.setattr("dataengine.blazepose.in_boxes.poses_in_boxes", as_labelled)
    scores = score.run(
        PARAMS,
        people=Path("test.json"),
        report=tmp_path / "report",
        models=[Path("steps60"), exported["good"], Path("steps6"), adopted_dot_network(tmp_path / "adopted")],
        blazepose=Path("models"),
    )
    assert [s.name for s in scores] == [
        "steps60",
        str(exported["good"]),
        "steps6",
        str(tmp_path / "adopted"),
        "BlazePose full",
    ]
    good, as_export, bad, lost, perfect = scores
    runner, meta = load_runner(Path("steps60"))
    expected = coco_ap(people, images, predict_people(runner, meta, people, images).as_people(people))
    assert (good.ap.value, good.ap50) == pytest.approx((expected["AP"], expected["AP50"]), abs=1e-9)
    assert as_export.ap.value == pytest.approx(good.ap.value, abs=0.03)
    assert perfect.ap.value == pytest.approx(1) and perfect.pck_02 == 1
    assert lost.ap.value <= bad.ap.value < good.ap.value
    assert all(s.ap.low <= s.ap.value <= s.ap.high for s in scores)
    written = json.loads((tmp_path / "report" / "metrics.json").read_text())
    assert written["networks"]["steps60"]["AP"] == pytest.approx(good.ap.value)
    page = (tmp_path / "report" / "scores.md").read_text()
    assert page.startswith("40 people in 40 images of `test.json`")
    assert [line.split(" | ")[0] for line in page.splitlines()[5:]] == [f"| {s.name}" for s in scores]
    assert np.isfinite([s.pck_02 for s in scores]).all()


def test_nothing_to_score_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="nothing to score"):
        score.run(PARAMS, people=Path("test.json"), report=tmp_path, models=[])
