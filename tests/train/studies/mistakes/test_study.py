"""The whole study on drawn people: figures of every kind, students whose labels were put right, the page, going on."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataengine.coco_json import write_people
from dataengine.errors import InputError
from dataengine.files import read_json
from dataengine.people import People
from dataengine.train import compare_mistakes
from dataengine.train.mistakes.search import labels_hash
from dataengine.train.studies.mistakes.relabel import corrected_rows, with_corrected

from ....helpers.drawn_people import draw_standing_people
from ....helpers.fitting_project import one_torch_thread
from ...mistakes.search_params import SEARCH
from .test_inject import labelled


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with one_torch_thread():
        yield


def test_mistakes_are_made_found_and_put_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dataengine.train.studies.mistakes.runner.VALIDATED", 8)
    people, images = draw_standing_people(Path("set"), 220, seed=5)
    write_people(Path("set/people.json"), people, images)
    params = replace(SEARCH, epochs=4, draws_per_epoch=10, ema_decay=0.9, people_per_epoch=400)
    asked = {"annotations": Path("set/people.json"), "images": Path("set"), "report": Path("report")}
    more = {"share": 0.08, "test_people": 20, "seeds": (0, 1), "student_people": 64}
    compare_mistakes.run(params, **asked, **more)  # type: ignore[arg-type]
    metrics = read_json(Path("report/metrics.json"))
    assert metrics["people"] == 192 and set(metrics["made"]) == {"sides", "arms", "legs", "joint", "missing"}
    area = {figures["kind"]: figures["area"] for figures in metrics["kinds"]}
    assert all(area[kind]["value"] > 0.9 for kind in ("sides", "arms", "legs", "joint")), area
    assert all(each["low"] <= each["value"] <= each["high"] for each in area.values())
    assert metrics["ranking"]["precision_of_share"] > 2 * metrics["ranking"]["made"]
    students = {(s["arm"], s["seed"]): s for s in metrics["students"]}
    assert len(students) == 8
    assert (
        students["ranked", 0]["corrected"] > students["random", 0]["corrected"] >= students["none", 0]["corrected"] == 0
    )
    page = Path("report/mistakes.md").read_text()
    assert "| ranked |" in page and "Unfinished" not in page and "nan" not in page
    fitted = {path: path.stat().st_mtime_ns for path in Path("report").rglob("model.safetensors")}
    compare_mistakes.run(params, **asked, **more)  # type: ignore[arg-type]
    assert {path: path.stat().st_mtime_ns for path in Path("report").rglob("model.safetensors")} == fitted
    assert Path("report/mistakes.md").read_text() == page


def test_labels_of_an_arm_are_those_that_were_put_right() -> None:
    from dataengine.train.studies.mistakes.inject import inject

    truth, images = labelled(200)
    injected = inject(truth, images, None, 0.05, np.random.default_rng(0))
    order = np.argsort(injected.kind[injected.kept] == "", kind="stable")  # the mistakes first
    wrong = int((injected.kind[injected.kept] != "").sum())

    def learnt(arm: str) -> People:
        return with_corrected(truth, injected, corrected_rows(arm, injected, order, wrong, seed=0))

    right, unchanged, everybody = learnt("ranked"), learnt("none"), learnt("all")
    np.testing.assert_array_equal(right.keypoints_px, truth.keypoints_px[injected.kept])
    np.testing.assert_array_equal(right.bbox_xywh_px, truth.bbox_xywh_px[injected.kept])
    np.testing.assert_array_equal(unchanged.keypoints_px, injected.people.keypoints_px[injected.kept])
    assert labels_hash(everybody, images) == labels_hash(truth, images)
    by_chance = corrected_rows("random", injected, order, wrong, seed=0)
    assert len(np.unique(by_chance)) == wrong and set(by_chance) <= set(injected.kept)


def test_a_set_that_is_too_small_and_a_senseless_share_are_refused(tmp_path: Path) -> None:
    people, images = draw_standing_people(tmp_path / "set", 20, seed=5)
    write_people(tmp_path / "set/people.json", people, images)
    asked = {"annotations": tmp_path / "set/people.json", "images": tmp_path / "set", "report": tmp_path / "report"}
    with pytest.raises(InputError, match="too few people are left"):
        compare_mistakes.run(SEARCH, **asked, seeds=(0,))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="--share"):
        compare_mistakes.run(SEARCH, **asked, share=0.5)  # type: ignore[arg-type]
