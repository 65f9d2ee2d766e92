"""The page of `compare-trackers`."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from dataengine.studies.page import STYLES, new_figure, paragraph, write_metrics, write_page
from dataengine.studies.scene_interval import films_of_scenes

from .scores import TrackerFigures

PAGE_NAME = "tracking"


@dataclass(frozen=True)
class Row:
    """One tracker on one set of films."""

    films: str
    found: str
    """Who is followed: `compare_trackers.FOUND` or `BOXES`."""
    film_count: int
    scene_count: int
    """Films that were taken together are one scene."""
    people: int
    """Identities in these films."""
    tracker: str
    figures: TrackerFigures
    frames_per_s: float


def write_comparison_page(report: Path, rows: Sequence[Row], called: str) -> None:
    """Write tracking.md, tracking.png and metrics.json into `report`."""
    lines = ["# Who is who along a film", "", f"    {called}", ""]
    lines += paragraph(
        "All trackers get the same people. HOTA by boxes compares those (IoU), HOTA by OKS the joints; in brackets its",
        "95 % interval, scenes resampled whole, wider where they are few; films that were taken together, such as the",
        "views of synchronised cameras, are one scene, and a single one has no interval: it does not say what others",
        "would show. AssA is the part of HOTA that depends on identities alone. A switch is a labelled person whose id",
        "changes, by boxes that overlap by half or more; somebody who comes back under a new id counts as one, too.",
        "Fragments: how often a person who was followed no longer is, and is again. Ids: how many were given.",
        "Frames/s: of the tracker alone, on this machine.",
    )
    for films, found in dict.fromkeys((row.films, row.found) for row in rows):
        own = [row for row in rows if (row.films, row.found) == (films, found)]
        extent = films_of_scenes(own[0].film_count, own[0].scene_count)
        lines += ["", f"## {films}: {found}", "", f"{extent}, {own[0].people} people.", ""]
        lines += [
            "| tracker | HOTA, boxes | HOTA, OKS | AssA, OKS | switches | fragments | ids | frames/s |",
            "|---|---|---|---|---|---|---|---|",
            *map(_line, own),
        ]
    lines += ["", "![HOTA by OKS](tracking.png)"]
    figure = new_figure(9, 4)
    axes = figure.add_subplot()
    sets = list(dict.fromkeys((row.films, row.found) for row in rows))
    names = list(dict.fromkeys(row.tracker for row in rows))
    for number, name in enumerate(names):
        height = {(row.films, row.found): row.figures.hota_oks for row in rows if row.tracker == name}
        color, marker = STYLES[number % len(STYLES)]
        at = [place + 0.1 * (number - len(names) / 2) for place in range(len(sets))]
        axes.plot(at, [height[each] for each in sets], marker, color=color, label=name)
    axes.set_xticks(range(len(sets)), [f"{Path(films).parent.name}/{Path(films).stem}\n{how}" for films, how in sets])
    axes.tick_params(axis="x", labelsize=7)
    axes.set_ylabel("HOTA by OKS")
    axes.legend(fontsize=7)
    write_page(report, PAGE_NAME, lines, figure)
    write_metrics(report, [asdict(row) for row in rows])


def _line(row: Row) -> str:
    of = row.figures
    low, high = of.interval_oks
    interval = f" ({low:.3f} to {high:.3f})" if low == low else ""
    return (
        f"| {row.tracker} | {of.hota_box:.3f} | {of.hota_oks:.3f}{interval} | {of.association_oks:.3f} | {of.switches} "
        f"| {of.fragments} | {of.tracks} | {row.frames_per_s:.0f} |"
    )
