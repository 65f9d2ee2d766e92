"""Flags: turned ones stand out where the witness is surer of visible joints; one flag alone is not judged."""

import numpy as np
import pytest

from dataengine.train.mistakes.flags import flag_log_odds
from dataengine.train.mistakes.hypotheses import size_px
from dataengine.train.mistakes.witness import from_points

from .witnesses import asked_of, labelled


def test_turned_flags_lead_and_their_number_is_right() -> None:
    rng = np.random.default_rng(0)
    people, _ = labelled(300)
    flags = people.visibility.copy()
    hidden = rng.random(flags.shape) < 0.3
    flags[(flags > 0) & hidden] = 1
    turned = (flags > 0) & (rng.random(flags.shape) < 0.05)
    given = np.where(turned, 3 - flags, flags).astype(np.uint8)
    confidence = np.clip(np.where(hidden, 0.3, 0.7) + rng.normal(0, 0.1, flags.shape), 0.01, 0.99)
    people = people.replace(visibility=given)
    asked = asked_of(people)
    witness = from_points("w", people.keypoints_px.astype(float), confidence, asked, size_px(people))
    odds = flag_log_odds(people, asked, [witness], np.arange(300) % 3, 0.05)
    first = np.argsort(-odds.ravel())[: turned.sum()]
    assert turned.ravel()[first].mean() > 0.75
    chance = 1 / (1 + np.exp(-odds[asked.labelled]))
    assert chance.sum() == pytest.approx(turned.sum(), rel=0.3)
    assert np.isneginf(odds[~asked.labelled]).all()


def test_a_set_with_one_flag_is_not_judged() -> None:
    people, _ = labelled(100)
    asked = asked_of(people)
    witness = from_points("w", people.keypoints_px.astype(float), np.full((100, 17), 0.5), asked, size_px(people))
    assert np.isneginf(flag_log_odds(people, asked, [witness], np.arange(100) % 3, 0.05)).all()
    assert np.isneginf(flag_log_odds(people, asked, [], np.arange(100) % 3, 0.05)).all()
