"""The text of a change request for a round: the verdict, what changes in the registry, and the bill for labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dataengine.rounds.whole import WholeRound


def change_request(ended: WholeRound, page: str) -> str:
    """Markdown; `page` is where the round's page lies."""
    return "\n".join(_lines(ended, page)) + "\n"


def _lines(ended: WholeRound, page: str) -> Iterator[str]:
    facts = ended.facts
    decided = facts.get("decided")
    yield f"# Round {ended.number}" + (f": {decided['verdict']}" if decided else "")
    yield ""
    if decided:
        yield from (decided["reason"], "", _registry(decided), "")
    yield from _bill(facts)
    yield from ("", f"Page with all of it: `{page}` (begun at commit {ended.commit[:12]}).")
    if ended.uncommitted:
        yield f"Not in git, so that this round cannot be repeated: {', '.join(ended.uncommitted)}."


def _registry(decided: Mapping[str, Any]) -> str:
    before = decided["champion"] or "none"
    after = decided["candidate"] if decided["outcome"] == "promoted" else before
    change = "stays" if after == before else f"{before} ->"
    became = decided["outcome"] or "no outcome"
    return f"Registry: champion {change} {after}; candidate {decided['candidate']}: {became}."


def _bill(facts: Mapping[str, Any]) -> Iterator[str]:
    bill = facts.get("to_label")
    if bill:
        minutes = "time unknown" if bill["minutes"] is None else f"about {bill['minutes']:g} minutes"
        yield f"Label bill: {bill['images']} images with {bill['people']} people, {minutes}."
    waiting = facts.get("next") or []
    yield "" if waiting else "No request to the next round."
    for request in waiting:
        wanted = f"{request['renders']} renders, {request['labels']} labels"
        yield f"- request {request['id']}: {wanted}; {request['reason']}"
