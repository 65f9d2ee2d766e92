import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dataengine.coco_json import write_people
from dataengine.evaluation.analysis.breakdown import STEPS, break_down, with_errors
from dataengine.evaluation.analysis.breakdown_figure import breakdown_figure
from dataengine.evaluation.analysis.joint_errors import GOOD, INVERSION, JITTER, JOINT_ERRORS, MISS, NOT_JUDGED, SWAP
from dataengine.evaluation.analysis.joint_errors import joint_errors as judge
from dataengine.evaluation.ap.matching import average_precision, paired
from dataengine.evaluation.ap.oks import coco_ap, joint_similarity
from dataengine.keypoints import COCO_SIGMAS, FLIP_INDEX
from dataengine.people import Images, People

from .. import samples

WRIST = 9  # left; the right one is 10


def two_people(apart_px: float = 400) -> tuple[People, Images]:
    """Two people side by side in one image; joints of a person are at least 20 px from each other."""
    column, row = np.arange(17) % 5, np.arange(17) // 5
    points = np.stack([column * 25.0, row * 25.0], axis=1)
    both = np.stack([points, points + np.array([apart_px, 0])])
    gt = People.build(
        image_id=[3, 3],
        bbox_xywh_px=np.array([[0, 0, 100, 75], [apart_px, 0, 100, 75]]),
        keypoints_px=both,
        visibility=np.full((2, 17), 2),
        extras={"area": [2500.0, 2500.0]},
    )
    return gt, samples.images(1)


def found_as(gt: People, points: np.ndarray, score: list[float] | None = None) -> People:
    scores = np.array(score or np.linspace(0.9, 0.8, len(points)), dtype=np.float32)
    rows = gt.take(np.zeros(len(points), dtype=int))
    return rows.replace(keypoints_px=points.astype(np.float32), score=scores, extras={})


def aside_px(similarity: float, joint: int, area: float = 2500.0) -> float:
    """The distance at which a joint has this similarity: exp(-d^2 / (2 area (2 sigma)^2))."""
    return float(np.sqrt(-2 * np.log(similarity) * area) * 2 * COCO_SIGMAS[joint])


def kinds_of(gt: People, images: Images, points: np.ndarray) -> np.ndarray:
    pairs = paired(gt, images, found_as(gt, points))
    return judge(pairs, np.arange(len(points))).kind


@pytest.mark.parametrize(
    ("similarity", "error"), [(0.99, GOOD), (0.86, GOOD), (0.84, JITTER), (0.51, JITTER), (0.49, MISS), (0.01, MISS)]
)
def test_distance_makes_good_jitter_or_miss(similarity: float, error: int) -> None:
    gt, images = two_people()
    points = gt.keypoints_px.astype(float)
    points[0, WRIST, 1] += aside_px(similarity, WRIST)
    kind = kinds_of(gt, images, points)
    assert kind[0, WRIST] == error
    assert np.delete(kind.ravel(), WRIST).tolist() == [GOOD] * 33


def test_a_joint_on_its_partner_is_inverted_and_on_another_person_swapped() -> None:
    gt, images = two_people()
    points = gt.keypoints_px.astype(float)
    points[0, [9, 10]] = points[0, [10, 9]]
    points[1, 15] = points[0, 15]  # an ankle on the other person's
    points[1, 13] = points[0, 14]  # a left knee on the other person's right one
    kind = kinds_of(gt, images, points)
    assert kind[0, [9, 10]].tolist() == [INVERSION, INVERSION]
    assert kind[1, [15, 13]].tolist() == [SWAP, SWAP]
    assert np.count_nonzero(kind != GOOD) == 4


def test_unlabelled_joints_are_not_judged_and_hide_their_partner() -> None:
    gt, images = two_people()
    visibility = gt.visibility.copy()
    visibility[0, 10] = 0
    points = gt.keypoints_px.astype(float)
    points[0, 9] = points[0, 10]
    kind = kinds_of(gt.replace(visibility=visibility), images, points)
    assert kind[0, 10] == NOT_JUDGED
    assert kind[0, 9] == MISS


def test_kinds_are_those_of_the_whole_matrix_of_similarities() -> None:
    """The layout of the authors' program: own, others, own mirrored, others mirrored; the first of the best counts."""
    rng = np.random.default_rng(0)
    images = samples.images(6)
    gt = samples.truth(images, 3, rng).replace(extras={})
    rows = np.arange(len(gt))
    size = gt.bbox_xywh_px[:, None, 2:]
    wrong = rng.uniform(size=(len(gt), 17, 1))
    points = np.where(wrong < 0.2, gt.keypoints_px[:, FLIP_INDEX], gt.keypoints_px)
    points = np.where(wrong > 0.8, np.roll(gt.keypoints_px, 1, axis=0), points)
    points = points + rng.normal(size=points.shape) * 0.03 * size
    pairs = paired(gt, images, found_as(gt, points).replace(image_id=gt.image_id))
    person = np.arange(len(gt))[pairs.detection_row]  # detections and people stand in the same images
    got = judge(pairs, person)
    for at, row in enumerate(pairs.detection_row):
        others = [r for r in rows[gt.image_id == gt.image_id[row]] if r != row]
        order = [row, *others]
        stand_in = gt.take([row] * len(order))
        table = []
        for flip in (np.arange(17), FLIP_INDEX):
            target = gt.take(order)
            moved = target.replace(keypoints_px=target.keypoints_px[:, flip], visibility=target.visibility[:, flip])
            alike = joint_similarity(moved, np.broadcast_to(points[row].astype(np.float32), (len(order), 17, 2)))
            table.append(np.where(moved.visibility > 0, alike, -1))
        matrix = np.concatenate(table)
        best, which = matrix.max(axis=0), matrix.argmax(axis=0)
        kind = np.where(
            which == 0, np.where(best >= 0.85, GOOD, JITTER), np.where(which == len(order), INVERSION, SWAP)
        )
        kind = np.where(best < 0.5, MISS, kind)
        kind = np.where(stand_in.visibility[0] > 0, kind, NOT_JUDGED)
        assert got.kind[at].tolist() == kind.tolist()


def test_a_fixed_joint_has_the_similarity_that_its_error_leaves() -> None:
    gt, images = two_people()
    points = gt.keypoints_px.astype(float)
    points[0, 9, 1] += aside_px(0.6, 9)
    points[0, 11, 1] += aside_px(0.1, 11)
    points[0, 15] = points[0, 16] + (0, aside_px(0.9, 16))
    pairs = paired(gt, images, found_as(gt, points))
    fixed = judge(pairs, np.arange(2)).corrected_px
    alike = joint_similarity(gt, fixed)
    assert alike[0, [9, 11, 15]] == pytest.approx([0.85, 0.5, 0.9], abs=1e-5)
    assert fixed[0, 0] == pytest.approx(points[0, 0])


def test_labels_say_what_is_wrong_with_each_detection() -> None:
    gt, images = two_people()
    points = gt.keypoints_px.astype(float)
    flipped = points[0].copy()
    flipped[[9, 10]] = flipped[[10, 9]]
    poorer = points[1] + (0, 3)
    nowhere = points[1] + 3000
    found = found_as(gt, np.stack([flipped, poorer, points[1], nowhere]), [0.9, 0.8, 0.7, 0.6])
    got = break_down(paired(gt, images, found))
    assert got.labels.tolist()[0] == "inversion"
    assert got.labels.tolist()[2:] == ["duplicate", "background"]
    assert got.misscored.tolist() == [False, True, False, False]
    assert got.not_found.tolist() == [False, False]
    assert got.joints["left_wrist"]["inversion"] == 1
    assert sum(got.joints["nose"].values()) == 2


def test_people_not_found_and_ignored_ones_are_distinguished() -> None:
    gt, images = two_people()
    crowd = gt.with_extra("iscrowd", [0, 1])
    got = break_down(paired(crowd, images, found_as(gt, gt.keypoints_px[1:].astype(float))))
    assert got.labels.tolist() == ["ignored"]
    assert got.not_found.tolist() == [True, False]


def test_detections_beyond_the_most_that_count_are_dropped() -> None:
    gt, images = two_people()
    points = np.repeat(gt.keypoints_px[:1].astype(float), 22, axis=0)
    labels = break_down(paired(gt, images, found_as(gt, points))).labels
    assert labels.tolist() == ["good"] + ["duplicate"] * 19 + ["dropped"] * 2


def test_mending_never_takes_ap_away_and_costs_add_up() -> None:
    rng = np.random.default_rng(5)
    images = samples.images(40)
    gt = samples.truth(images, 3, rng)
    found = samples.detections_of(gt, 0.06, rng, dropped=0.3)
    got = break_down(paired(gt, images, found))
    assert tuple(got.ap_after) == STEPS
    assert got.ap == pytest.approx(coco_ap(gt, images, found)["AP"])
    assert min(got.cost.values()) >= -1e-9
    assert got.ap + sum(got.cost.values()) == pytest.approx(got.ap_after["not found"])
    assert got.cost["jitter"] > 0.05 and got.cost["not found"] > 0.05


def test_only_scores_wrong_costs_only_score() -> None:
    gt, images = two_people()
    points = gt.keypoints_px.astype(float)
    found = found_as(gt, np.stack([points[0] + 3000, points[0], points[1]]), [0.9, 0.5, 0.4])
    got = break_down(paired(gt, images, found))
    assert got.ap == pytest.approx(2 / 3, abs=1e-6)
    assert {name: round(cost, 6) for name, cost in got.cost.items() if cost > 1e-6} == {"score": 0.333333}


def test_a_person_not_found_costs_the_recall_that_is_missing() -> None:
    gt, images = two_people()
    found = found_as(gt, gt.keypoints_px[:1].astype(float))
    got = break_down(paired(gt, images, found))
    assert got.cost["not found"] == pytest.approx(1 - average_precision(paired(gt, images, found).match()), abs=1e-6)


def test_errors_are_written_as_keys_of_the_annotations(tmp_path: Path) -> None:
    gt, images = two_people()
    found = found_as(gt, np.stack([gt.keypoints_px[0], gt.keypoints_px[1] + 3000]))
    write_people(tmp_path / "found.json", with_errors(found, break_down(paired(gt, images, found))), images)
    written = json.loads((tmp_path / "found.json").read_text())["annotations"]
    assert [(record["error"], record["misscored"]) for record in written] == [("good", False), ("background", False)]


def test_the_figure_shows_every_joint_and_class() -> None:
    rng = np.random.default_rng(5)
    images = samples.images(10)
    gt = samples.truth(images, 2, rng)
    got = break_down(paired(gt, images, samples.detections_of(gt, 0.06, rng)))
    figure = breakdown_figure(got, "student")
    joints, cost = figure.axes
    assert len(joints.patches) == 17 * len(JOINT_ERRORS)
    ends = np.add.reduce([[bar.get_width() for bar in container] for container in joints.containers])
    assert ends == pytest.approx(np.ones(17))
    assert len(cost.patches) == 1 + len(STEPS)


def test_evaluation_loads_no_plotting() -> None:
    code = "import dataengine.evaluation.analysis.breakdown_figure, sys; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
