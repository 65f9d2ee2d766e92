"""What the search found, in words and as facts for the sidecar."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from dataengine.adopted.contract import answers_line, feed_line
from dataengine.keypoints import COCO_KEYPOINTS, UNLABELLED
from dataengine.people import People

from .evidence import Choice
from .search import FoundContract

CHECKED_FROM = 3  # people in whom a joint is labelled, or its place in the order is only assumed


def facts(found: FoundContract, people: People, source: Mapping[str, str]) -> dict[str, Any]:
    """For the sidecar: how the contract was found, on whom, and how clearly."""
    return {
        "adoption": {
            **source,
            "people": len(people),
            "mean_oks": round(float(found.oks.mean()), 4),
            "joints_not_checked": unchecked(found, people),
            "choices": [asdict(choice) for choice in found.choices],
        }
    }


def unchecked(found: FoundContract, people: People) -> list[str]:
    """Joints of the contract that too few of the people had labelled to say anything of their place in the order."""
    labels = (people.visibility > UNLABELLED).sum(axis=0)
    return [name for name in found.contract.known if labels[COCO_KEYPOINTS.index(name)] < CHECKED_FROM]


def page(name: str, found: FoundContract, people: People) -> str:
    """What was found, as Markdown."""
    contract = found.contract
    lines = [
        f"{name} is adopted: mean OKS {found.oks.mean():.3f} on {len(people)} people.",
        "",
        f"- fed: {feed_line(contract.feed)}",
        f"- read: {answers_line(contract.answers)}",
        f"- joints: {len(contract.known)} of 17; {found.choices[-1].taken}",
        "",
        "| coordinate | taken | mean OKS | best of the others | difference, standard error | |",
        "|---|---|---|---|---|---|",
        *(_row(choice) for choice in found.choices),
    ]
    loose = unchecked(found, people)
    if loose:
        lines += ["", f"Hardly anybody has these joints labelled, so their order is assumed: {', '.join(loose)}."]
    return "\n".join(lines) + "\n"


def _row(choice: Choice) -> str:
    if not choice.rival:
        return f"| {choice.coordinate} | {choice.taken} | {choice.mean_oks:.3f} | none | | |"
    is_equal = choice.difference == choice.error == 0
    verdict = "equal" if is_equal else "not distinguished" if choice.is_tie else ""
    gain = f"{choice.difference:+.4f}, {choice.error:.4f}"
    return f"| {choice.coordinate} | {choice.taken} | {choice.mean_oks:.3f} | {choice.rival} | {gain} | {verdict} |"
