"""Association on keypoints: its signs, what is learned, and who is who after a crossing and a gap."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dataengine.errors import InputError
from dataengine.keypoints import COCO_SIGMAS
from dataengine.tracking.association import Association, fit_association, read_association, write_association
from dataengine.tracking.baselines import GreedyOksTracker, OverlapTracker
from dataengine.tracking.pair_signs import LEAST, SIGNS, pair_signs, pairwise_oks
from dataengine.tracking.pairs import AssociationPairs, IdentifiedFilm, drawn_pairs
from dataengine.tracking.pose_tracker import LONGEST_GAP_S, PoseTracker, state_after
from dataengine.tracking.sightings import LIMBS, Tracker, limb_colours
from dataengine.tracking.threshold import TRIED, mistaken_identities, with_best_threshold

from .made_people import crossing


@pytest.fixture(scope="module")
def pairs() -> AssociationPairs:
    return drawn_pairs([crossing(seed) for seed in range(4)], seed=0)


@pytest.fixture(scope="module")
def learned(pairs: AssociationPairs) -> Association:
    return fit_association(pairs.signs, pairs.same, pairs.weight)


def followed(tracker: Tracker, hidden: tuple[int, ...] = (), seed: int = 9) -> list[list[int]]:
    """The ids that person 0 and person 1 got, frame by frame."""
    film = crossing(seed, hidden=hidden)
    return [tracker(seen, None).tolist() for seen in film.seen if len(seen)]


def test_a_pose_and_itself_have_the_signs_of_one_person() -> None:
    seen = crossing(0).seen[0]
    signs = dict(
        zip(SIGNS, np.moveaxis(pair_signs(state_after([seen.take(np.array([0]))]), seen)[0], 1, 0), strict=True)
    )
    for name, value in {"oks": 1, "distance": np.log(LEAST), "overlap": 1, "size": 0, "limbs": 0, "colour": 0}.items():
        assert signs[name][0] == pytest.approx(value, abs=1e-9), name
        assert abs(signs[name][1] - value) > 0.01, f"{name} of somebody else"
    assert (signs["gap"] == 0).all()


def test_oks_of_pairs_is_its_formula() -> None:
    rng = np.random.default_rng(0)
    a, b, area = rng.normal(0, 30, (3, 17, 2)), rng.normal(0, 30, (2, 17, 2)), rng.uniform(500, 5000, (3, 2))
    found = pairwise_oks(a, b, area)
    for i in range(3):
        for j in range(2):
            apart = ((a[i] - b[j]) ** 2).sum(axis=1)
            assert found[i, j] == pytest.approx(np.exp(-apart / (8 * area[i, j] * COCO_SIGMAS**2)).mean())


def test_a_steady_walk_is_expected_where_it_leads() -> None:
    film = crossing(3)
    state = state_after([seen.take(np.array([0])) for seen in film.seen[:6]])
    assert state.speed_px_s[0] == pytest.approx([60, 5], abs=12)
    signs = pair_signs(state, film.seen[8].take(np.array([0])))[0, 0]
    assert signs[SIGNS.index("distance")] < signs[SIGNS.index("distance from the last pose")]


def test_pairs_are_of_one_person_of_two_and_of_strangers(pairs: AssociationPairs, learned: Association) -> None:
    assert pairs.signs.shape == (len(pairs.same), len(SIGNS)) and np.isfinite(pairs.signs).all()
    assert 0.2 < pairs.same.mean() < 0.5 and set(pairs.weight) == {0.3, 1.0}
    assert ((learned.log_odds(pairs.signs) > 0) == pairs.same).mean() > 0.97


def test_who_crosses_and_was_hidden_meanwhile_keeps_the_identity(learned: Association) -> None:
    """Overlap cannot: after the gap each of the two is where the other one was."""
    hidden = tuple(range(7, 13))
    assert followed(PoseTracker(learned), hidden) == [[0, 1]] * 14
    for baseline in (OverlapTracker(longest_gap_s=1.0), GreedyOksTracker(longest_gap_s=1.0)):
        assert followed(baseline, hidden)[-1] != [0, 1]


def test_all_agree_where_nothing_is_hard(learned: Association) -> None:
    for tracker in (PoseTracker(learned), OverlapTracker(), GreedyOksTracker()):
        assert [ids for ids in followed(tracker)[:5]] == [[0, 1]] * 5


def test_a_track_ends_after_the_longest_gap(learned: Association) -> None:
    seen = crossing(1).seen[0]
    for gap, kept in ((LONGEST_GAP_S - 0.1, True), (LONGEST_GAP_S + 0.1, False)):
        tracker = PoseTracker(learned)
        tracker(seen)
        again = tracker(replace(seen, time_s=seen.time_s + gap)).tolist()
        assert again == ([0, 1] if kept else [2, 3])


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 2), max_size=8), st.integers(0, 99))
def test_everybody_gets_one_id_whatever_comes(counts: list[int], seed: int) -> None:
    tracker = PoseTracker(Association((0.0,) * 10, (1.0,) * 10, (1.0,) * 10, 0.0))
    film = crossing(seed, frames=8)
    for frame, count in enumerate(counts):
        ids = tracker(film.seen[frame].take(np.arange(count)))
        assert len(set(ids.tolist())) == count and (ids >= 0).all()


def test_the_threshold_is_the_one_with_the_fewest_mistaken_identities(learned: Association) -> None:
    films = [crossing(seed, frames=12) for seed in range(20, 23)]
    best = with_best_threshold(learned, films, seed=0)
    assert best.least_log_odds in TRIED and all(mistaken_identities(best, film) == 0 for film in films)
    never = replace(learned, least_log_odds=1e9)
    assert mistaken_identities(never, films[0]) == 2 * 12 - 2, "everybody is new in every frame"
    always = replace(learned, bias=1e3, weights=(0.0,) * len(SIGNS))
    blended = IdentifiedFilm([films[0].seen[0].take(np.array([0]))] * 2, [np.array([0]), np.array([1])])
    assert mistaken_identities(always, blended) == 1, "two people have one id"


def test_one_kind_of_pair_teaches_nothing(pairs: AssociationPairs) -> None:
    with pytest.raises(InputError, match="nothing to learn"):
        fit_association(pairs.signs, np.ones_like(pairs.same), pairs.weight)


def test_weights_come_back_from_their_file(learned: Association, tmp_path: Path) -> None:
    path = tmp_path / "tracker.yaml"
    write_association(path, learned, {"command": "made"})
    assert read_association(path) == learned
    good = yaml.safe_load(path.read_text())
    faults = (
        {"signs": ["oks"]},
        {"bias": None},
        {"least_log_odds": float("nan")},
        {"weights": good["weights"][:3]},
        {"scale": [0.0] * len(SIGNS)},
    )
    for bad in faults:
        path.write_text(yaml.safe_dump({**good, **bad}))
        with pytest.raises(InputError, match="fit-tracker wrote"):
            read_association(path)


def test_the_shipped_weights_follow_the_made_people() -> None:
    assert followed(PoseTracker(read_association()))[:6] == [[0, 1]] * 6


def test_colours_are_those_about_the_limbs() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    image[:, 50:] = (255, 0, 51)
    points = np.full((3, 17, 2), 20.0)
    points[1], points[2] = 70.0, 500.0
    colours = limb_colours(image, points, np.full(3, 50.0))
    assert colours.shape == (3, len(LIMBS), 3)
    assert (colours[0] == 0).all() and np.allclose(colours[1], [1, 0, 0.2]) and np.isnan(colours[2]).all()


def test_a_tracker_goes_on_from_its_memory(learned: Association) -> None:
    film = crossing(2, hidden=(5, 6))
    whole, first, second = PoseTracker(learned), PoseTracker(learned), PoseTracker(learned)
    expected = [whole(seen).tolist() for seen in film.seen]
    half = [first(seen).tolist() for seen in film.seen[:6]]
    second.remember(json.loads(json.dumps(first.memory(), allow_nan=False)))
    assert half + [second(seen).tolist() for seen in film.seen[6:]] == expected
    second.remember([])
    assert second(film.seen[0]).tolist() == [0, 1]
