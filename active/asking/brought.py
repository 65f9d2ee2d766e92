"""What a request brought: renders made, pictures asked for and answered, and what became of its slice.

AP before is that of the verdict whose failures asked, AP after that of the round that served it. Where the champion
that the candidate was compared with is the very model that failed, the verdict's own paired interval says how AP
changed. Else the two intervals are of different rounds: their half-widths are added in quadrature, as for independent
figures, which is too wide rather than too narrow since both models met the same people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot
from typing import Any

from dataengine.evaluation.analysis.interval import Interval
from dataengine.requests.record import PoseRequest
from dataengine.rounds.answered import PictureAnswer
from dataengine.rounds.asked import AskedRound

from .parts import CLUSTER, kind_of
from .verdict_figures import VerdictFigures


@dataclass(frozen=True)
class Change:
    """How AP in a slice changed."""

    before: float
    after: float
    change: Interval
    is_paired: bool


def brought_by(
    request: PoseRequest,
    verdict: VerdictFigures | None,
    rendered: Mapping[str, Any],
    rounds: Sequence[AskedRound],
    answers: Sequence[PictureAnswer],
) -> dict[str, Any]:
    """The facts, and `words` for people.

    Args:
        request: the request.
        verdict: of the last round that served it; None where nothing was compared.
        rendered: what the stage render made of each request, by id.
        rounds: all selections.
        answers: all labels that came back.
    """
    made = int((rendered.get(request.id) or {}).get("renders", 0))
    wanted = {sha for asked in rounds for sha, pick in asked.picks.items() if pick.get("request") == request.id}
    answered = {answer.sha256 for answer in answers if answer.sha256 in wanted}
    change = None if verdict is None else change_in(request, verdict)
    facts: dict[str, Any] = {"renders": made, "pictures": len(wanted), "answered": len(answered)}
    words = [f"{made} renders", f"{len(answered)} of {len(wanted)} pictures labelled"]
    if change is not None:
        facts |= {
            "before": change.before,
            "after": change.after,
            "change": {"value": change.change.value, "low": change.change.low, "high": change.change.high},
            "is_paired": change.is_paired,
            "is_better": change.change.low > 0,
        }
        how = "paired" if change.is_paired else "unpaired"
        words.append(
            f"AP in {request.asked.part} {change.before:.3f} to {change.after:.3f}: {change.change.value:+.3f}"
            f" ({change.change.low:+.3f} to {change.change.high:+.3f}, {how})"
        )
    elif request.asked.part:
        words.append(f"AP in {request.asked.part} cannot be compared")
    return {**facts, "words": "; ".join(words)}


def change_in(request: PoseRequest, verdict: VerdictFigures) -> Change | None:
    """How AP in the request's slice changed since it was asked for; None where the two cannot be compared."""
    evidence, asked = request.asked.evidence, request.asked
    now = verdict.slices.get(asked.part)
    same_clusters = kind_of(asked.part) != CLUSTER or asked.clusters_id == verdict.clusters_id
    if now is None or "AP" not in evidence or evidence.get("test_sha256") != verdict.test_sha256 or not same_clusters:
        return None
    before = Interval(float(evidence["AP"]), float(evidence["low"]), float(evidence["high"]))
    if now.gain is not None and verdict.champion == evidence.get("candidate"):
        return Change(before.value, now.ap.value, now.gain, is_paired=True)
    value = now.ap.value - before.value
    low = value - hypot(now.ap.value - now.ap.low, before.high - before.value)
    high = value + hypot(now.ap.high - now.ap.value, before.value - before.low)
    return Change(before.value, now.ap.value, Interval(value, low, high), is_paired=False)
