"""BlazePose's geometry against plain arithmetic: anchors, regions, suppression. The models run in the ingest tests."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from dataengine.blazepose import BlazePose, Landmarks, in_boxes
from dataengine.blazepose.detector import anchor_centers, weighted_suppression
from dataengine.blazepose.landmarks import refine
from dataengine.blazepose.roi import Roi, roi_from_alignment, whole_image
from dataengine.crops.spec import apply_affine
from dataengine.errors import InputError
from dataengine.people import Images, People


def test_anchors_are_the_cell_centres_of_mediapipes_five_layers() -> None:
    anchors = anchor_centers()
    assert anchors.shape == (2254, 2)
    np.testing.assert_allclose(anchors[0], [0.5 / 28, 0.5 / 28])
    np.testing.assert_allclose(anchors[2], [1.5 / 28, 0.5 / 28])  # x runs first, two anchors a cell
    np.testing.assert_allclose(anchors[-1], [6.5 / 7, 6.5 / 7])


@pytest.mark.parametrize(("tip", "angle"), [((100, 50), 0), ((150, 100), np.pi / 2), ((50, 100), -np.pi / 2)])
def test_region_turns_with_the_body(tip: tuple[int, int], angle: float) -> None:
    roi = roi_from_alignment(np.array([100.0, 100.0]), np.array(tip, float))
    assert roi.side_px == pytest.approx(2 * 50 * 1.25)
    assert roi.angle_rad == pytest.approx(angle)
    top = apply_affine(roi.image_from_unit(), np.array([[0.5, 0.1]]))[0]  # 1 / 1.25 of the half side above the centre
    np.testing.assert_allclose(top, tip, atol=1e-9)


def test_crop_of_an_aligned_region_is_the_pixels_themselves() -> None:
    image = np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8)
    np.testing.assert_array_equal(Roi(19.5, 19.5, 16, 0.0).crop(image, 16, border=0), image[12:28, 12:28])


def test_the_whole_image_is_the_crop_of_its_square() -> None:
    image = np.random.default_rng(0).integers(0, 255, (24, 40, 3), np.uint8)
    square = whole_image(40, 24).crop(image, 40, border=0)
    np.testing.assert_array_equal(square[8:32], image)
    assert not square[:8].any() and not square[32:].any()
    ends = apply_affine(whole_image(40, 24).image_from_unit(), np.array([[0.0, 0.2], [1.0, 0.8]]))
    np.testing.assert_allclose(ends, [[-0.5, -0.5], [39.5, 23.5]], atol=1e-9)


def test_overlapping_detections_are_averaged_by_score() -> None:
    def points(left: float) -> list[list[float]]:
        return [[left, 0], [left + 1, 1], *[[left, 0]] * 4]

    found = weighted_suppression(np.array([points(0.2), points(0.0), points(5.0)]), np.array([0.3, 0.9, 0.5]))
    assert [score for _, score in found] == [0.9, 0.5]
    np.testing.assert_allclose(found[0][0][0], [0.2 * 0.3 / 1.2, 0])


def test_refinement_moves_to_the_peak_and_leaves_the_unsure() -> None:
    logits = np.full((64, 64, 2), -30.0, np.float32)
    logits[22, 33, 0] = 10
    refined = refine(np.array([[31 / 64, 21 / 64], [0.5, 0.5]]), logits)
    np.testing.assert_allclose(refined, [[33 / 64, 22 / 64], [0.5, 0.5]], atol=1e-6)


def test_missing_and_broken_models_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such model"):
        BlazePose(tmp_path)
    (tmp_path / "pose_detection.tflite").write_bytes(b"not a model")
    with pytest.raises(InputError, match="not a LiteRT model"):
        BlazePose(tmp_path)


def test_each_look_in_a_box_is_at_the_region_that_the_one_before_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Roi] = []

    class Drifting:
        """Asks for a region 10 px further right each time, and sees nobody beyond x = 75."""

        def __init__(self, models: Path) -> None:
            pass

        def landmarks(self, image: np.ndarray, roi: Roi) -> Landmarks:
            asked.append(roi)
            points = np.full((17, 2), roi.center_x_px, np.float32)
            presence = 0.9 if roi.center_x_px < 75 else 0.1
            further = Roi(roi.center_x_px + 10, roi.center_y_px, roi.side_px, 0.3)
            return Landmarks(points, np.full(17, 0.5, np.float32), presence, further)

    monkeypatch.setattr(in_boxes, "BlazePose", Drifting)
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((100, 100, 3), np.uint8))
    images = Images.build(id=[4], path=[str(tmp_path / "a.png")], width=100, height=100)
    people = People.build(
        image_id=[4], bbox_xywh_px=[[50, 20, 20, 60]], keypoints_px=np.zeros((1, 17, 2)), visibility=np.zeros((1, 17))
    )
    first = in_boxes.poses_in_boxes(people, images, tmp_path)
    assert asked == [Roi(59.5, 49.5, 75, 0.0)]
    fourth = in_boxes.poses_in_boxes(people, images, tmp_path, looks=4)
    assert [roi.center_x_px for roi in asked[1:]] == [59.5, 69.5, 79.5, 79.5]
    assert first.keypoints_px[0, 0, 0] == 59.5
    assert fourth.keypoints_px[0, 0, 0] == 69.5  # the look at 79.5 saw nobody
    assert (fourth.score == 0.5).all() and (fourth.visibility == 2).all()
    assert (fourth.extras["joint_confidence"] == 0.5).all()
