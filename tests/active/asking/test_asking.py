"""What failures ask for: sources, budget, example poses, what came of it; and that the test set is never shown."""

import doctest
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataengine.active.asking import budget, parts
from dataengine.active.asking import need as need_module
from dataengine.active.asking.brought import brought_by, change_in
from dataengine.active.asking.budget import grant, shares
from dataengine.active.asking.by_hand import needs_by_hand, shows_test_person
from dataengine.active.asking.clusters import needs_of_selection
from dataengine.active.asking.gate import needs_of_gate
from dataengine.active.asking.need import Need
from dataengine.active.asking.parts import people_of_part, present_part
from dataengine.active.asking.request_params import RequestParams
from dataengine.active.asking.shown_people import ShownPeople, examples_among, refuse_test, take_examples
from dataengine.active.asking.verdict_figures import SliceFigures, VerdictFigures, read_verdict_figures
from dataengine.coco_json import write_people
from dataengine.errors import InputError, ParamsError
from dataengine.evaluation.analysis.interval import Interval
from dataengine.people import Images, People
from dataengine.poses.embedding import embed_poses
from dataengine.poses.training_poses import TrainingPoses
from dataengine.requests.record import ORIGIN, PoseRequest, RequestState

from ...helpers.held_out import held_out_file
from ...helpers.pose_samples import crowd, write_crowd
from ...requests.test_requests import ASKED, request

PARAMS = RequestParams(renders=10, labels=4, most=2, examples=3, min_people=3, min_gap=0.02)


def shown(counts: tuple[int, ...] = (12, 6, 6)) -> ShownPeople:
    """Training, pool and validation people in turn."""
    people = crowd(counts)
    origin = [("train", "pool", "val")[row % 3] for row in range(len(people))]
    people = people.replace(extras={ORIGIN: np.array(origin), "sha256": np.array(["cd" * 32] * len(people))})
    ids = np.unique(people.image_id)
    images = Images.build(id=ids, path=[f"p/{i}.png" for i in ids], width=400, height=400)
    return ShownPeople(people=people, images=images, loss=np.linspace(0.1, 0.9, len(people)))


def figures(**aps: float) -> VerdictFigures:
    """A verdict with these slices; `x_y` stands for ``x=y``."""
    slices = {
        name: SliceFigures(name=name, people=20, ap=Interval(ap, ap - 0.1, ap + 0.1), gain=None)
        for name, ap in ((key.replace("_", "="), value) for key, value in aps.items())
    }
    return VerdictFigures(
        round=3, candidate="new", champion="old", ap=Interval(0.5, 0.4, 0.6), slices=slices, clusters_id="abc",
        test_sha256="t", commonest_errors=("miss",),
    )  # fmt: skip


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(parts) == (0, 1)
    assert doctest.testmod(need_module) == (0, 1)
    assert doctest.testmod(budget) == (0, 1)


def test_the_gate_asks_for_what_is_wrong_and_the_rarer_the_more(poses: TrainingPoses) -> None:
    verdict = figures(cluster_0=0.3, cluster_2=0.3, cluster_1=0.49, video_x=0.0, occlusion_most=0.9)
    needs = {need.part: need for need in needs_of_gate(verdict, shown(), poses, PARAMS)}
    assert set(needs) == {"cluster=0", "cluster=2"}, (
        "1 is within min_gap, 3 is better, and a video says nothing about people elsewhere"
    )
    assert needs["cluster=2"].weight > needs["cluster=0"].weight
    assert "AP 0.300 (0.200 to 0.400) on 20 people of cluster=2, 0.200 below all" in needs["cluster=2"].reason
    assert needs["cluster=2"].evidence["test_sha256"] == "t"
    few = replace(PARAMS, min_people=21)
    assert not [*needs_of_gate(verdict, shown(), poses, few)]


def test_selection_asks_for_clusters_that_lose_more_than_the_pool(poses: TrainingPoses) -> None:
    known = shown((12, 12, 12))
    cluster = poses.look_up(known.people.keypoints_px, known.people.visibility).cluster
    known = replace(known, loss=np.where(cluster == 1, 0.8, 0.2))
    (need,) = needs_of_selection(known, poses, PARAMS)
    assert need.part == "cluster=1" and need.asked_by == "selection"
    pool = known.rows_from("pool")
    mean = known.loss[pool].mean()
    training = cluster[known.rows_from("train")] == 1
    assert need.weight == pytest.approx((0.8 - mean) * (1 - training.sum() / (len(training) + 1)))
    assert not [*needs_of_selection(known, None, PARAMS)]


def test_examples_are_the_worst_and_most_different_of_training_and_pool_before_validation(poses: TrainingPoses) -> None:
    known = shown()
    vectors, _ = embed_poses(known.people.keypoints_px, known.people.visibility)
    every = np.ones(len(known.people), dtype=bool)
    rows = examples_among(known, every, 5, vectors)
    assert len(set(rows)) == 5 and not known.rows_from("val")[rows].any()
    first = np.flatnonzero(~known.rows_from("val"))
    assert rows[0] == first[known.loss[first].argmax()]
    rows = examples_among(known, every, 24, vectors)
    assert len(rows) == 24 and known.rows_from("val")[rows[-8:]].all(), "validation only where others are too few"
    people, images = take_examples(known, rows[:2])
    assert len(people) == 2 and len(images) <= 2
    part = people_of_part("cluster=2", known.people, known.images, poses)
    assert set(examples_among(known, part, 3, vectors)) <= set(np.flatnonzero(part).tolist())
    assert not people_of_part("colour=red", known.people, known.images, poses).any()
    assert not people_of_part("cluster=2", known.people, known.images, None).any()


def test_a_picture_or_a_pose_of_the_test_set_is_refused(tmp_path: Path) -> None:
    """The gate may name a slice of the test set; the poses of its people may not be learnt from."""
    write_crowd(tmp_path / "test.json", crowd((2,)))
    from dataengine.coco_json import read_people
    from dataengine.files import sha256_file

    test, images = read_people(tmp_path / "test.json")
    held_out = held_out_file(tmp_path, images)
    hashes = [sha256_file(Path(path)) for path in images.path.tolist()]
    with pytest.raises(InputError, match="shows people of the test set"):
        refuse_test(held_out, ["00" * 32, hashes[0]], "the request")
    refuse_test(held_out, ["00" * 32], "the request")
    refuse_test(None, hashes, "the request")
    assert shows_test_person(test.take([1]), test)
    moved = test.replace(keypoints_px=test.keypoints_px + 3)
    assert not shows_test_person(moved, test) and not shows_test_person(People.empty(), test)


def test_a_person_asks_before_all_others(tmp_path: Path) -> None:
    people = crowd((2,))
    ids = np.unique(people.image_id)
    images = Images.build(id=ids, path=[str(tmp_path / f"{i}.png") for i in ids], width=300, height=300)
    write_people(tmp_path / "like-ab.json", people, images)
    (need,) = needs_by_hand(tmp_path)
    others = [Need(asked_by="gate", part="rare=yes", weight=0.6, reason="r")]
    granted = grant([*others, need], [], PARAMS)
    assert [each.need.asked_by for each in granted] == ["person", "gate"]
    assert sum(each.renders for each in granted) == 10 and sum(each.labels for each in granted) == 4
    assert [*needs_by_hand(tmp_path / "none")] == []


def test_what_did_not_help_is_asked_for_less_and_a_slice_once() -> None:
    needs = [
        Need(asked_by="gate", part=f"cluster={k}", weight=w, reason="r") for k, w in ((1, 0.3), (2, 0.2), (2, 0.1))
    ]
    assert [each.need.weight for each in grant(needs, [], PARAMS)] == [0.3, 0.2]
    vain = replace_state(request(part="cluster=1"), {"is_better": False})
    assert [each.need.part for each in grant(needs, [vain], PARAMS)] == ["cluster=2", "cluster=1"]
    good = replace_state(request(part="cluster=1"), {"is_better": True})
    assert [each.need.part for each in grant(needs, [good], PARAMS)] == ["cluster=1", "cluster=2"]
    hidden = [Need(asked_by="gate", part="occlusion=most", weight=1.0, reason="r"), needs[0]]
    assert [each.labels for each in grant(hidden, [], PARAMS)] == [0, 4], "occlusion is not seen without labels"


def replace_state(of: PoseRequest, brought: dict[str, Any]) -> PoseRequest:
    return replace(of, state=RequestState(now="served", served_in=3, brought=brought))


@given(st.lists(st.floats(0, 100), max_size=8), st.integers(0, 100))
def test_a_budget_is_shared_out_whole_and_by_weight(weights: list[float], total: int) -> None:
    parts_ = shares(weights, total)
    assert sum(parts_) == (total if sum(weights) > 0 else 0)
    for weight, part in zip(weights, parts_, strict=True):
        assert abs(part - total * weight / sum(weights)) < 1 if sum(weights) > 0 else part == 0


def test_what_a_request_brought_has_the_gates_paired_interval_where_there_is_one() -> None:
    asked = replace(ASKED, evidence={"AP": 0.3, "low": 0.2, "high": 0.4, "candidate": "old", "test_sha256": "t"})
    old = replace(request(), asked=asked)
    now = figures(cluster_2=0.4)
    paired = Interval(0.1, 0.02, 0.18)
    with_gain = replace(now, slices={"cluster=2": replace(now.slices["cluster=2"], gain=paired)})
    change = change_in(old, with_gain)
    assert change is not None and change.is_paired and change.change == paired
    change = change_in(old, replace(with_gain, champion="another"))
    assert change is not None and not change.is_paired
    assert change.change.value == pytest.approx(0.1)
    assert change.change.high - change.change.value == pytest.approx(np.hypot(0.1, 0.1))
    facts = brought_by(old, with_gain, {old.id: {"renders": 6}}, [], [])
    assert facts["renders"] == 6 and facts["is_better"] and "+0.100 (+0.020 to +0.180, paired)" in facts["words"]
    for other in (replace(now, test_sha256="u"), replace(now, clusters_id="other"), figures(cluster_1=0.2)):
        assert change_in(old, other) is None
    assert "cannot be compared" in brought_by(old, None, {}, [], [])["words"]


def test_a_clusters_number_is_looked_up_where_the_clusters_have_changed(poses: TrainingPoses) -> None:
    people = crowd((0, 0, 4)).replace(extras={ORIGIN: np.array(["train"] * 4)})
    ids = np.unique(people.image_id)
    images = Images.build(id=ids, path=[f"{i}.png" for i in ids], width=300, height=300)
    lying = PoseRequest(asked=replace(ASKED, part="cluster=0"), people=people, images=images)
    assert present_part(lying, poses) == "cluster=2"
    same = replace(lying, asked=replace(ASKED, part="cluster=0", clusters_id=poses.clusters.id))
    assert present_part(same, poses) == "cluster=0"
    assert present_part(replace(lying, asked=replace(ASKED, part="")), poses) == "cluster=2"
    assert present_part(replace(lying, asked=replace(ASKED, part="size=small")), poses) == "size=small"
    assert present_part(lying, None) == ""


def test_another_file_is_no_verdict(tmp_path: Path) -> None:
    for text in ("{}", "[]", '{"slices": 3}', "3"):
        (tmp_path / "verdict.json").write_text(text)
        with pytest.raises(InputError, match="is not a verdict"):
            read_verdict_figures(tmp_path / "verdict.json")


@pytest.mark.parametrize("key", ["renders", "most", "min_gap"])
def test_params_out_of_range_are_named(key: str) -> None:
    with pytest.raises(ParamsError, match=key):
        RequestParams(**{key: -1})  # type: ignore[arg-type]
