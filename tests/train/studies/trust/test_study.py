"""The study of trust on people whose mistakes are made: what the page says is what was measured."""

import json
from pathlib import Path

import numpy as np
import pytest

from dataengine.people import Images, People
from dataengine.train.pseudo.filters import Opinion
from dataengine.train.studies.trust.kept_answers import kept_answers
from dataengine.train.studies.trust.measure import SAME, MeasuredSet, cameras, halves, measure
from dataengine.train.studies.trust.page import write_trust_page

from ...trust.made_people import ASKED, FILTERS, made


def test_the_page_shows_asked_and_reached_on_the_other_half_and_on_unseen_sets(tmp_path: Path) -> None:
    known, _ = made(400, seed=1)
    few, _ = made(20, seed=2)
    study = measure(
        known,
        [MeasuredSet("twenty", few, few.group)],
        asked=(0.7, 0.9),
        seeds=(0, 1),
        teachers=("a",),
        params=ASKED,
        filters=FILTERS,
    )
    assert len(study.rows) == 2 * 2 * 3, "seeds, sets, and two precisions next to the thresholds"
    at = [row for row in study.rows if (row.set_name, row.asked) == (SAME, 0.9)]
    assert all(row.reached.precision is not None and row.reached.precision.value > 0.87 for row in at)
    assert all(row.reached.labelled == 200 * 17 for row in at)
    assert list(study.refusals) == ["twenty"] and "20 groups" in study.refusals["twenty"]
    before, after = study.reliability["all"]
    assert before.count.sum() == 200 * 17 and after.ece < before.ece
    write_trust_page(tmp_path, study, "dataengine compare-trust --seed 0")
    page = (tmp_path / "trust.md").read_text(encoding="utf-8")
    mean = np.mean([row.reached.precision.value for row in at if row.reached.precision])
    assert f"| {SAME} | 0.9 | {mean:.3f} (" in page and "twenty: 20 groups" in page
    assert len(json.loads((tmp_path / "metrics.json").read_text())["rows"]) == 12
    assert (tmp_path / "trust.png").stat().st_size > 10_000


def test_a_half_that_is_too_small_is_refused() -> None:
    known, _ = made(60, seed=3)
    with pytest.raises(ValueError, match="30 groups"):
        measure(known, [], asked=(0.9,), seeds=(0,), teachers=("a",), params=ASKED, filters=FILTERS)


def test_halves_share_no_group_and_cameras_are_resampled_by_blocks() -> None:
    known, _ = made(10, seed=4, per_group=6)
    one, other = halves(known, 0)
    assert not set(one.group) & set(other.group) and len(one) == len(other) == 30
    single, _ = made(1, seed=5, per_group=60)
    images = Images.build(
        id=np.arange(60), path=[f"{i}.png" for i in range(60)], width=9, height=9, group="hall",
        video=np.repeat(["north", "south"], 30), frame=np.tile(np.arange(30), 2),
    )  # fmt: skip
    sets = list(cameras("hall", single, images, block_frames=10))
    assert [each.name for each in sets] == ["hall", "hall, north", "hall, south"]
    assert [len(np.unique(each.unit)) for each in sets] == [3, 3, 3]
    assert len(sets[1].known) == 30


def test_teachers_are_asked_once_about_the_same_pictures(tmp_path: Path) -> None:
    known, _ = made(3, seed=6)
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(b"a" * (number + 1))
    paths = [str(tmp_path / f"{number}.png") for number in range(3)]
    images = Images.build(id=np.arange(3), path=paths, width=400, height=400)
    asked: list[int] = []

    def ask() -> tuple[People, tuple[Opinion, ...]]:
        asked.append(1)
        return known.truth, known.opinions

    first = kept_answers(tmp_path / "kept", images, None, max_gap=0, ask=ask)
    again = kept_answers(tmp_path / "kept", images, None, max_gap=0, ask=ask)
    assert len(asked) == 1
    assert (again[0].image_id == first[0].image_id).all() and (again[0].bbox_xywh_px == first[0].bbox_xywh_px).all()
    assert (again[1][0].keypoints_px == first[1][0].keypoints_px).all()
    assert (again[1][0].confidence == first[1][0].confidence).all()
    kept_answers(tmp_path / "kept", images, None, max_gap=3, ask=ask)
    (tmp_path / "0.png").write_bytes(b"changed")
    kept_answers(tmp_path / "kept", images, None, max_gap=0, ask=ask)
    for damaged in (tmp_path / "kept").iterdir():
        damaged.write_bytes(b"PK")
    kept_answers(tmp_path / "kept", images, None, max_gap=0, ask=ask)
    assert len(asked) == 4, "after another gap, a changed picture, and damage"
