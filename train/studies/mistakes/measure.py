"""How well a search ranks the mistakes that were made: areas by kind and by witness, and how pure its first lines are.

Mistakes of a kind are compared with what was left as it is, people, joints or pictures, whatever is wrong with it
already; people with mistakes of other kinds do not count. So labels that were wrong before count as false alarms, and
every figure is a lower bound.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.evaluation.analysis.interval import Interval
from dataengine.evaluation.analysis.roc import auroc
from dataengine.people import Images

from ...mistakes.hypotheses import EXCHANGES, Floats
from ...mistakes.search import Search
from ...mistakes.verdicts import KINDS
from .area import auroc_interval
from .inject import Injected

RESAMPLES = 1000
FIRST = 100  # suspects whose precision is given
FALSE_ALARMS = 0.005  # of what mistakes are compared with: as many as the check of sides by geometry raises on LSPET
LARGE = 0.75  # limb lengths from which on a shift is called large
BY_JOINT = ("joint", "neighbour", "flag")
LOWEST = -1e6  # stands for minus infinity


@dataclass(frozen=True)
class KindFigures:
    """How well mistakes of one kind are found."""

    kind: str
    mistakes: int
    others: int
    """People, joints or pictures that they are compared with."""
    area: Interval
    """Area under the ROC curve."""
    caught: float
    """Share of the mistakes that score above all but `FALSE_ALARMS` of the others."""
    alone: Mapping[str, float]
    """The area by each witness and each measure of geometry alone."""
    named: float | None
    """Share of the mistakes whose kind the search names rightly; None where it is not a verdict's."""


@dataclass(frozen=True)
class RankingFigures:
    """How pure the first lines of the ranking of people are."""

    first: int
    precision: float
    """Share of made mistakes among the first lines: a lower bound."""
    share_ranked: float
    precision_of_share: float
    """The same among the first `share_ranked` of all people."""
    made: float
    """Share of made mistakes among all people that are ranked."""


def kind_figures(found: Search, injected: Injected, images: Images, rng: np.random.Generator) -> list[KindFigures]:
    """Figures for each kind that was made; `found` is of the people who kept their labels."""
    kinds = [kind for kind in (*KINDS, "flag") if (injected.kind == kind).any()]
    figures = [_of_kind(kind, found, injected, rng) for kind in kinds]
    if (large := injected.limbs >= LARGE).any():
        figures.append(_of_kind("joint", found, injected, rng, only=large, name=f"joint, {LARGE:g} limbs or more"))
    if found.unlabelled is not None and (injected.kind == "missing").any():
        figures.append(_of_missing(found, injected, images, rng))
    return figures


def ranking_figures(found: Search, injected: Injected, share: float) -> RankingFigures:
    """Precision at the first lines and at the first `share` of the people who kept their labels."""
    made = injected.kind[injected.kept] != ""
    order = ranking(found)
    count = round(share * len(order))
    first = min(FIRST, len(order))
    return RankingFigures(
        first, float(made[order[:first]].mean()), share, float(made[order[:count]].mean()), float(made.mean())
    )


def ranking(found: Search) -> NDArray[np.int64]:
    """Rows of the people who were judged, the most doubtful first."""
    return np.argsort(-found.verdicts.wrong_log_odds, kind="stable")


def _of_kind(
    kind: str,
    found: Search,
    injected: Injected,
    rng: np.random.Generator,
    *,
    only: NDArray[np.bool_] | None = None,
    name: str = "",
) -> KindFigures:
    kept = injected.kept
    made = (injected.kind == kind) & (True if only is None else only)
    rows = np.flatnonzero(made[kept] | (injected.kind[kept] == ""))
    score, alone = _scores(kind, found)
    positive, person = made[kept][rows], rows
    pick: tuple[Any, Any]
    if kind in BY_JOINT:
        joint = injected.joint[kept][rows]
        asked = np.where(positive[:, None], np.arange(score.shape[1]) == joint[:, None], np.isfinite(score[rows]))
        person, joints = np.nonzero(asked)
        positive, pick = positive[person], (rows[person], joints)
    else:
        pick = (rows, ...)
    ranked = np.maximum(score[pick], LOWEST)
    area = auroc_interval(ranked, positive, person, resamples=RESAMPLES, rng=rng)
    by = {witness: auroc(values[pick], positive) for witness, values in alone.items()}
    index = KINDS.index(kind) if kind in KINDS else -1
    named = float((found.verdicts.kind[made[kept]] == index).mean()) if index >= 0 else None
    return KindFigures(
        name or kind, int(positive.sum()), int((~positive).sum()), area, _caught(ranked, positive), by, named
    )


def _caught(score: Floats, positive: NDArray[np.bool_]) -> float:
    return float((score[positive] > np.quantile(score[~positive], 1 - FALSE_ALARMS)).mean())


def _scores(kind: str, found: Search) -> tuple[Floats, dict[str, Floats]]:
    """What ranks mistakes of a kind, (n,) or (n, 17), and what each piece of evidence alone says."""
    if kind in EXCHANGES:
        odds = found.exchange[kind]
        pieces = {name: -odds.evidence[:, i] for i, name in enumerate(odds.names)}
        return found.verdicts.log_odds[:, KINDS.index(kind)], pieces
    if kind == "person":
        return found.verdicts.log_odds[:, KINDS.index(kind)], {}
    if kind == "flag":
        return found.flag, {}
    return found.misplaced.joint, {name: -evidence for name, evidence in found.misplaced.of_place.items()}


def _of_missing(found: Search, injected: Injected, images: Images, rng: np.random.Generator) -> KindFigures:
    """Pictures by the likeliest person without labels in them."""
    assert found.unlabelled is not None
    chance = np.zeros(len(images))
    np.maximum.at(chance, images.rows_of(found.unlabelled.image_id), found.unlabelled.chance)
    rows = images.rows_of(injected.people.image_id)
    made, other = injected.kind == "missing", injected.kind == ""
    pictures = np.concatenate([np.unique(rows[made]), np.setdiff1d(rows[other], rows[made])])
    positive = np.arange(len(pictures)) < len(np.unique(rows[made]))
    area = auroc_interval(chance[pictures], positive, pictures, resamples=RESAMPLES, rng=rng)
    caught = _caught(chance[pictures], positive)
    return KindFigures("missing", int(positive.sum()), int((~positive).sum()), area, caught, {}, None)
