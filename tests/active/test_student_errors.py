"""What is wrong with the student's answer to labelled people, as `labelled.json` and the App show it."""

import numpy as np

from dataengine.active.query.scoring import with_student
from dataengine.active.query.uncertainty import Seen
from dataengine.boxes import box_from_keypoints
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.inference.running.predict import Prediction
from dataengine.keypoints import COCO_SIGMAS, FLIP_INDEX
from dataengine.people import Images, People

from .conftest import STANDING


def test_each_person_gets_its_kind_of_error() -> None:
    """Four people, each alone in an image: found as labelled, mirrored, with a knee far off, and somewhere else."""
    truth = np.repeat(STANDING[None] * 300 + 50, 4, axis=0)
    visibility = np.full((4, 17), 2)
    images = Images.build(id=[1, 2, 3, 4], path=list("abcd"), width=500, height=500)
    people = People.build(
        image_id=images.id,
        bbox_xywh_px=box_from_keypoints(truth, visibility),
        keypoints_px=truth,
        visibility=visibility,
    )
    answer = truth.copy()
    answer[1] = answer[1, FLIP_INDEX]
    answer[2, 13] += 120
    answer[3] += 5000
    certain = np.ones((4, 17), np.float32)
    plain = Prediction(answer.astype(np.float32), certain, certain, certain)
    answered = with_student(people, images, Seen(plain, plain, np.zeros((4, 2), np.float32)))
    assert answered.extras["error"].tolist() == ["good", "inversion", "miss", "background"]
    assert not answered.extras["misscored"].any()
    assert np.array_equal(answered.keypoints_px, people.keypoints_px), "the labels stay as they are"
    assert np.allclose(answered.extras["student_px"], answer, atol=1e-3)
    strict = OksProtocol(sigmas=COCO_SIGMAS / 1000)
    off = Prediction(truth.astype(np.float32) + 1, certain, certain, certain)
    seen = Seen(off, off, np.zeros((4, 2), np.float32))
    for protocol, error in ((COCO, "good"), (strict, "background")):
        assert set(with_student(people, images, seen, protocol).extras["error"].tolist()) == {error}
