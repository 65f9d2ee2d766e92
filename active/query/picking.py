"""From scored people to the images to label, within a budget."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.people import Images, People

from ..choice.distances import nearest_centre, on_grid
from ..choice.spread_out import thin_in_time
from ..choice.strategies import BY_SCORE, STRATEGIES, nearest_distance

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Candidates:
    """One row per image that may be picked, in the order of their hashes."""

    sha256: NDArray[np.str_]  # (c,)
    image_row: Rows  # (c,) row in the table of scored images
    person_row: Rows  # (c,) the most wanted person in it, row of the scored people
    score: NDArray[np.float64]  # (c,) what that person's labels are worth
    people: Rows  # (c,) how many stand in it

    def take(self, rows: Rows | NDArray[np.bool_]) -> Candidates:
        """Some of them."""
        return Candidates(
            sha256=self.sha256[rows],
            image_row=self.image_row[rows],
            person_row=self.person_row[rows],
            score=self.score[rows],
            people=self.people[rows],
        )


@dataclass(frozen=True, kw_only=True)
class PickRules:
    """How to pick."""

    strategy: str
    """A name in `STRATEGIES`."""
    budget: float
    """What may be spent, in the unit of the costs."""
    min_gap_frames: int
    """Least distance of two picks of one film."""
    film_excess: float
    """How often its equal share of the picks a film may get while others have images left."""
    seed: int
    """For strategies that draw at random."""


def candidate_images(scored: People, images: Images) -> Candidates:
    """The images of scored people, each with its most wanted person; of copies of one file the first."""
    worth = scored.extras["worth"].astype(np.float64)
    image_row = images.rows_of(scored.image_id)
    first: dict[str, int] = {}
    for person in np.argsort(-worth, kind="stable").tolist():
        first.setdefault(str(scored.extras["sha256"][person]), person)
    person_row = np.array([first[key] for key in sorted(first)], dtype=np.int64)
    return Candidates(
        sha256=scored.extras["sha256"][person_row],
        image_row=image_row[person_row],
        person_row=person_row,
        score=worth[person_row],
        people=np.bincount(image_row, minlength=len(images))[image_row[person_row]],
    )


def pick_images(
    choice: Candidates,
    images: Images,
    embeddings: NDArray[np.float64],
    covered: NDArray[np.float64],
    costs: NDArray[np.float64],
    rules: PickRules,
) -> Rows:
    """Rows of `choice` to label, most wanted first: neighbours in time thinned out, then the query strategy.

    The strategy is asked for as many as the budget buys at the mean cost, and asked again, with the picks so far as
    labelled, for what is left because an image cost less, or was refused since its film had had its share. Where no
    other film has anything left, a film may have another share. What does not fit into the budget is passed over.

    Args:
        choice: what may be picked.
        images: the table that `choice.image_row` points into.
        embeddings: (p, d) of the scored people.
        covered: (m, d) of the labelled people.
        costs: (c,) of each image, above 0; fewer images are returned where there are fewer.
        rules: how to pick.
    """
    return pick_with_requests(choice, images, embeddings, covered, costs, rules, ())[0]


@dataclass(frozen=True, eq=False)
class RequestedShare:
    """What a request gets of the budget."""

    request: str
    """Its id."""
    candidates: NDArray[np.bool_]  # (c,) rows of `choice` that it is about
    budget: float
    """In the unit of the costs."""


def pick_with_requests(
    choice: Candidates,
    images: Images,
    embeddings: NDArray[np.float64],
    covered: NDArray[np.float64],
    costs: NDArray[np.float64],
    rules: PickRules,
    shares: Sequence[RequestedShare],
) -> tuple[Rows, list[str]]:
    """`pick_images`, where requests choose first: each among its own candidates, by the same strategy.

    What they leave of the budget is spent as if there were no requests, with their picks as labelled. Also returns the
    request (k,) that each pick is for, "" for none.
    """
    rng = np.random.default_rng(rules.seed)
    # a strategy that ignores the scores must not get them in through the thinning
    order = choice.score if rules.strategy in BY_SCORE else rng.random(len(choice.score))
    rows, own = choice.image_row, embeddings[choice.person_row]
    still = thin_in_time(order, images.video[rows], images.frame[rows], rules.min_gap_frames)
    film = images.video[rows]
    dear = costs if len(costs) and np.ptp(costs) else None
    picked: list[int] = []
    wanted_by: list[str] = []
    left, taken, share, times = float(rules.budget), Counter[str](), 0.0, 1
    turns = [(each.request, each.candidates, min(each.budget, left)) for each in shares]
    turns.append(("", np.ones(len(costs), dtype=bool), left))
    request, own_candidates, own_left = turns.pop(0)
    while True:
        still = still[costs[still] <= left]
        if not share:  # of the first round
            share = max(1.0, _share(film[still], _affordable(left, costs[still]), rules.film_excess))
        open_rows = still[own_candidates[still] & (costs[still] <= own_left)]
        allowed = open_rows[[_has_room(film[row], taken, share * times) for row in open_rows.tolist()]]
        if not len(allowed):
            if len(open_rows):
                times += 1
                continue
            if not turns:
                return np.array(picked, dtype=np.int64), wanted_by
            request, own_candidates, own_left = turns.pop(0)  # the one before has what it asked for, or all there is
            own_left, times = min(own_left, left), 1
            continue
        asked = STRATEGIES[rules.strategy](
            choice.score[allowed],
            own[allowed],
            _affordable(own_left, costs[allowed]),
            rng,
            labelled=np.concatenate([covered, own[picked]]),
            costs=None if dear is None else dear[allowed],
        )
        for row in allowed[asked].tolist():
            if costs[row] <= own_left and _has_room(film[row], taken, share * times):
                picked.append(row)
                wanted_by.append(request)
                taken[str(film[row])] += 1
                left -= costs[row]
                own_left -= costs[row]
        still = still[~np.isin(still, picked)]


def stands_for(choice: Candidates, picked: Rows, embeddings: NDArray[np.float64], covered: NDArray[np.float64]) -> Rows:
    """How many of the candidate images (k,) are nearer to each pick than to any other pick or labelled person.

    The pick itself is among them.
    """
    own = embeddings[choice.person_row]
    (points, centres), _ = on_grid(own, np.concatenate([own[picked], covered]))
    nearest = nearest_centre(points, centres)[0]
    return np.bincount(nearest[nearest < len(picked)], minlength=len(picked))


def selection_metrics(
    choice: Candidates,
    picked: Rows,
    images: Images,
    embeddings: NDArray[np.float64],
    covered: NDArray[np.float64],
) -> dict[str, float | int]:
    """Counts, how uncertain the picks are, and how much they widen what labels cover.

    `distance_*` is the mean distance, in units of the embedding, from a candidate to the nearest person that is
    labelled (before) or labelled or picked (after). Without candidates there are counts alone.
    """
    counts: dict[str, float | int] = {
        "candidates": len(embeddings),
        "candidate_images": len(choice.score),
        "labelled": len(covered),
        "picked": len(picked),
        "videos_picked": len(set(images.video[choice.image_row[picked]].tolist())),
    }
    if not len(choice.score):
        return counts
    own = embeddings[choice.person_row]
    before = nearest_distance(own, covered)
    after = np.minimum(before, nearest_distance(own, own[picked]))
    return counts | {
        "people_picked": int(choice.people[picked].sum()),
        "uncertainty_mean": round(float(choice.score.mean()), 4),
        "uncertainty_picked": round(float(choice.score[picked].mean()), 4) if len(picked) else 0.0,
        "distance_before": round(float(before.mean()), 4),
        "distance_after": round(float(after.mean()), 4),
    }


def _affordable(left: float, costs: NDArray[np.float64]) -> int:
    """How many images of the mean cost `left` buys, at least one."""
    return max(1, int(left / float(costs.mean()) + 1e-9)) if len(costs) else 0


def _share(film: NDArray[np.str_], picks: int, excess: float) -> float:
    """Picks that a film may have; stills are a film each, and need none."""
    films = len(set(film.tolist()) - {""}) + int((film == "").sum())
    return math.ceil(excess * min(picks, len(film)) / max(films, 1))


def _has_room(film: str, taken: Counter[str], share: float) -> bool:
    return not film or taken[str(film)] < share
