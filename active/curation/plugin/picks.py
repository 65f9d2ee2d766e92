"""The picks as a queue: what is finished, and which one is next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dataengine.errors import InputError

from .journal import read_answers
from .said import place, to_label


def queue(ctx: Any) -> list[dict[str, Any]]:
    """The picks with what is finished, most wanted first.

    Raises:
        InputError: no dataset is open, or an answer on disk is damaged.
    """
    if ctx.dataset is None:
        raise InputError("no dataset is open", fix="open the App by `dataengine app`")
    answers = read_answers(place(ctx).answers)
    names = ("id", "sha256", "rank", "why", "filepath")
    rows = zip(*to_label(ctx.dataset).values(list(names)), strict=True)
    listed = [dict(zip(names, row, strict=True)) for row in rows]
    for row in listed:
        row["finished"] = answers[row["sha256"]].finished_by if row["sha256"] in answers else ""
    return listed


def next_waiting(listed: Sequence[Mapping[str, Any]], after: str = "") -> tuple[Mapping[str, Any] | None, str]:
    """The pick to go on with, and a line: the first that waits behind the one with the hash `after`, then from the top.

    A pick waits that nobody has finished and whose picture is there.
    """
    place_of_last = next((at for at, row in enumerate(listed) if row["sha256"] == after), -1)
    unfinished = [row for row in [*listed[place_of_last + 1 :], *listed[: place_of_last + 1]] if not row["finished"]]
    waiting = [row for row in unfinished if Path(row["filepath"]).is_file()]
    gone = len(unfinished) - len(waiting)
    words = f"{len(waiting)} picks are waiting" if waiting else "every pick is finished"
    if gone:
        words = f"{len(waiting)} picks are waiting; of {gone} more the picture is gone: dvc pull, or `dvc repro`"
    return (waiting[0] if waiting else None), words
