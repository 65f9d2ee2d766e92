"""The third step of `select`: from scored people to the images to label, within the budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.requests.pinned import RequestsParams

from ..asking.label_shares import requested_shares
from ..query.budget import image_costs
from ..query.lookalikes import lookalikes
from ..query.picking import Candidates, PickRules, Rows, candidate_images, pick_with_requests
from ..query.select_params import SelectParams
from .inputs import SelectInputs
from .scores import SelectScores


@dataclass(frozen=True, eq=False, kw_only=True)
class SelectPicks:
    """The images that could be asked for (c), and those that are (k)."""

    choice: Candidates
    picked: Rows  # (k,) of `choice`, most wanted first
    wanted_by: Sequence[str]  # (k,) the request that each is for, "" for none
    costs: NDArray[np.float64]  # (c,) in the budget's unit
    shown_elsewhere: NDArray[np.bool_]  # (images,) of the scored images: another picture shows the same


def pick_rules(params: SelectParams) -> PickRules:
    """How the section `select` says to pick."""
    return PickRules(
        strategy=params.strategy,
        budget=params.budget,
        min_gap_frames=params.min_gap_frames,
        film_excess=params.film_excess,
        seed=params.seed,
    )


def choose(params: SelectParams, requests: RequestsParams, inputs: SelectInputs, scores: SelectScores) -> SelectPicks:
    """Pick: open requests first, then the rule; of pictures that show the same only the most wanted one."""
    images, scored = inputs.images, scores.scored
    choice = candidate_images(scored, images)
    rank = np.full(len(images), len(images))
    rank[choice.image_row[np.argsort(-choice.score, kind="stable")]] = np.arange(len(choice.score))
    shown_elsewhere = lookalikes(inputs.people, images, rank, (inputs.truth, inputs.truth_images))
    choice = choice.take(~shown_elsewhere[choice.image_row])
    costs = image_costs(params.budget_unit, choice.people, scores.joints, inputs.seconds_per_joint)
    most = params.budget * requests.label_share
    shares = requested_shares(inputs.requests, choice, scored, images, inputs.poses, costs=costs, most=most)
    picked, wanted_by = pick_with_requests(
        choice, images, scores.embeddings, scores.covered, costs, pick_rules(params), shares
    )
    return SelectPicks(choice=choice, picked=picked, wanted_by=wanted_by, costs=costs, shown_elsewhere=shown_elsewhere)
