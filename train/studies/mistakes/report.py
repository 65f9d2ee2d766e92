"""The page of the study: mistakes.md, and metrics.json with the same figures."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from dataengine.evaluation.analysis.interval import Interval
from dataengine.files import atomic_path, write_json
from dataengine.mistakes.suspects import KINDS
from dataengine.studies.page import interval_note, paragraph, unfinished
from dataengine.studies.seed_spread import seed_gains, seed_means

from .measure import FALSE_ALARMS, KindFigures, RankingFigures
from .relabel import ARMS, Student

PAGE, METRICS = "mistakes.md", "metrics.json"


@dataclass(frozen=True)
class StudyPage:
    """All that the page says."""

    command: str
    people: int
    test_people: int
    folds: int
    fold_people: int
    student_people: int
    share: float
    made: Mapping[str, int]
    kinds: tuple[KindFigures, ...]
    ranking: RankingFigures
    students: tuple[Student, ...]
    planned: int
    """Seeds of students that are to come, those that are there among them."""


def write_page(report: Path, page: StudyPage) -> None:
    """Write both files into the folder `report`."""
    report.mkdir(parents=True, exist_ok=True)
    write_json(report / METRICS, asdict(page))
    with atomic_path(report / PAGE) as partial:
        partial.write_text("\n".join(page_lines(page)) + "\n", encoding="utf-8")


def page_lines(page: StudyPage) -> list[str]:
    """The page in Markdown."""
    return [
        "# Which label mistakes are found",
        "",
        f"    {page.command}",
        "",
        *_how(page),
        "",
        *_kind_table(page),
        "",
        *_alone_table(page),
        "",
        *_ranking(page),
        *(("", *_student_table(page)) if page.planned else ()),
    ]


def _how(page: StudyPage) -> list[str]:
    made = ", ".join(f"{count} {kind}" for kind, count in page.made.items())
    return paragraph(
        f"{page.people} people. Mistakes were made in {sum(page.made.values())} of them, one each, of every kind in",
        f"{page.share:.0%} of the people if as many are suited: {made}.",
        f"{page.folds} networks, fitted on {page.fold_people} people each, judged those they had not seen.",
    )


def _kind_table(page: StudyPage) -> list[str]:
    rows = [
        f"| {f.kind} | {_meaning(f.kind)} | {f.mistakes} | {f.others} | {_words(f.area)} | {f.caught:.0%} "
        f"| {_share(f.named)} |"
        for f in page.kinds
    ]
    head = "| kind | what was made | mistakes | compared with | AUROC, 95 % interval "
    head += f"| found at {FALSE_ALARMS:.1%} false alarms | kind named rightly |"
    return [head, "|---|---|---|---|---|---|---|", *rows]


def _alone_table(page: StudyPage) -> list[str]:
    """AUROC of every piece of evidence alone; its columns are those that any kind has."""
    names = list(dict.fromkeys(name for figures in page.kinds for name in figures.alone))
    if not names:
        return []
    rows = [
        f"| {f.kind} | {f.area.value:.3f} | " + " | ".join(_figure(f.alone.get(name)) for name in names) + " |"
        for f in page.kinds
        if f.alone
    ]
    return [f"| AUROC of | all | {' | '.join(names)} |", "|---" * (len(names) + 2) + "|", *rows]


def _ranking(page: StudyPage) -> list[str]:
    ranks = page.ranking
    return paragraph(
        f"Of the first {ranks.first} people of the ranking {ranks.precision:.0%} have a mistake that was made, of the",
        f"first {ranks.share_ranked:.0%} {ranks.precision_of_share:.0%}, of all {ranks.made:.0%}.",
        "Labels that were wrong before count as false alarms here, so these are lower bounds.",
    )


def _student_table(page: StudyPage) -> list[str]:
    groups = {arm: [s for s in page.students if s.arm == arm] for arm in ARMS}
    ap = seed_means({arm: [s.ap for s in each] for arm, each in groups.items()})
    pck = seed_means({arm: [s.pck_02 for s in each] for arm, each in groups.items()})
    gained = seed_gains({arm: {s.seed: s.ap for s in each} for arm, each in groups.items()}, "none")
    rows = [
        f"| {arm} | {says} | {_mean([s.corrected for s in groups[arm]])} | {pck[arm].text()} | {ap[arm].text()} "
        f"| {gained[arm].text('+') if arm in gained else ''} | {len(groups[arm])} |"
        for arm, says in ARMS.items()
        if groups[arm]
    ]
    head = "| labels | | mistakes put right | PCK@0.2 | AP | AP over `none` | seeds |"
    about = paragraph(
        f"Students fitted on {page.student_people} people each, measured on {page.test_people} people whose labels",
        "were left as they are:",
    )
    note = paragraph(interval_note("the rows", "people"), "AP over `none` is taken seed by seed.")
    todo = unfinished(len(page.students), page.planned * len(ARMS), "student")
    return [*todo, *about, "", head, "|---|---|---|---|---|---|---|", *rows, "", *note]


def _meaning(kind: str) -> str:
    return KINDS[kind.split(",")[0]]


def _mean(values: list[int]) -> str:
    return f"{sum(values) / len(values):.0f}"


def _words(interval: Interval) -> str:
    return f"**{interval.value:.3f}** ({interval.low:.3f} to {interval.high:.3f})"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"
