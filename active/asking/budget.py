"""Shares renders and labels of a round among its needs: the gravest first, each in proportion to its weight."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from dataengine.requests.record import PoseRequest

from .need import Need
from .parts import WITHOUT_LABELS, kind_of
from .request_params import RequestParams


@dataclass(frozen=True, eq=False)
class Granted:
    """A need with what it gets."""

    need: Need
    renders: int
    labels: int


def grant(needs: Iterable[Need], earlier: Sequence[PoseRequest], params: RequestParams) -> list[Granted]:
    """The `params.most` gravest needs, with their renders and labels.

    Of several about one slice the gravest counts. A need weighs less for each of the `earlier` requests about the same
    slice that did not make it clearly better: what has been tried and did not help makes room.
    """
    weighed = [replace(need, weight=need.weight * params.asked_again ** _in_vain(need, earlier)) for need in needs]
    gravest: dict[str, Need] = {}
    for number, need in enumerate(sorted(weighed, key=lambda need: -need.weight)):
        gravest.setdefault(need.part or f"poses {number}", need)
    chosen = [need for need in gravest.values() if need.weight > 0][: params.most]
    renders = shares([need.weight for need in chosen], params.renders)
    asking = [need.weight if need.wants_labels and _can_be_labelled(need) else 0.0 for need in chosen]
    labels = shares(asking, params.labels)
    return [Granted(*each) for each in zip(chosen, renders, labels, strict=True)]


def shares(weights: Sequence[float], total: int) -> list[int]:
    """`total` in whole parts in proportion to the weights, the largest remainders rounded up; 0 for weight 0.

    >>> shares([0.2, 0.1, 0.0], 10)
    [7, 3, 0]
    """
    whole = sum(weights)
    if whole <= 0:
        return [0] * len(weights)
    exact = [total * weight / whole for weight in weights]
    parts = [int(share) for share in exact]
    rest = sorted(range(len(weights)), key=lambda row: (parts[row] - exact[row], row))
    for row in rest[: total - sum(parts)]:
        parts[row] += 1
    return parts


def _can_be_labelled(need: Need) -> bool:
    """Whether the pool shows who belongs to it; single poses are looked up by their cluster."""
    return not need.part or kind_of(need.part) in WITHOUT_LABELS


def _in_vain(need: Need, earlier: Sequence[PoseRequest]) -> int:
    same = (each for each in earlier if need.part and each.asked.part == need.part and each.state.now == "served")
    return sum(not each.state.brought.get("is_better") for each in same)
