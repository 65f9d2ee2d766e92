"""Densities of witnesses: scipy's bivariate t, as wide as the set's labels show."""

import numpy as np
import pytest
from scipy.stats import multivariate_t

from dataengine.train.mistakes.hypotheses import MOVED, OWN, PARTNER, STRAY, size_px
from dataengine.train.mistakes.witness import FREEDOM, from_points

from .witnesses import asked_of, labelled, seeing


def test_the_density_is_the_bivariate_t_of_scipy() -> None:
    """The widths, which the witness learns from the labels, are taken from two of its own values."""
    people, _ = labelled(200)
    asked = asked_of(people)
    rng = np.random.default_rng(1)
    points = people.keypoints_px + rng.normal(0, 9, people.keypoints_px.shape)
    found = from_points("w", points, np.full((200, 17), 0.5), asked, size_px(people))
    unit = size_px(people)[:, None, None, None]
    places = (asked.places - points[:, :, None]) / unit
    spread = np.median(np.linalg.norm(places[:, 7:9, OWN], axis=2))  # elbows; all as sure, so of one width
    scale = spread / np.sqrt(FREEDOM * (2 ** (2 / FREEDOM) - 1))
    reference = multivariate_t(loc=[0, 0], shape=scale**2 * np.eye(2), df=FREEDOM)
    ours, theirs = found.log_density[:, 7:9], reference.logpdf(places[:, 7:9].reshape(-1, 2)).reshape(200, 2, 4)
    np.testing.assert_allclose(ours - ours[0, 0, 0], theirs - theirs[0, 0, 0], atol=1e-9)
    inside = reference.rvs(20_000, random_state=0)
    assert np.median(np.linalg.norm(inside, axis=1)) == pytest.approx(spread, rel=0.03)


def test_sure_answers_are_narrower() -> None:
    people, _ = labelled(400)
    asked = asked_of(people)
    rng = np.random.default_rng(2)
    confidence = rng.uniform(0, 1, (400, 17))
    points = people.keypoints_px + rng.normal(0, 1, (400, 17, 2)) * (20 * (1.1 - confidence))[..., None]
    found = from_points("w", points, confidence, asked, size_px(people))
    away = found.log_density[..., OWN] - found.log_density[..., STRAY]
    body = np.s_[:, 5:]
    assert np.median(away[body][confidence[body] > 0.8]) > np.median(away[body][confidence[body] < 0.2]) + 1


def test_right_labels_are_likelier_than_what_they_are_compared_with() -> None:
    people, _ = labelled(300)
    asked = asked_of(people)
    found = seeing(people, people, asked)
    for place in (PARTNER, MOVED, STRAY):
        better = found.log_density[:, 5:, OWN] > found.log_density[:, 5:, place]
        assert better.mean() > 0.9


def test_nobody_labelled_has_no_width() -> None:
    people, _ = labelled(3)
    people = people.replace(visibility=np.zeros_like(people.visibility))
    found = seeing(people, people, asked_of(people))
    assert np.isfinite(found.log_density).all()
