from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataengine.errors import InputError
from dataengine.evaluation.ap import similarity
from dataengine.evaluation.ap.matching import Pairs, average_precision, pair_up, paired
from dataengine.evaluation.ap.oks import coco_ap, figures, joint_ap, person_oks
from dataengine.evaluation.ap.poses import (
    Detections,
    Truths,
    detections_of,
    detections_of_records,
    truths_of,
    truths_of_records,
)
from dataengine.evaluation.ap.protocol import COCO, CROWDPOSE, OksProtocol
from dataengine.files import read_json
from dataengine.people import Images, People

from .. import reference, samples
from ..reference import evaluator, result_records, truth_records

FEW = OksProtocol(sigmas=np.array([0.05, 0.1, 0.02]), max_detections=3)


def assert_same(truths: Truths, found: Detections, image_id: np.ndarray, protocol: OksProtocol) -> dict[str, float]:
    """Figures, similarities and matches are pycocotools'. Returns the figures."""
    computed = evaluator(truth_records(truths, image_id), result_records(found, image_id), image_id, protocol)
    pairs = pair_up(truths, found, image_id, protocol)
    got, expected = figures(pairs), reference.figures(computed)
    assert got.keys() == expected.keys()
    for name, value in expected.items():
        assert got[name] == pytest.approx(value, abs=1e-9), name
    assert_same_similarity(pairs, computed)
    return got


def assert_same_similarity(pairs: Pairs, computed: "reference.COCOeval") -> None:
    """To the last bit: else a tie could fall otherwise."""
    for row, image_id in enumerate(pairs.image_id):
        expected = np.asarray(computed.ious[int(image_id), 1])
        got = pairs.oks[pairs.pair_start[row] : pairs.pair_start[row + 1]]
        assert np.array_equal(got, expected.ravel())


@st.composite
def sets(draw: st.DrawFn, protocol: OksProtocol) -> tuple[Truths, Detections, np.ndarray]:
    """Small sets full of what goes wrong: ties, copies, crowds, nothing labelled, empty images, too many detections."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    images, people, found = draw(st.integers(1, 4)), draw(st.integers(1, 8)), draw(st.integers(0, 25))
    grid = draw(st.sampled_from([2, 20, 1000]))  # a coarse grid makes equal distances and equal poses
    size = draw(st.sampled_from([40, 100, 300]))  # small, medium and large people
    joints = protocol.joints
    points = rng.integers(0, grid, (people, joints, 2)) * (size / grid)
    labelled = rng.uniform(size=(people, joints)) < draw(st.sampled_from([0.3, 0.9]))
    labelled[rng.uniform(size=people) < 0.2] = False
    crowd = rng.uniform(size=people) < 0.2
    truth_image = rng.integers(0, images, people)
    box = np.column_stack([points.min(axis=1), np.ptp(points, axis=1)])
    area = rng.choice([0.0, 32.0**2, 50.0**2, 96.0**2, 200.0**2], people) if draw(st.booleans()) else box[:, 2:].prod(1)
    near = rng.integers(0, people, found)
    shift = rng.integers(-1, 2, (found, joints, 2)) * (size / grid) * rng.choice([0, 0.1, 1], (found, 1, 1))
    truths = Truths(
        image=truth_image,
        keypoints_px=points.astype(np.float64),
        labelled=labelled,
        box_xywh_px=box,
        area=area,
        crowd=crowd,
        ignored=crowd | ~labelled.any(axis=1),
    )
    moved = points[near] + shift
    away = rng.uniform(size=found) < 0.2
    detections = Detections(
        image=np.where(away, rng.integers(0, images, found), truth_image[near]),
        keypoints_px=moved,
        score=rng.choice([0.0, 0.25, 0.5, 1.0], found),
        area=np.ptp(moved, axis=1).prod(axis=1) if found else np.empty(0),
    )
    return truths, detections, np.arange(images) * 7 + 2


@settings(max_examples=150, deadline=None)
@given(sets(COCO))
def test_coco_is_pycocotools(case: tuple[Truths, Detections, np.ndarray]) -> None:
    assert_same(*case, COCO)


@settings(max_examples=60, deadline=None)
@given(sets(CROWDPOSE))
def test_fourteen_joints_with_their_own_sigmas_are_pycocotools(case: tuple[Truths, Detections, np.ndarray]) -> None:
    assert_same(*case, CROWDPOSE)


@settings(max_examples=100, deadline=None)
@given(sets(FEW))
def test_more_detections_than_count_are_pycocotools(case: tuple[Truths, Detections, np.ndarray]) -> None:
    assert_same(*case, FEW)


def test_a_set_of_hundreds_is_pycocotools() -> None:
    rng = np.random.default_rng(0)
    images = samples.images(200)
    gt = samples.truth(images, 4, rng)
    truths, image_id = truths_of(gt, images)
    found = detections_of(samples.detections_of(gt, 0.03, rng), images, image_id)
    assert 0.1 < assert_same(truths, found, image_id, COCO)["AP"] < 0.95


def test_blocks_of_images_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    images = samples.images(30)
    gt = samples.truth(images, 3, rng)
    found = samples.detections_of(gt, 0.03, rng)
    whole = paired(gt, images, found).oks
    monkeypatch.setattr(similarity, "PAIRS_AT_ONCE", 7)  # fewer than some image has
    assert np.array_equal(paired(gt, images, found).oks, whole)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_whole_weights_are_repeated_images(seed: int) -> None:
    rng = np.random.default_rng(seed)
    images = samples.images(8)
    gt = samples.truth(images, 2, rng)
    found = samples.detections_of(gt, 0.04, rng)
    # Detections of one image must not tie: copies of (miss, hit) interleave otherwise, and which comes first is chance.
    found = found.replace(score=rng.permutation(len(found)).astype(np.float32))
    weight = rng.multinomial(8, np.full(8, 1 / 8))
    # Each copy of an image gets an id of its own, next to its first copy's, so that ties keep their order.
    copies = [(row, copy) for row in range(8) for copy in range(weight[row])]
    ids = [row * 100 + copy + 1 for row, copy in copies]
    repeated = Images.build(id=ids, path=[str(i) for i in ids], width=640, height=480)

    def repeat(people: People) -> People:
        parts = [people.take(people.image_id == images.id[row]) for row, _ in copies]
        return People.concat(
            [p.replace(image_id=np.full(len(p), i, dtype=np.int64)) for p, i in zip(parts, ids, strict=True)]
        )

    truths, image_id = truths_of(repeat(gt), repeated)
    detections = detections_of(repeat(found), repeated, image_id)
    computed = evaluator(truth_records(truths, image_id), result_records(detections, image_id), image_id, COCO)
    expected = reference.figures(computed).get("AP", 0.0)
    assert average_precision(paired(gt, images, found).match(), weight.astype(np.float64)) == pytest.approx(
        expected, abs=1e-9
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_any_weights_are_the_slow_sums(seed: int, whole: bool) -> None:
    rng = np.random.default_rng(seed)
    images = samples.images(10)
    gt = samples.truth(images, 3, rng)
    matches = paired(gt, images, samples.detections_of(gt, 0.04, rng)).match()
    weight = rng.integers(0, 4, 10).astype(float) if whole else rng.uniform(0, 2, 10) * rng.integers(0, 2, 10)
    assert average_precision(matches, weight) == pytest.approx(reference.slow_ap(matches, weight), abs=1e-9)


@pytest.mark.parametrize("joint", [0, 9, 16])
def test_ap_of_a_joint_is_pycocotools_with_the_others_unlabelled(joint: int) -> None:
    rng = np.random.default_rng(joint)
    images = samples.images(25)
    gt = samples.truth(images, 3, rng)
    found = samples.detections_of(gt, 0.05, rng)
    truths, image_id = truths_of(gt, images)
    truths = truths.only_joint(joint)
    expected = assert_same(truths, detections_of(found, images, image_id), image_id, COCO)["AP"]
    assert list(joint_ap(gt, images, found).values())[joint] == pytest.approx(expected, abs=1e-9)


def test_joints_that_nobody_has_are_left_out() -> None:
    images = samples.images(3)
    gt = samples.truth(images, 1, np.random.default_rng(0))
    visibility = np.full((3, 17), 2, dtype=np.uint8)
    visibility[:, 0] = 0
    each = joint_ap(gt.replace(visibility=visibility, extras={}), images, gt)
    assert "nose" not in each
    assert each["left_wrist"] == pytest.approx(1.0)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("file", "protocol"),
    [("coco/test_coco.json", COCO), ("crowdpose/test_crowdpose.json", CROWDPOSE)],
)
def test_real_annotations_are_pycocotools(shared_data: Path, file: str, protocol: OksProtocol) -> None:
    document = read_json(shared_data / "pose_samples" / file)
    ids = [image["id"] for image in document["images"]]
    truths, image_id = truths_of_records(document["annotations"], ids)
    rng = np.random.default_rng(0)
    size = np.sqrt(np.maximum(truths.area, 1))[:, None, None]
    rows = np.repeat(np.arange(len(truths)), 3)
    noise = rng.normal(size=(len(rows), protocol.joints, 2)) * rng.choice([0.02, 0.1, 0.5], (len(rows), 1, 1))
    moved = truths.keypoints_px[rows] + noise * size[rows]
    area = np.ptp(moved, axis=1).prod(axis=1)
    found = Detections(
        image=truths.image[rows], keypoints_px=moved, score=rng.uniform(size=len(rows)).round(1), area=area
    )
    assert 0.05 < assert_same(truths, found, image_id, protocol)["AP"] < 0.95


def test_records_are_read_as_pycocotools_reads_them() -> None:
    rng = np.random.default_rng(2)
    images = samples.images(12)
    gt = samples.truth(images, 3, rng)
    truths, image_id = truths_of(gt, images)
    found = detections_of(samples.detections_of(gt, 0.03, rng), images, image_id)
    read, ids = truths_of_records(truth_records(truths, image_id), images.id.tolist())
    again = detections_of_records(result_records(found, image_id), ids, 17)
    assert figures(pair_up(read, again, ids)) == figures(pair_up(truths, found, image_id))


def test_perfect_detections_score_one_and_none_score_zero() -> None:
    images = samples.images(5)
    gt = samples.truth(images, 1, np.random.default_rng(0)).replace(visibility=np.full((5, 17), 2, dtype=np.uint8))
    gt = gt.replace(extras={})
    assert coco_ap(gt, images, gt)["AP"] == pytest.approx(1.0)
    nobody = coco_ap(gt, images, People.empty())
    assert nobody["AP"] == 0.0
    assert average_precision(paired(gt, images, People.empty()).match()) == 0.0


def test_unlabelled_joints_do_not_count() -> None:
    images = samples.images(4)
    gt = samples.truth(images, 1, np.random.default_rng(1)).replace(extras={})
    visibility = np.full((4, 17), 2, dtype=np.uint8)
    visibility[:, :5] = 0
    gt = gt.replace(visibility=visibility)
    wrong_faces = gt.keypoints_px.copy()
    wrong_faces[:, :5] += 500
    assert coco_ap(gt, images, gt.replace(keypoints_px=wrong_faces))["AP"] == pytest.approx(1.0)


def test_nobody_to_find_and_unknown_images_are_reported() -> None:
    images = samples.images(2)
    gt = samples.truth(images, 1, np.random.default_rng(2))
    with pytest.raises(InputError, match="nobody to evaluate"):
        coco_ap(People.empty(), images, gt)
    stranger = gt.replace(image_id=np.array([3, 999], dtype=np.int64))
    with pytest.raises(InputError, match="999"):
        coco_ap(gt, images, stranger)


def test_person_oks_is_computeoks() -> None:
    rng = np.random.default_rng(3)
    images = samples.images(6)
    gt = samples.truth(images, 1, rng).replace(extras={})
    moved = gt.keypoints_px + rng.normal(0, 8, gt.keypoints_px.shape).astype(np.float32)
    truths, image_id = truths_of(gt, images)
    found = detections_of(gt.replace(keypoints_px=moved), images, image_id)
    computed = evaluator(truth_records(truths, image_id), result_records(found, image_id), image_id, COCO)
    expected = [computed.ious[i, 1][0, 0] for i in images.id]
    labelled = (gt.visibility > 0).any(axis=1)
    assert person_oks(gt, moved)[labelled] == pytest.approx(np.array(expected)[labelled], abs=1e-12)


def test_poses_of_another_skeleton_are_refused() -> None:
    images = samples.images(2)
    gt = samples.truth(images, 1, np.random.default_rng(2))
    truths, image_id = truths_of(gt, images)
    with pytest.raises(InputError, match="14 joints, got 17"):
        pair_up(truths, detections_of(gt, images, image_id), image_id, CROWDPOSE)


def test_an_area_that_is_no_number_is_refused() -> None:
    images = samples.images(2)
    gt = samples.truth(images, 1, np.random.default_rng(2)).with_extra("area", [1.0, float("nan")])
    with pytest.raises(InputError, match="area of person 1"):
        coco_ap(gt, images, gt)
