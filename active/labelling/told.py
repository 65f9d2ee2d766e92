"""What an import says to its user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dataengine.errors import InputError
from dataengine.labels.label_file import LabelFile

from .answers import AnnotatorAnswers
from .gold import PCK_FRACTION
from .returned import Returned
from .sent import Sent


def in_words(name: str, sums: Mapping[str, Any]) -> str:
    """One line about an annotator."""
    changes = ", ".join(f"{sums[key]} {key}" for key in ("moved", "added", "removed"))
    line = (
        f"{name}: {sums['pictures']} images, {sums['people']} people; joints: {sums['untouched']} untouched, {changes}"
    )
    line += f" ({sums['untouched_share']:.0%} untouched: {sums['verdict']})"
    gold = sums.get("gold")
    if not gold:
        return line
    return (
        f"{line}; on {gold['pictures']} gold frames OKS {gold['oks']:.3f}, PCK@{PCK_FRACTION:g} {gold['pck']:.3f},"
        f" {gold['missed']} of {gold['people']} people missed (the model's guess: OKS {gold['prelabel_oks']:.3f})"
    )


def was_labelled(earlier: LabelFile, count: int) -> str:
    """One line about an earlier import of the same pictures."""
    by = ", ".join(earlier.annotators)
    return (
        f"{count} images were labelled before, by {by} ({earlier.path}, {earlier.at}): these labels count from now on"
    )


def nothing_left(labels: Path, answers: AnnotatorAnswers, sent: Sent, returned: Returned) -> InputError:
    """Why an import has nothing to keep."""
    if not answers.sha256 and (foreign := replace(returned, notes=(), people_of_others=0).lines()):
        fix = "give the record they were sent with, or leave --images out: the copies next to the record are used then"
        return InputError(f"{labels} labels no image of this round", got="; ".join(foreign), fix=fix)
    if not answers.sha256:
        fix = "label somebody; for images without people give --empty-is-nobody, or say nobody: true in their entries"
        return InputError(
            f"{labels} labels nobody",
            expected="at least one person, or a confirmed empty image",
            got="; ".join(returned.notes),
            fix=fix,
        )
    if answers.sha256 <= sent.gold_sha256:
        return InputError(f"{labels} answers gold frames alone", expected="labels to keep", got="none")
    return InputError(f"{labels} has no image in which a joint was touched", fix="correct the labels")
