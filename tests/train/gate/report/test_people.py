"""Which people the report shows: the most telling, of different moments first."""

import numpy as np

from dataengine.evaluation.ap.oks import person_oks
from dataengine.inference.running.predict import Prediction
from dataengine.people import People
from dataengine.train.gate.report.people import people_to_show

ONE = np.random.default_rng(0).uniform(50, 250, (17, 2))


def answered(shifts_px: list[float]) -> tuple[People, dict[str, Prediction]]:
    """One person an image, all in one pose, and a model that is off by `shifts_px`."""
    n = len(shifts_px)
    truth = np.repeat(ONE[None], n, axis=0)
    people = People.build(
        image_id=np.arange(n),
        bbox_xywh_px=np.tile([40, 40, 220, 220], (n, 1)),
        keypoints_px=truth,
        visibility=np.full((n, 17), 2),
    )
    certain = np.ones((n, 17), np.float32)
    found = (truth + np.array(shifts_px)[:, None, None]).astype(np.float32)
    return people, {"candidate": Prediction(found, certain, certain, certain)}


def test_each_cluster_is_shown_before_any_is_shown_again() -> None:
    people, found = answered([9, 30, 29, 28, 12, 11, 3])
    oks = person_oks(people, found["candidate"].keypoints_px)
    assert np.argsort(oks).tolist() == [1, 2, 3, 4, 5, 0, 6]
    clusters = np.array([0, 1, 1, 1, 2, 2, 3])
    assert people_to_show(people, found, 4, clusters).tolist() == [1, 4, 0, 6]
    assert people_to_show(people, found, 6, clusters).tolist() == [1, 2, 4, 5, 0, 6]
    assert people_to_show(people, found, 2, clusters).tolist() == [1, 4]
    assert people_to_show(people, found, 99, clusters).tolist() == [1, 2, 3, 4, 5, 0, 6]


def test_without_anybody_labelled_there_is_nobody_to_show() -> None:
    people, found = answered([1, 2])
    unlabelled = people.replace(visibility=np.zeros_like(people.visibility))
    assert people_to_show(unlabelled, found, 5, np.array([0, 1])).tolist() == []
