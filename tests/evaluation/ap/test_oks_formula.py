import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from dataengine.evaluation.oks_formula import exponent, joint_similarities, mean_similarity
from dataengine.keypoints import COCO_SIGMAS

POSITIVE = st.floats(1e-3, 1e6)


@njit
def compiled(squared_px2: float, variance: float, area_px2: float) -> float:
    return exponent(squared_px2, variance, area_px2)


@given(POSITIVE, POSITIVE, POSITIVE)
def test_a_compiled_loop_gets_the_same_bits_as_an_array(squared: float, variance: float, area: float) -> None:
    one = exponent(np.array([squared]), np.array([variance]), np.array([area]))[0]
    assert compiled(squared, variance, area) == one
    assert math.isclose(one, squared / (2 * variance * area), rel_tol=1e-12)


def test_similarity_is_the_textbook_formula() -> None:
    rng = np.random.default_rng(0)
    found, truth, area = rng.uniform(0, 99, (4, 17, 2)), rng.uniform(0, 99, (4, 17, 2)), rng.uniform(900, 9000, 4)
    similarity = joint_similarities(found, truth, area)
    for person in range(4):
        for joint in range(17):
            distance = math.dist(found[person, joint], truth[person, joint])
            expected = math.exp(-(distance**2) / (2 * area[person] * (2 * COCO_SIGMAS[joint]) ** 2))
            assert math.isclose(similarity[person, joint], expected, rel_tol=1e-9)


def test_a_person_without_area_is_found_on_the_spot_only() -> None:
    truth = np.zeros((1, 17, 2))
    assert (joint_similarities(truth, truth, np.zeros(1)) == 1).all()
    assert (joint_similarities(truth + 0.1, truth, np.zeros(1)) == 0).all()


def test_oks_is_the_mean_over_labelled_joints() -> None:
    similarity = np.array([[1.0, 0.5, 0.0], [1.0, 1.0, 1.0]])
    labelled = np.array([[True, True, False], [False, False, False]])
    assert mean_similarity(similarity, labelled).tolist() == [0.75, 0.0]
