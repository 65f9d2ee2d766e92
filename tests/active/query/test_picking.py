"""From people to images: budgets, films, and pools that are empty or small."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataengine.active.choice.strategies import STRATEGIES
from dataengine.active.query.budget import UNITS, image_costs
from dataengine.active.query.picking import (
    Candidates,
    PickRules,
    RequestedShare,
    candidate_images,
    pick_images,
    pick_with_requests,
    selection_metrics,
    stands_for,
)
from dataengine.people import Images, People

RULES = PickRules(strategy="herding", budget=4, min_gap_frames=0, film_excess=1.5, seed=0)
NOBODY = np.empty((0, 3))


def pool(films: list[str], seed: int = 0, people: int = 1) -> tuple[Candidates, Images, np.ndarray]:
    """One candidate for each entry of `films`, "" for a still, frames far apart; all of the same size."""
    rng, n = np.random.default_rng(seed), len(films)
    images = Images.build(
        id=np.arange(n), path=[f"{i}.png" for i in range(n)], width=9, height=9, video=films, frame=np.arange(n) * 100
    )
    rows = np.arange(n)
    score = rng.random(n)
    choice = Candidates(np.array([f"{i:04d}" for i in rows]), rows, rows, score, np.full(n, people))
    return choice, images, rng.normal(size=(n, 3))


def pick(films: list[str], rules: PickRules, costs: np.ndarray | None = None, seed: int = 0) -> np.ndarray:
    choice, images, embeddings = pool(films, seed)
    costs = np.ones(len(films)) if costs is None else costs
    return pick_images(choice, images, embeddings, NOBODY, costs, rules)


def rules(**changes: object) -> PickRules:
    return PickRules(**{**vars(RULES), **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_pools_that_are_empty_small_or_of_one_film(strategy: str) -> None:
    own = rules(strategy=strategy)
    assert pick([], own).tolist() == []
    assert sorted(pick(["a"] * 3, own).tolist()) == [0, 1, 2]
    assert len(set(pick(["a"] * 30, own).tolist())) == 4
    choice, images, embeddings = pool([])
    assert stands_for(choice, np.empty(0, np.int64), embeddings, NOBODY).tolist() == []
    assert selection_metrics(choice, np.empty(0, np.int64), images, embeddings, NOBODY)["picked"] == 0


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_film_takes_more_than_its_share_while_others_have_images(strategy: str) -> None:
    """Four films, 12 picks: three each, and half as many again at most."""
    films = ["long"] * 60 + ["a"] * 6 + ["b"] * 6 + ["c"] * 6
    taken = np.unique(np.array(films)[pick(films, rules(strategy=strategy, budget=12))], return_counts=True)
    assert taken[1].sum() == 12 and dict(zip(*taken, strict=True))["long"] <= 5


def test_a_film_takes_what_the_others_do_not_have() -> None:
    films = ["long"] * 30 + ["short"]
    picked = pick(films, rules(budget=12, strategy="uncertainty"))
    assert len(picked) == 12 and 30 in picked.tolist()


def test_stills_are_no_film() -> None:
    choice, images, embeddings = pool(["a"] * 5 + [""] * 40)
    choice.score[5:] += 1
    own = rules(budget=10, strategy="uncertainty")
    picked = pick_images(choice, images, embeddings, NOBODY, np.ones(45), own)
    assert picked.min() >= 5


@given(
    budget=st.floats(0.5, 30),
    seed=st.integers(0, 200),
    strategy=st.sampled_from(["herding", "uncertainty", "diversity", "random"]),
    films=st.integers(1, 4),
)
@settings(max_examples=50, deadline=None)
def test_a_budget_is_kept_and_used_up(budget: float, seed: int, strategy: str, films: int) -> None:
    rng = np.random.default_rng(seed)
    costs = rng.integers(1, 6, 25) * 0.7
    picked = pick([str(i % films) for i in range(25)], rules(budget=budget, strategy=strategy), costs, seed)
    assert len(set(picked.tolist())) == len(picked)
    left = budget - costs[picked].sum()
    assert left >= -1e-9
    rest = np.setdiff1d(np.arange(25), picked)
    assert not len(rest) or costs[rest].min() > left, "whatever still fits is taken"


def test_costs_are_counted_in_the_unit() -> None:
    people = np.array([1, 3])
    cost = {unit: image_costs(unit, people, joints=12, seconds_per_joint=2.5).tolist() for unit in UNITS}
    assert cost == {"images": [1, 1], "people": [1, 3], "keypoints": [12, 36], "minutes": [0.5, 1.5]}


def test_of_two_alike_the_cheaper_is_asked_about() -> None:
    choice, images, embeddings = pool(["a"] * 6)
    embeddings[:] = np.repeat(np.eye(3) * 9, 2, axis=0)
    choice.score[:] = 0.5
    picked = pick_images(choice, images, embeddings, NOBODY, np.tile([3.0, 1.0], 3), rules(budget=3))
    assert sorted(picked.tolist()) == [1, 3, 5]


def test_neighbours_in_time_are_thinned_out() -> None:
    choice, images, embeddings = pool(["a"] * 20)
    picked = pick_images(choice, images, embeddings, NOBODY, np.ones(20), rules(min_gap_frames=250, budget=20))
    assert np.diff(np.sort(images.frame[picked])).min() >= 250


def test_each_image_is_counted_for_its_nearest_pick() -> None:
    choice, _, embeddings = pool(["a"] * 5)
    embeddings[:] = np.array([[0.0], [1], [2], [10], [20]]) * [1, 0, 0]
    labelled = np.array([[21.0, 0, 0]])
    assert stands_for(choice, np.array([0, 3]), embeddings, labelled).tolist() == [3, 1]


def test_an_image_is_as_wanted_as_its_most_wanted_person_and_copies_count_once() -> None:
    people = People.build(
        image_id=[0, 0, 1, 2],
        bbox_xywh_px=np.ones((4, 4)),
        keypoints_px=np.zeros((4, 17, 2)),
        visibility=np.full((4, 17), 2),
        extras={"worth": [0.2, 0.7, 0.5, 0.5], "sha256": ["b", "b", "a", "a"]},
    )
    images = Images.build(id=[0, 1, 2], path=["x", "y", "z"], width=9, height=9)
    choice = candidate_images(people, images)
    assert choice.sha256.tolist() == ["a", "b"] and choice.image_row.tolist() == [1, 0]
    assert choice.score.tolist() == [0.5, 0.7] and choice.people.tolist() == [1, 2]


@settings(max_examples=25)
@given(st.integers(0, 100), st.sampled_from(sorted(STRATEGIES)), st.integers(1, 12))
def test_requests_choose_first_among_their_own_and_within_their_budget(seed: int, strategy: str, budget: int) -> None:
    films = ["a"] * 10 + ["b"] * 10 + [""] * 10
    choice, images, embeddings = pool(films, seed)
    own, costs = rules(strategy=strategy, budget=budget), np.ones(30)
    plain = pick_images(choice, images, embeddings, NOBODY, costs, own)
    again, nobody = pick_with_requests(choice, images, embeddings, NOBODY, costs, own, ())
    assert plain.tolist() == again.tolist() and set(nobody) <= {""}
    wanted = np.arange(30) % 3 == 0
    shares = [RequestedShare("x", wanted, 2.0), RequestedShare("y", np.arange(30) == 7, 5.0)]
    picked, of = pick_with_requests(choice, images, embeddings, NOBODY, costs, own, shares)
    assert len(set(picked.tolist())) == len(picked) == len(plain) == budget
    for_x = [row for row, request in zip(picked.tolist(), of, strict=True) if request == "x"]
    assert len(for_x) == min(2, budget) and wanted[for_x].all()
    assert of.count("y") == (1 if budget > 2 else 0), "it takes what there is, and leaves the rest"
    assert of == sorted(of, key=lambda request: {"x": 0, "y": 1, "": 2}[request])


def test_requests_keep_the_gap_between_frames_of_a_film_and_others_picks() -> None:
    choice, images, embeddings = pool(["a"] * 12)
    images = images.replace(frame=np.arange(12) * 4)
    own = rules(budget=4, min_gap_frames=8)
    shares = [RequestedShare("x", np.arange(12) < 6, 2.0)]
    picked, of = pick_with_requests(choice, images, embeddings, NOBODY, np.ones(12), own, shares)
    assert of[:2] == ["x", "x"] and np.diff(np.sort(images.frame[picked])).min() >= 8
