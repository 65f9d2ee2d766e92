"""When people were asked about a picture and why, and what they answered."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataengine.files import read_json
from dataengine.rounds.answered import PictureAnswer, read_answers
from dataengine.rounds.asked import AskedRound
from dataengine.terminal.speech import count

from .finding import FoundSample
from .models import who_asked
from .section import Section, when
from .training import labels_of_mix

MANIFEST = "to_label.json"


def asked_section(sample: FoundSample) -> Section:
    """The rounds that asked about it; else whether the present selection does, or looked at it."""
    rounds = [asked for asked in sample.catalogue.rounds if sample.sha256 in asked.picks]
    lines, facts = list[str](), list[dict[str, Any]]()
    for asked in rounds:
        pick, choice = asked.picks[sample.sha256], asked.choice
        facts.append({"round": asked.number, "at": asked.at, "pick": dict(pick), "choice": dict(choice)})
        lines.append(f"round {asked.number}, {when(asked.at)}: {_rank(pick, len(asked.picks))} by {_rule(asked)}")
        lines.append(f"  by the student {who_asked(sample.models, str(choice.get('student_sha256', '')))}")
        lines.append(f"  because: {pick.get('why') or 'unknown'}")
    if not rounds:
        lines = [_not_recorded(sample)]
    return Section("asked", tuple(lines), {"rounds": facts})


def _rank(pick: Mapping[str, Any], picks: int) -> str:
    rank = int(pick["rank"]) + 1 if "rank" in pick else "unknown"
    return f"pick {rank} of {picks}"


def _rule(asked: AskedRound) -> str:
    choice = asked.choice
    return f"{choice.get('strategy', 'an unknown rule')}, budget {asked.budget}, seed {choice.get('seed', 'unknown')}"


def _not_recorded(sample: FoundSample) -> str:
    path = sample.catalogue.file("select", "--out", MANIFEST)
    pick = read_json(path).get("images", {}).get(sample.sha256) if path else None
    if pick:
        return f"picked by the selection that is there, which no recorded round has; because: {pick.get('why')}"
    scored = [person for row in sample.rows("scored") for person in row.people]
    if scored:
        most = max(float(person.get("uncertainty", 0.0)) for person in scored)
        return f"never; the selection that is there looked at it and passed it over (uncertainty {most:.2f})"
    return f"never, in {count(len(sample.catalogue.rounds), 'recorded round')}"


def answered_section(sample: FoundSample) -> Section:
    """Who labelled it, when, in how long, what changed, and whether the mix learns from that."""
    folder = sample.catalogue.file("select", "--labels")
    answers = [] if folder is None else [a for a in read_answers(folder) if a.sha256 == sample.sha256]
    number = {asked.selection_sha256: asked.number for asked in sample.catalogue.rounds}
    learnt = {Path(name).name for name in labels_of_mix(sample)}
    lines, facts = list[str](), list[dict[str, Any]]()
    for answer in answers:
        facts.append(_facts(answer, number.get(answer.selection_sha256), in_mix=answer.file.name in learnt))
        lines += _words(facts[-1])
    return Section("answered", tuple(lines) or ("by nobody",), {"answers": facts})


def _facts(answer: PictureAnswer, asked_in: int | None, *, in_mix: bool) -> dict[str, Any]:
    return {
        "annotator": answer.annotator,
        "imported_at": answer.at,
        "seconds": answer.seconds,
        "people": answer.people,
        "joints": answer.joints,
        "joints_changed": answer.changed,
        "round": asked_in,
        "file": answer.file.name,
        "sent": answer.sent or None,
        "counts": answer.counts,
        "in_mix": in_mix,
    }


def _words(facts: Mapping[str, Any]) -> list[str]:
    took = "in unknown time" if facts["seconds"] is None else f"in {facts['seconds']:.0f} s"
    seen = (
        f"{count(facts['people'], 'person', 'people')}, {count(facts['joints'], 'joint')}"
        if facts["people"]
        else "nobody there"
    )
    changed = facts["joints_changed"]
    effort = "not compared with the model's" if changed is None else f"{changed} joints moved, added or removed"
    asked_in = "of no known round" if facts["round"] is None else f"to round {facts['round']}"
    standing = "" if facts["counts"] else "; a later import counts instead"
    use = "the mix has the file" if facts["in_mix"] else "the mix of this round does not have the file (mix.labels)"
    return [
        f"by {facts['annotator']}, imported {when(facts['imported_at'])}, {took}, {asked_in}: {seen}; {effort}",
        f"  {facts['file']}, sent out as {facts['sent'] or 'unknown'}; {use}{standing}",
    ]
