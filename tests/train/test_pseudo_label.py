"""Filters and tracks on constructed cases, and the stage with a BlazePose whose answers are set."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from dataengine.blazepose import Landmarks, Roi, in_images
from dataengine.boxes import box_from_keypoints
from dataengine.coco_json import read_people, write_people
from dataengine.errors import InputError
from dataengine.nets.checkpoint import ModelMeta, save_checkpoint
from dataengine.people import Images, People
from dataengine.person_scale import area_of_joints
from dataengine.train import pseudo_label
from dataengine.train.pseudo.filters import BOTH, KEPT, NOBODY, UNSURE, FilterParams, JointVerdict, Opinion, Placement
from dataengine.train.pseudo.filters import judge_joints as judge
from dataengine.train.pseudo.outcome import as_candidates
from dataengine.train.pseudo.params import PseudoLabelParams
from dataengine.train.pseudo.persons import person_reasons
from dataengine.train.tracking.overlap_links import frame_times, link_tracks, neighbours, run_lengths, track_lengths
from dataengine.train.trust.rule import read_trust

from ..helpers.held_out import held_out_file
from ..helpers.label_files import labelled

PARAMS = PseudoLabelParams(
    target_precision=0.9,
    target_confidence=0.8,
    right_from=0.5,
    max_limb_excess=0,
    min_track_frames=1,
    max_disputed_share=0.5,
    vouching="either-unless-disputed",
    blazepose_confidence=0.6,
    fitted_confidence=0.6,
    flip_tolerance=0.1,
    agreement_tolerance=0.1,
    temporal_tolerance=0.1,
    min_joints=6,
    lone_teacher_trust=0.5,
    track_overlap=0.3,
    max_gap=3,
)
BOX = np.array([[0.0, 0.0, 100.0, 100.0]])  # size 100 px, so that shares of it are easy to read
ALONE = np.array([[-1, -1]])
BETWEEN = np.array([[-1, 1], [0, 2], [1, -1]])  # three frames of one person


def judge_joints(
    first: Opinion,
    second: Opinion,
    boxes: np.ndarray,
    neighbour_rows: np.ndarray,
    params: FilterParams,
    time: list[float] | None = None,
) -> JointVerdict:
    """The verdict on people in pictures of 200 x 100 px; frames are evenly spaced unless `time` says otherwise."""
    n = len(boxes)
    times = np.arange(n, dtype=np.float64) if time is None else np.array(time)
    return judge(first, second, Placement(boxes, np.tile([200, 100], (n, 1)), neighbour_rows, times), params)


def opinion(n: int = 1, confidence: float = 0.9, flip_px: float = 0.0) -> Opinion:
    points = np.tile(np.arange(17, dtype=np.float64)[None, :, None], (n, 1, 2)) * 5.0
    return Opinion(points, np.full((n, 17), confidence), np.full((n, 17), flip_px))


def moved(of: Opinion, joint: int, by_px: float, row: int = 0) -> Opinion:
    points = of.keypoints_px.copy()
    points[row, joint, 0] += by_px
    return replace(of, keypoints_px=points)


def changed(of: Opinion, field: str, joint: int, value: float) -> Opinion:
    array = getattr(of, field).copy()
    array[:, joint] = value
    return replace(of, **{field: array})


def test_teachers_of_one_mind_are_fully_trusted() -> None:
    verdict = judge_joints(opinion(), opinion(), BOX, ALONE, PARAMS)
    assert (verdict.reason == "kept").all()
    assert verdict.kept.all()
    np.testing.assert_allclose(verdict.trust, 1)


def test_a_joint_needs_one_confident_teacher() -> None:
    both = judge_joints(
        changed(opinion(), "confidence", 4, 0.59), changed(opinion(), "confidence", 4, 0.59), BOX, ALONE, PARAMS
    )
    assert both.reason[0, 4] == "unsure"
    one = judge_joints(changed(opinion(), "confidence", 4, 0.59), opinion(), BOX, ALONE, PARAMS)
    assert one.reason[0, 4] == "kept"
    assert one.trust[0] == pytest.approx([0.5 if joint == 4 else 1.0 for joint in range(17)])
    assert one.vouched_by[0, 4] == "second" and both.vouched_by[0, 4] == "nobody"


def test_agree_takes_both_teachers_word_and_either_one_alone() -> None:
    """The rule has the name of what it does: three joints on which both agree, one disputes, one is alone."""
    first = changed(changed(opinion(), "confidence", 4, 0.59), "confidence", 6, 0.0)
    second = changed(moved(opinion(), 8, 10.1), "confidence", 6, 0.0)
    expected = {"either-unless-disputed": "kept", "agree": "lone"}
    for rule, alone in expected.items():
        verdict = judge_joints(first, second, BOX, ALONE, replace(PARAMS, vouching=rule))  # type: ignore[arg-type]
        assert verdict.reason[0, [0, 4, 6, 8]].tolist() == ["kept", alone, "unsure", "disputed"]
        assert verdict.vouched_by[0, [0, 4, 6, 8]].tolist() == ["both", "second", "nobody", "disputed"]
        assert verdict.trust[0, [0, 4, 6, 8]].tolist() == [1.0, 0.5 if alone == "kept" else 0.0, 0.0, 0.0]


def test_joints_outside_the_picture_are_no_labels() -> None:
    """However sure both teachers are of them."""
    left, below, inside = (moved(opinion(), 0, by_px) for by_px in (-0.6, 0.0, 199.4))
    below.keypoints_px[0, 0, 1] = 99.5
    for placed, reason in ((left, "outside"), (below, "outside"), (inside, "kept")):
        verdict = judge_joints(placed, placed, BOX, ALONE, PARAMS)
        assert verdict.reason[0, :2].tolist() == [reason, "kept"]
        assert verdict.trust[0, 0] == (1.0 if reason == "kept" else 0.0)
    shown = np.array([[16, 2], [16, 2]])  # of four joints 5 px apart
    few = judge(
        opinion(2), opinion(2), Placement(np.tile(BOX, (2, 1)), shown, np.full((2, 2), -1), np.zeros(2)), PARAMS
    )
    assert (few.reason == "kept").sum(axis=1).tolist() == [1, 1] and not few.kept.any(), (
        "they do not count to min_joints"
    )


def test_a_joint_that_changes_under_mirroring_is_dropped() -> None:
    shaky = changed(opinion(), "flip_distance_px", 3, 10.1)
    assert judge_joints(shaky, shaky, BOX, ALONE, PARAMS).reason[0, 3] == "unsteady"
    steady = changed(opinion(), "flip_distance_px", 3, 9.9)
    assert judge_joints(steady, steady, BOX, ALONE, PARAMS).reason[0, 3] == "kept"


def test_teachers_that_both_vouch_must_agree() -> None:
    apart = judge_joints(opinion(), moved(opinion(), 8, 10.1), BOX, ALONE, PARAMS)
    assert apart.reason[0, 8] == "disputed"
    near = judge_joints(opinion(), moved(opinion(), 8, 5.0), BOX, ALONE, PARAMS)
    assert near.reason[0, 8] == "kept"
    assert near.keypoints_px[0, 8, 0] == 8 * 5 + 2.5
    assert near.trust[0, 7:10].tolist() == pytest.approx([1.0, 0.75, 1.0])


def test_the_teacher_that_vouches_gives_the_place() -> None:
    unsure = changed(moved(opinion(), 8, 30.0), "confidence", 8, 0.1)
    assert judge_joints(unsure, opinion(), BOX, ALONE, PARAMS).keypoints_px[0, 8, 0] == 40
    assert judge_joints(opinion(), unsure, BOX, ALONE, PARAMS).keypoints_px[0, 8, 0] == 40


def test_a_joint_that_jumps_between_its_neighbours_is_dropped() -> None:
    boxes = np.repeat(BOX, 3, axis=0)
    jumping = moved(opinion(3), 10, 10.1, row=1)
    verdict = judge_joints(jumping, jumping, boxes, BETWEEN, PARAMS)
    assert verdict.reason[:, 10].tolist() == ["kept", "jumped", "kept"]
    steady = opinion(3)
    steady.keypoints_px[:, 10, 0] += [0, 40, 80]  # fast, but straight on
    assert judge_joints(steady, steady, boxes, BETWEEN, PARAMS).reason[:, 10].tolist() == ["kept"] * 3


@pytest.mark.parametrize("middle", [0.5, 2.0, 3.9])
def test_a_steady_walker_never_jumps_however_the_frames_are_spaced(middle: float) -> None:
    """12 px a unit of time: with neighbours 2 before and 2 after, the plain mean of them would be right only at 2."""
    walker, boxes, time = opinion(3), np.repeat(BOX, 3, axis=0), [0.0, middle, 4.0]
    walker.keypoints_px[:, :, 0] += 12 * np.array(time)[:, None]
    strict = replace(PARAMS, temporal_tolerance=1e-9)
    assert (judge_joints(walker, walker, boxes, BETWEEN, strict, time).reason == "kept").all()
    off = moved(walker, 10, 10.1, row=1)
    assert judge_joints(off, off, boxes, BETWEEN, PARAMS, time).reason[:, 10].tolist() == ["kept", "jumped", "kept"]


def test_frames_shown_at_one_moment_are_compared_with_their_mean() -> None:
    """Broken time stamps divide by nothing."""
    boxes, still = np.repeat(BOX, 3, axis=0), opinion(3)
    assert (judge_joints(still, still, boxes, BETWEEN, PARAMS, [7.0, 7.0, 7.0]).reason == "kept").all()


def test_times_are_stamps_where_the_whole_video_has_them_else_frame_numbers() -> None:
    video, frame = np.array(["a", "a", "b", "b", ""]), np.array([3, 7, 0, 2, -1])
    time_s = np.array([0.1, 0.5, np.nan, 0.2, np.nan])
    assert frame_times(video, frame, time_s).tolist() == [0.1, 0.5, 0, 2, -1]


def test_neighbours_that_nobody_vouches_for_accuse_nobody() -> None:
    jumping = moved(opinion(3), 10, 50, row=1)
    jumping.confidence[0, 10] = 0.0
    assert judge_joints(jumping, jumping, np.repeat(BOX, 3, axis=0), BETWEEN, PARAMS).reason[1, 10] == "kept"


def test_people_with_too_few_joints_are_dropped() -> None:
    few = opinion()
    few.confidence[:, 5:] = 0
    assert judge_joints(few, few, BOX, ALONE, PARAMS).kept.tolist() == [False]
    assert judge_joints(few, few, BOX, ALONE, replace(PARAMS, min_joints=5)).kept.tolist() == [True]


def test_two_people_who_walk_towards_each_other_keep_their_tracks() -> None:
    x = np.array([[0, 60], [8, 52], [16, 44]])
    boxes = np.array([[left, 0, 20, 40] for row in x for left in row], dtype=float)
    boxes[[2, 3]] = boxes[[3, 2]]  # listed the other way round in the second frame
    video, frame = np.array(["walk"] * 6), np.repeat([0, 2, 4], 2)
    tracks = link_tracks(video, frame, boxes, min_overlap=0.3, max_gap=2)
    assert tracks.tolist() == [0, 1, 1, 0, 0, 1]
    assert neighbours(tracks, frame).tolist() == [[-1, 3], [-1, 2], [1, 5], [0, 4], [3, -1], [2, -1]]


def test_tracks_break_at_gaps_cuts_and_the_end_of_a_video() -> None:
    boxes = np.tile([0.0, 0.0, 20.0, 40.0], (6, 1))
    boxes[2, 0] = 500
    video = np.array(["a", "a", "a", "a", "b", ""])
    frame = np.array([0, 1, 2, 9, 10, -1])
    assert link_tracks(video, frame, boxes, min_overlap=0.3, max_gap=3).tolist() == [0, 1 - 1, 1, 2, 3, -1]


def test_nobody_has_no_track() -> None:
    none = np.empty(0, dtype=np.int64)
    assert link_tracks(np.empty(0, str), none, np.empty((0, 4)), min_overlap=0.3, max_gap=3).shape == (0,)
    assert neighbours(none, none).shape == (0, 2)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pool of four frames, a network of random weights, and a BlazePose that sees one sure and one unsure person."""
    monkeypatch.chdir(tmp_path)
    ids = np.arange(1, 5)
    Path("images").mkdir()
    for i in ids:
        picture = np.random.default_rng(int(i)).integers(0, 255, (120, 200, 3), dtype=np.uint8)
        cv2.imwrite(f"images/{i}.png", picture)
    paths = [f"images/{i}.png" for i in ids]
    images = Images.build(id=ids, path=paths, width=200, height=120, video="clip", frame=ids * 3)
    write_people(Path("pool.json"), People.empty(), images)
    meta = ModelMeta("residual-simcc", {"channels": [8, 8], "blocks": [1, 1]}, input_width_px=32, input_height_px=32)
    torch.manual_seed(0)
    save_checkpoint(Path("teacher"), meta.build(), meta)

    class Told:
        def __init__(self, model_folder: Path) -> None:
            assert model_folder == Path("fetch/mediapipe")

        def detect(self, image: np.ndarray) -> list[object]:
            left, right = Roi(50, 60, 80, 0.0), Roi(150, 60, 80, 0.0)
            return [type("Seen", (), {"roi": roi}) for roi in (left, right)]

        def landmarks(self, image: np.ndarray, roi: Roi) -> Landmarks:
            column, line = np.arange(17) % 4, np.arange(17) // 4
            offset = np.stack([column * 14.0 - 21, line * 20.0 - 40], axis=1)
            confidence = 0.9 if roi.center_x_px < 100 else 0.2
            points = (offset + np.array([roi.center_x_px, roi.center_y_px])).astype(np.float32)
            return Landmarks(points, np.full(17, confidence, np.float32), 0.9, roi)

    monkeypatch.setattr(in_images, "BlazePose", Told)
    monkeypatch.setattr(in_images, "mirrored_answer", lambda pose, image, roi: pose.landmarks(image, roi).keypoints_px)
    return tmp_path


def test_the_stage_writes_who_was_kept_who_was_not_and_why(project: Path) -> None:
    metrics = pseudo_label.run(
        replace(PARAMS, fitted_confidence=1.0),
        pool=Path("pool.json"),
        fetched=Path("fetch"),
        teacher=Path("teacher"),
        out=Path("out"),
        report=Path("report"),
    )
    people, images = read_people(Path("out/people.json"), root=project)
    candidates, _ = read_people(Path("out/candidates.json"), root=project)
    assert len(candidates) == 8
    assert len(people) == 4
    assert (people.bbox_xywh_px[:, 0] < 100).all()
    assert (people.source == "pseudo").all()
    assert (people.weight == 1).all()
    assert np.array(people.extras["joint_weight"].tolist()) == pytest.approx((people.visibility > 0) * 0.5)
    assert len(set(people.track_id.tolist())) == 1
    assert candidates.weight[~candidates.extras["kept"]].tolist() == [0.0] * 4
    assert candidates.extras["reasons"][1] == ["unsure"] * 17
    assert np.shape(candidates.extras["blazepose"][0]) == np.shape(candidates.extras["fitted"][0]) == (17, 3)
    assert json.loads(Path("report/metrics.json").read_text()) == metrics
    assert (metrics["people_found"], metrics["people_kept"]) == (8, 4)
    for name in ("joint_share", "vouched_share", "learned_vouched_share"):
        assert sum(metrics[name].values()) == pytest.approx(1, abs=1e-3)
    assert metrics["vouched_share"] == pytest.approx(
        {"both": 0, "blazepose_alone": 0.5, "fitted_alone": 0, "disputed": 0, "nobody": 0.5}
    )
    assert metrics["learned_vouched_share"]["blazepose_alone"] == 1 and metrics["mean_trust"] == 0.5
    assert cv2.imread("report/sheet.jpg") is not None
    page = Path("report/health.html").read_text(encoding="utf-8")
    assert page.count("<figure>") == 48 + 48 and "Nobody measured it: no --val is given" in page
    assert (
        page.count(", trust 0.50</figcaption>") == 48
        and page.count(", unsure</figcaption>") == 48
        and "http" not in page
    )
    assert len(images) == 4
    assert people.extras["area"] == pytest.approx(area_of_joints(people.keypoints_px, people.visibility), rel=1e-5)


def test_a_kept_persons_box_is_drawn_around_what_was_kept() -> None:
    """The unsure ankles of somebody who stands behind a table do not stretch the box."""
    at = np.stack([20 + 5.0 * (np.arange(17) % 4), 20 + 5.0 * (np.arange(17) // 4)], axis=1)
    at[15:] = [[20, 110], [35, 110]]
    points, flags = np.repeat(at[None], 2, axis=0), np.full((2, 17), 2)
    images = Images.build(id=[1], path=["a.png"], width=100, height=120)
    found = People.build(
        image_id=[1, 1], bbox_xywh_px=[[15, 10, 30, 110]] * 2, keypoints_px=points, visibility=flags, source="pseudo"
    )
    reason = np.full((2, 17), KEPT, dtype="<U8")
    reason[0, 15:], reason[1] = UNSURE, UNSURE
    trust = (reason == KEPT).astype(np.float64)
    verdict = JointVerdict(points, reason, np.where(reason == KEPT, BOTH, NOBODY), np.array([True, False]), trust)
    teacher = opinion(2)
    dropped_for = np.array(["", "few_joints"])
    people = as_candidates(found, images, verdict, {"blazepose": teacher, "fitted": teacher}, dropped_for)
    kept = box_from_keypoints(points[:1, :15], flags[:1, :15])
    np.testing.assert_allclose(people.bbox_xywh_px, [kept[0], found.bbox_xywh_px[1]], rtol=1e-6)
    assert people.extras["area_from"].tolist() == ["joints", "box"]
    assert people.weight.tolist() == [1.0, 0.0] and people.extras["joint_weight"].tolist() == trust.tolist()


@pytest.mark.parametrize("scenes", [80, 20])
def test_validation_people_decide_where_they_suffice(
    project: Path, capfd: pytest.CaptureFixture[str], scenes: int
) -> None:
    """BlazePose knows where the people are; on the right of each picture its joints are off, and it says so.

    Of 80 scenes both people are labelled, where the left one is; so the sure joints are right, and the unsure wrong.
    """
    ids = np.arange(scenes)
    table = Images.build(
        id=ids, path=[f"images/{1 + i % 4}.png" for i in ids], width=200, height=120, group=[f"scene{i}" for i in ids]
    )
    column, line = np.arange(17) % 4, np.arange(17) // 4
    at = np.stack([column * 14.0 - 21, line * 20.0 - 40], axis=1) + 60
    left, right = at - np.array([10, 0]), at + np.array([90, 0])
    off = right + np.array([0, 25])
    points = np.stack([left, off] * scenes)
    people = People.build(
        image_id=np.repeat(ids, 2),
        bbox_xywh_px=box_from_keypoints(np.stack([left, right] * scenes), np.full((2 * scenes, 17), 2)),
        keypoints_px=points,
        visibility=np.full((2 * scenes, 17), 2),
    )
    write_people(Path("val.json"), people, table)
    paths: dict[str, Any] = {name: Path(name) for name in ("teacher", "out", "report")} | {"fetched": Path("fetch")}
    params = replace(PARAMS, fitted_confidence=1.0)
    metrics = pseudo_label.run(params, pool=Path("pool.json"), val=Path("val.json"), **paths)
    said = capfd.readouterr().err
    people, _ = read_people(Path("out/people.json"), root=project)
    assert len(people) == 4 and (people.bbox_xywh_px[:, 0] < 100).all()
    weights = np.array(people.extras["joint_weight"].tolist())[people.visibility > 0]
    if scenes == 80:
        assert metrics["trust"]["by"] == "validation people" and metrics["trust"]["groups"] == 80
        assert "learned on 160 labelled people in 80 groups" in said
        page = Path("report/health.html").read_text(encoding="utf-8")
        assert "learned on 160 labelled people in 80 groups" in page and "data:image/png;base64," in page
        assert '<td>all</td><td class="n">2720</td>' in page.replace("\n", "")
        assert (weights > 0.9).all() and len(read_trust(Path("out/trust.json")).teachers) == 2
    else:
        assert metrics["trust"]["by"] == "thresholds" and "20 groups" in metrics["trust"]["why"]
        assert "the thresholds of params.yaml" in said and not Path("out/trust.json").exists()
        assert weights == pytest.approx(0.5)


def test_people_are_dropped_whole_for_a_reason_each() -> None:
    """Too few joints, a forearm three times as long, followed over one frame of three, and two teachers' persons."""
    points = np.tile(at_ease(), (5, 1, 1))
    points[1, 9] = points[1, 7] + 6 * (points[1, 9] - points[1, 7])
    people = People.build(
        image_id=[1] * 5, bbox_xywh_px=[[0, 0, 100, 200]] * 5, keypoints_px=points, visibility=np.full((5, 17), 2)
    )
    reason, vouched = np.full((5, 17), KEPT, dtype="<U8"), np.full((5, 17), BOTH, dtype="<U8")
    vouched[3, :9] = "disputed"
    kept = np.array([False, True, True, True, True])
    verdict = JointVerdict(points, reason, vouched, kept, np.ones((5, 17)))
    params = replace(PARAMS, max_limb_excess=1.7, min_track_frames=3)
    got = person_reasons(people, verdict, params, followed=np.array([9, 9, 1, 9, 1]), shown=np.array([9, 9, 9, 9, 1]))
    assert got.tolist() == ["few_joints", "limbs", "track_break", "disagreement", ""]
    nobody = person_reasons(
        people.take([]), verdict.take(np.empty(0, int)), params, followed=np.empty(0, int), shown=np.empty(0, int)
    )
    assert len(nobody) == 0


def at_ease() -> np.ndarray:
    """Somebody who stands, 17 joints in pixels."""
    x = [50, 52, 48, 54, 46, 62, 38, 66, 34, 68, 32, 57, 43, 57, 43, 57, 43]
    y = [12, 10, 10, 11, 11, 30, 30, 60, 60, 88, 88, 92, 92, 135, 135, 178, 178]
    return np.stack([x, y], axis=1).astype(np.float64)


def test_how_long_somebody_is_and_could_be_followed() -> None:
    video = np.array(["a", "a", "a", "b", "", "a"])
    assert run_lengths(video, np.array([4, 0, 2, 3, -1, 9]), 2).tolist() == [3, 3, 3, 1, 1, 1]
    assert track_lengths(np.array([3, -1, 3, -1, 0])).tolist() == [2, 1, 2, 1, 1]
    assert run_lengths(np.empty(0, str), np.empty(0, int), 2).shape == (0,)


def test_a_frame_of_the_test_set_is_not_labelled(project: Path) -> None:
    _, images = read_people(Path("pool.json"))
    paths: dict[str, Any] = {name: Path(name) for name in ("teacher", "out", "report")} | {"fetched": Path("fetch")}
    held_out = held_out_file(Path(), images.take([2]).replace(video="", frame=-1))
    with pytest.raises(InputError, match=r"^pool\.json has pictures.*1 of test.*images/3\.png, the same file"):
        pseudo_label.run(PARAMS, pool=Path("pool.json"), **paths, held_out=held_out)
    assert not Path("out").exists()
    write_people(Path("pool.json"), People.empty(), images.take([0, 1, 3]))
    pseudo_label.run(PARAMS, pool=Path("pool.json"), **paths, held_out=held_out)


def test_frames_that_people_labelled_are_left_to_them(project: Path) -> None:
    """One with a person, one without, and one at another size; they still count as neighbours in time."""
    _, images = read_people(Path("pool.json"))
    everybody: dict[str, Any] = {"pool": Path("pool.json"), "fetched": Path("fetch"), "teacher": Path("teacher")}
    params = replace(PARAMS, fitted_confidence=1.0)
    before = pseudo_label.run(params, **everybody, out=Path("before"), report=Path("report"), labels=Path("nowhere"))
    assert before["frames_labelled_by_people"] == 0
    first = People.build(
        image_id=[1],
        bbox_xywh_px=[[5, 5, 90, 90]],
        keypoints_px=np.full((1, 17, 2), 50.0),
        visibility=np.full((1, 17), 2),
    )
    large = cv2.resize(cv2.imread("images/4.png"), (400, 240), interpolation=cv2.INTER_CUBIC)
    assert cv2.imwrite("large.png", large)
    table = images.take([3]).replace(path=["large.png"], width=400, height=240)
    labelled(first, Images.concat([images.take([0, 1]), table]))
    metrics = pseudo_label.run(params, **everybody, out=Path("out"), report=Path("report"), labels=Path("data/labels"))
    assert (metrics["frames_labelled_by_people"], metrics["frames"], metrics["people_found"]) == (3, 4, 2)
    for name in ("people", "candidates"):
        people, _ = read_people(Path(f"out/{name}.json"), root=project)
        same, _ = read_people(Path(f"before/{name}.json"), root=project)
        assert set(people.image_id.tolist()) == {3}
        expected = same.take(same.image_id == 3)
        assert people.keypoints_px.tolist() == expected.keypoints_px.tolist()
        assert people.track_id.tolist() == expected.track_id.tolist()


@pytest.mark.parametrize("frames", [0, 4])
def test_a_pool_with_nobody_in_it_gives_empty_files(
    project: Path, monkeypatch: pytest.MonkeyPatch, frames: int
) -> None:
    images = read_people(Path("pool.json"))[1].take(np.arange(frames))
    write_people(Path("pool.json"), People.empty(), images)
    monkeypatch.setattr(in_images.BlazePose, "detect", lambda self, image: [])
    metrics = pseudo_label.run(
        PARAMS,
        pool=Path("pool.json"),
        fetched=Path("fetch"),
        teacher=Path("teacher"),
        out=Path("out"),
        report=Path("report"),
    )
    assert (metrics["frames"], metrics["people_found"], metrics["people_kept"]) == (frames, 0, 0)
    assert json.loads(Path("report/metrics.json").read_text()) == metrics
    for name in ("people", "candidates"):
        people, left = read_people(Path(f"out/{name}.json"), root=project)
        assert len(people) == 0 and len(left) == frames
    assert cv2.imread("report/sheet.jpg") is not None


def test_a_mirrored_region_is_the_same_place(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    asked: list[Roi] = []

    class Center:
        def landmarks(self, image: np.ndarray, roi: Roi) -> Landmarks:
            asked.append(roi)
            points = np.tile([roi.center_x_px, roi.center_y_px], (17, 1))
            points[5, 0] += 3  # the left shoulder lies to the right
            return Landmarks(points.astype(np.float32), np.ones(17, np.float32), 1.0, roi)

    image = np.zeros((120, 200, 3), dtype=np.uint8)
    points = in_images.mirrored_answer(Center(), image, Roi(50, 60, 80, 0.3))  # type: ignore[arg-type]
    assert asked == [Roi(149, 60, 80, -0.3)]
    assert points[6].tolist() == [47, 60]  # 3 px to the right in the mirror is 3 px to the left, of the other shoulder
    assert points[5].tolist() == [50, 60]
