"""The page of `compare-judges`."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from dataengine.studies.page import STYLES, new_figure, paragraph, write_metrics, write_page
from dataengine.studies.scene_interval import films_of_scenes

from .ranking import COVERAGES, JudgeFigures

PAGE_NAME = "judges"


@dataclass(frozen=True)
class JudgeRow:
    """One judge of one teacher on one set of films."""

    films: str
    film_count: int
    scene_count: int
    """Films that were taken together are one scene."""
    joints: int
    wrong: float
    """Share of the teacher's labelled joints that are wrong."""
    teacher: str
    judge: str
    figures: JudgeFigures


def write_judges_page(report: Path, rows: Sequence[JudgeRow], called: str) -> None:
    """Write judges.md, judges.png and metrics.json into `report`."""
    shares = " and ".join(f"{share:.0%}" for share in COVERAGES)
    lines = ["# Who knows where a teacher is wrong", "", f"    {called}", ""]
    lines += paragraph(
        "Teachers label people in their labelled boxes; a joint is wrong whose own OKS with the label is below 0.5. A",
        "judge ranks the joints without labels. AUROC: the probability that it trusts a right joint more than a wrong",
        "one; in brackets its 95 % interval, scenes resampled whole, wider where they are few; films that were taken",
        "together, such as the views of synchronised cameras, are one scene. Risk: the share of wrong joints among the",
        f"{shares} it trusts most. AURC: the mean risk over all coverages, where a judge that knows everything has",
        "about half of the squared share of wrong joints. Distances count in sizes of the person, and relative to how",
        "wide OKS takes the joint to be: what is far for an eye is near for a hip.",
        "*Lifted pose*: the distance from where the teacher's own pose, lifted to space over many frames, projects to.",
        "*All together* is a logistic regression over the others but the cameras, learned for each scene on the rest.",
    )
    for films, teacher in dict.fromkeys((row.films, row.teacher) for row in rows):
        own = [row for row in rows if (row.films, row.teacher) == (films, teacher)]
        lines += ["", f"## {films}: {teacher}", ""]
        lines += [*paragraph(_extent(own[0])), ""]
        header = " | ".join(f"risk at {share:.0%}" for share in COVERAGES)
        lines += [f"| judge | AUROC | {header} | AURC |", "|---|---|---|---|---|", *map(_line, own)]
    lines += ["", "![AUROC of each judge](judges.png)"]
    sets = list(dict.fromkeys((row.films, row.teacher) for row in rows))
    judges = list(dict.fromkeys(row.judge for row in rows))
    figure = new_figure(9, 4.5)
    axes = figure.add_subplot()
    for number, each in enumerate(sets):
        color, marker = STYLES[number % len(STYLES)]
        own = [row for row in rows if (row.films, row.teacher) == each]
        at = [judges.index(row.judge) + 0.12 * (number - len(sets) / 2) for row in own]
        label = f"{Path(each[0].split(',')[0]).parent.name}: {each[1]}"
        axes.plot(at, [row.figures.auroc for row in own], marker, color=color, label=label)
    axes.set_xticks(range(len(judges)), [judge.replace(" ", "\n") for judge in judges])
    axes.tick_params(axis="x", labelsize=7)
    axes.axhline(0.5, color="#777777", linewidth=0.8)
    axes.set_ylabel("AUROC")
    axes.legend(fontsize=7)
    write_page(report, PAGE_NAME, lines, figure)
    write_metrics(report, [asdict(row) for row in rows])


def _extent(row: JudgeRow) -> str:
    """How much one teacher is judged on, and what that leaves open."""
    films = films_of_scenes(row.film_count, row.scene_count)
    extent = f"{films}, {row.joints} labelled joints, {row.wrong:.1%} of them wrong."
    if row.scene_count > 1:
        return extent
    learned = " *All together* is learned for each film on the others of the scene." * (row.film_count > 1)
    return f"{extent} One scene has no interval: it does not say what others would show.{learned}"


def _line(row: JudgeRow) -> str:
    of = row.figures
    low, high = of.interval
    interval = f" ({low:.3f} to {high:.3f})" if low == low else ""
    risks = " | ".join(f"{risk:.1%}" for risk in of.risk)
    auroc = "-" if math.isnan(of.auroc) else f"{of.auroc:.3f}{interval}"  # nothing is wrong, or nothing right
    return f"| {row.judge} | {auroc} | {risks} | {of.aurc:.4f} |"
