"""A need: a part of people on whom the model errs, how much that weighs, and who says so.

Every source turns its failures into needs (`gate.py`, `clusters.py`, `shadow.py`, `by_hand.py`); `budget.py` shares
renders and labels among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.people import Images, People
from dataengine.requests.record import Asker


@dataclass(frozen=True, eq=False, kw_only=True)
class Need:
    """What one source asks for."""

    asked_by: Asker
    part: str
    """The slice, "" for just the examples."""
    weight: float
    """How much it is asked for, against other needs: how wrong times how rare, 0..1."""
    reason: str
    examples: tuple[People, Images] | None = None
    """Poses to render, where the source has its own; None: people of the part are looked up."""
    wants_labels: bool = True
    evidence: Mapping[str, Any] = field(default_factory=dict)


def rarity(is_like: NDArray[np.bool_]) -> float:
    """How rare a part is among the training people (n,), 0..1: the share that is not like it.

    One more person who is not like it is counted, so that a part to which all of them belong still weighs something.

    >>> rarity(np.array([True, False, False])), rarity(np.ones(3, dtype=bool)), rarity(np.zeros(0, dtype=bool))
    (0.75, 0.25, 1.0)
    """
    return 1.0 - float(is_like.sum()) / (len(is_like) + 1)
