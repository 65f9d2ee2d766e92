import numpy as np
from scipy.special import expit

from dataengine.evaluation.analysis.calibration import score_reliability
from dataengine.evaluation.ap.matching import average_precision, paired
from dataengine.inference.running.prediction import Prediction
from dataengine.nets.person_score import PersonScore
from dataengine.people import Images, People
from dataengine.train.scoring.expected_oks import LEAST_PEOPLE, fitted_weights, learnt_score

LIMBS = np.arange(17) >= 5


def answered(n: int, seed: int) -> tuple[People, Images, Prediction]:
    """People without faces whose joints are off by a share of the box that the network's spread roughly tells.

    Its confidence is noise, high on the limbs and anything on the face, which it was never taught.
    """
    rng = np.random.default_rng(seed)
    size = rng.uniform(50, 200, (n, 1, 1))
    truth = rng.uniform(0, 1, (n, 17, 2)) * size + 50
    flags = np.where(LIMBS, 2, 0) * np.ones((n, 1), int)
    people = People.build(
        image_id=np.arange(n),
        bbox_xywh_px=np.concatenate([np.full((n, 2), 50), size[:, 0].repeat(2, axis=1)], axis=1),
        keypoints_px=truth,
        visibility=flags,
        extras={"area": 0.53 * size[:, 0, 0] ** 2},
    )
    off = np.exp(rng.uniform(-4, -1.5, (n, 1, 1)))
    found = truth + rng.normal(size=truth.shape) * off * size
    spread = (off * size)[:, :, 0] * np.exp(rng.normal(size=(n, 17)) * 0.3)
    confidence = np.where(LIMBS, rng.uniform(0.9, 1, (n, 17)), rng.uniform(0, 1, (n, 17)))
    entropy = rng.uniform(0.4, 0.6, (n, 17))
    points, sure, wide, unsure = (np.asarray(column, np.float32) for column in (found, confidence, spread, entropy))
    images = Images.build(id=np.arange(n), path=[str(i) for i in range(n)], width=400, height=400)
    return people, images, Prediction(points, sure, wide, unsure, PersonScore(LIMBS))


def with_weights(prediction: Prediction, score: PersonScore) -> Prediction:
    return Prediction(prediction.keypoints_px, prediction.confidence, prediction.spread_px, prediction.entropy, score)


def test_what_is_learnt_on_some_people_ranks_and_calibrates_on_others() -> None:
    people, _, prediction = answered(200, 0)
    weights = learnt_score(people, prediction)
    assert weights is not None and weights.log_spread < 0
    others, images, plain = answered(400, 1)
    taught = with_weights(plain, PersonScore(LIMBS, weights))
    before, after = (paired(others, images, p.as_people(others)) for p in (plain, taught))
    assert average_precision(after.match()) > average_precision(before.match()) + 0.05
    assert score_reliability(after).ece < 0.1 < score_reliability(before).ece


def test_it_is_the_logistic_regression_that_it_says() -> None:
    """Against a plain gradient descent on the same cost, in standardised features."""
    rng = np.random.default_rng(3)
    features = rng.normal(size=(150, 3)) * [0.1, 2.0, 1.0] + [0.5, -3.0, 0.2]
    oks = expit(features @ [3.0, -0.6, 0.5] + rng.normal(size=150) * 0.4)
    found = fitted_weights(features, oks, ridge=0.01)
    assert (features.std(axis=0) > 0.05).all(), "none so even that its weight is held down"
    z = (features - features.mean(axis=0)) / features.std(axis=0)
    weights, bias = np.zeros(3), 0.0
    for _ in range(4000):
        error = expit(z @ weights + bias) - oks
        weights -= 2.0 * (z.T @ error / 150 + 0.02 * weights)
        bias -= 2.0 * error.mean()
    expected = expit(z @ weights + bias)
    np.testing.assert_allclose(found.of(features), expected, atol=1e-3)


def test_a_feature_that_hardly_varies_gets_no_large_weight() -> None:
    rng = np.random.default_rng(6)
    features = np.column_stack([0.9 + 1e-4 * rng.normal(size=100), rng.normal(size=100), rng.normal(size=100)])
    oks = expit(1e4 * (features[:, 0] - 0.9))
    assert abs(fitted_weights(features, oks).confidence) < 10


def test_too_few_people_teach_nothing() -> None:
    people, _, prediction = answered(LEAST_PEOPLE, 4)
    assert learnt_score(people, prediction) is not None
    unlabelled = people.visibility.copy()
    unlabelled[0] = 0
    assert learnt_score(people.replace(visibility=unlabelled), prediction) is None
