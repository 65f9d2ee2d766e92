import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from dataengine.coco_json import write_people
from dataengine.errors import InputError
from dataengine.evaluation.matching import average_precision, matched
from dataengine.evaluation.oks import FIGURES, coco_ap, evaluated, person_oks
from dataengine.people import Images, People

from . import samples


def reference(folder: Path, gt: People, images: Images, detections: People) -> np.ndarray:
    """COCO's own road: annotation file, result file, loadRes, summarize."""
    folder.mkdir(parents=True, exist_ok=True)
    write_people(folder / "gt.json", gt, images)
    results = [
        {
            "image_id": int(detections.image_id[row]),
            "category_id": 1,
            "keypoints": np.column_stack([detections.keypoints_px[row], np.ones(17)]).astype(float).ravel().tolist(),
            "score": float(detections.score[row]),
        }
        for row in range(len(detections))
    ]
    (folder / "dt.json").write_text(json.dumps(results))
    truth = COCO(str(folder / "gt.json"))
    evaluator = COCOeval(truth, truth.loadRes(str(folder / "dt.json")), "keypoints")
    evaluator.evaluate()
    evaluator.accumulate()
    evaluator.summarize()
    return np.asarray(evaluator.stats)


def as_written(people: People) -> People:
    """The file holds three decimals and zeroes unlabelled joints; boxes and areas follow the rounding."""
    box = people.bbox_xywh_px.astype(np.float64).round(3)
    points = np.where(people.visibility[..., None] > 0, people.keypoints_px, 0).astype(np.float32)
    return people.replace(keypoints_px=points).with_extra("area", box[:, 2] * box[:, 3])


@pytest.mark.parametrize("seed", range(4))
def test_figures_are_those_of_a_coco_result_file(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    images = samples.images(30)
    gt = as_written(samples.truth(images, 3, rng))
    found = samples.detections_of(gt, 0.03, rng)
    expected = reference(tmp_path, gt, images, found)
    got = coco_ap(gt, images, found)
    for name, value in zip(FIGURES, expected, strict=True):
        assert got.get(name, -1.0) == pytest.approx(value, abs=1e-6)
    assert 0.1 < got["AP"] < 0.95


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 3), st.floats(0.0, 0.1))
def test_unit_weights_give_pycocotools_ap(seed: int, count: int, persons: int, noise: float) -> None:
    rng = np.random.default_rng(seed)
    images = samples.images(count)
    gt = samples.truth(images, persons, rng)
    found = samples.detections_of(gt, noise, rng)
    expected = coco_ap(gt, images, found).get("AP", 0.0)  # absent when nobody counts
    assert average_precision(matched(gt, images, found)) == pytest.approx(expected, abs=1e-9)


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

    expected = coco_ap(repeat(gt), repeated, repeat(found)).get("AP", 0.0)
    got = average_precision(matched(gt, images, found), weight.astype(np.float64))
    assert got == pytest.approx(expected, abs=1e-9)


def test_perfect_detections_score_one_and_none_score_zero() -> None:
    images = samples.images(5)
    gt = samples.truth(images, 1, np.random.default_rng(0)).replace(visibility=np.full((5, 17), 2, dtype=np.uint8))
    gt = gt.replace(extras={})
    assert coco_ap(gt, images, gt)["AP"] == pytest.approx(1.0)
    nobody = coco_ap(gt, images, People.empty())
    assert nobody["AP"] == 0.0
    assert average_precision(matched(gt, images, People.empty())) == 0.0


def test_unlabelled_joints_do_not_count() -> None:
    images = samples.images(4)
    gt = samples.truth(images, 1, np.random.default_rng(1)).replace(extras={})
    visibility = np.full((4, 17), 2, dtype=np.uint8)
    visibility[:, :5] = 0
    gt = gt.replace(visibility=visibility)
    wrong_faces = gt.keypoints_px.copy()
    wrong_faces[:, :5] += 500
    assert coco_ap(gt, images, gt.replace(keypoints_px=wrong_faces))["AP"] == pytest.approx(1.0)


def test_nobody_to_find_and_unknown_images_are_told() -> None:
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
    evaluator = evaluated(gt, images, gt.replace(keypoints_px=moved))
    expected = [evaluator.ious[image_id, 1][0, 0] for image_id in images.id]
    labelled = (gt.visibility > 0).any(axis=1)
    assert person_oks(gt, moved)[labelled] == pytest.approx(np.array(expected)[labelled], abs=1e-12)
