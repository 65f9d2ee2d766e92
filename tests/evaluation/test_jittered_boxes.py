import numpy as np
import pytest

from dataengine.errors import ParamsError
from dataengine.evaluation.jittered_boxes import BoxJitter, in_jittered_boxes, jittered_boxes
from dataengine.people import People
from dataengine.person_scale import person_area, with_area

BOXES = np.tile([100.0, 50.0, 40.0, 80.0], (4000, 1))


def test_boxes_are_off_by_what_was_asked_for() -> None:
    boxes = jittered_boxes(BOXES, BoxJitter(shift=0.05, scale=0.1, seed=1))
    centre = boxes[:, :2] + boxes[:, 2:] / 2
    np.testing.assert_allclose(centre.mean(axis=0), [120, 90], atol=0.3)
    np.testing.assert_allclose(centre.std(axis=0) / [40, 80], 0.05, rtol=0.05)
    log_size = np.log(boxes[:, 2:] / [40, 80])
    np.testing.assert_allclose(log_size.mean(axis=0), 0, atol=0.01)
    np.testing.assert_allclose(log_size.std(axis=0), 0.1, rtol=0.05)


def test_the_same_seed_gives_the_same_boxes_and_no_jitter_none() -> None:
    assert np.array_equal(jittered_boxes(BOXES, BoxJitter(seed=2)), jittered_boxes(BOXES, BoxJitter(seed=2)))
    assert not np.array_equal(jittered_boxes(BOXES, BoxJitter(seed=2)), jittered_boxes(BOXES, BoxJitter(seed=3)))
    np.testing.assert_allclose(jittered_boxes(BOXES, BoxJitter(shift=0, scale=0)), BOXES)


def test_the_scale_of_people_stays() -> None:
    people = with_area(
        People.build(image_id=[1], bbox_xywh_px=BOXES[:1], keypoints_px=np.zeros((1, 17, 2)), visibility=np.zeros(17))
    )
    elsewhere = in_jittered_boxes(people, BoxJitter())
    assert not np.array_equal(elsewhere.bbox_xywh_px, people.bbox_xywh_px)
    assert person_area(elsewhere) == person_area(people)


@pytest.mark.parametrize("wrong", [{"shift": -0.1}, {"scale": 1.0}])
def test_senseless_jitter_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ParamsError, match="box_jitter"):
        BoxJitter(**wrong)  # type: ignore[arg-type]
