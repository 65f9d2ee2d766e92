"""List the rounds: what was asked, by which rule and model, how much of it was answered, and what that took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from dataengine.files import short_sha256
from dataengine.labels.labelling_time import LONGEST_S_A_JOINT
from dataengine.rounds.answered import PictureAnswer, of_no_round, of_round, read_answers
from dataengine.rounds.asked import AskedRound, read_rounds
from dataengine.rounds.places import read_places
from dataengine.terminal.speech import answer

COLUMNS = ("round", "when (UTC)", "rule", "budget", "asked by", "asked", "answered", "joints", "minutes", "joints/min")


@dataclass(frozen=True)
class Work:
    """What came of a round."""

    answered: int
    """Pictures."""
    joints: int
    """Labelled, in the answers that count."""
    minutes: float
    """What the answers with a recorded time took."""
    timed_joints: int
    """Labelled in those."""

    @property
    def joints_per_minute(self) -> float | None:
        """None where no time was recorded."""
        return self.timed_joints / self.minutes if self.minutes else None


def command(
    pipeline: Annotated[Path, typer.Option(help="The pipeline, which says where the files lie.")] = Path("dvc.yaml"),
) -> None:
    """List every selection that select made, oldest first, with what people answered and how long that took.

    Reads the records that select leaves and the label store (--rounds and --labels of the stage select), and writes
    nothing. "asked by" is the start of the SHA-256 of the student's weights. Minutes are those that the annotation tool
    recorded (Label Studio's lead time); answers of more than a minute a joint were left open over a break and do not
    count. The last lines are labels that answer no recorded selection, if there are any, and the totals.

    Example: dataengine ledger
    """
    places = read_places(pipeline)
    run(rounds=places.needed("select", "--rounds"), labels=places.needed("select", "--labels"))


def run(*, rounds: Path, labels: Path) -> None:
    """Print the list."""
    from rich.console import Console
    from rich.table import Table

    known, answers = read_rounds(rounds), read_answers(labels)
    if not known and not answers:
        answer("Nobody has been asked for labels yet: run `dvc repro`.")
        return
    table = Table(*COLUMNS)
    for row in rows_of(known, answers):
        table.add_row(*row)
    console = Console()
    # The width of a pipe is unknown: take one at which no line is broken.
    console = console if console.is_terminal else Console(width=160)
    console.print(table)


def rows_of(rounds: Sequence[AskedRound], answers: Sequence[PictureAnswer]) -> list[tuple[str, ...]]:
    """The lines of the table."""
    rows = [(*_facts_of(asked), *_figures(len(asked.picks), work_of(of_round(answers, asked)))) for asked in rounds]
    strangers = of_no_round(answers, rounds)
    if strangers:
        rows.append(("-", "", "in no known round", "", "", *_figures(None, work_of(strangers))))
    asked = len({sha256 for each in rounds for sha256 in each.picks})
    return [*rows, ("all", "", "", "", "", *_figures(asked, work_of(answers)))]


def work_of(answers: Sequence[PictureAnswer]) -> Work:
    """Sums over answers. A picture that was answered again counts once, its time each time."""
    timed = [each for each in answers if each.seconds and each.seconds <= LONGEST_S_A_JOINT * each.joints]
    return Work(
        answered=len({each.sha256 for each in answers}),
        joints=sum(each.joints for each in answers if each.counts),
        minutes=sum(each.seconds or 0.0 for each in timed) / 60,
        timed_joints=sum(each.joints for each in timed),
    )


def _facts_of(asked: AskedRound) -> tuple[str, ...]:
    choice = asked.choice
    when = asked.at.replace("T", " ").removesuffix("+00:00")
    by = short_sha256(str(choice.get("student_sha256", ""))) or "unknown"
    return str(asked.number), when, str(choice.get("strategy", "unknown")), asked.budget, by


def _figures(asked: int | None, work: Work) -> tuple[str, ...]:
    rate = work.joints_per_minute
    return (
        "-" if asked is None else str(asked),
        str(work.answered),
        str(work.joints),
        f"{work.minutes:.1f}" if rate is not None else "unknown",
        f"{rate:.1f}" if rate is not None else "unknown",
    )
