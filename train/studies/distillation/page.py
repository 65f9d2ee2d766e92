"""The page of the study: what each network comes to alone and taught, what a teacher adds, and what a crop costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dataengine.studies.page import STYLES, interval_note, new_figure, paragraph, unfinished, write_page
from dataengine.studies.seed_spread import SeedMean, seed_means
from dataengine.terminal.speech import count

from .measuring import NetworkCost
from .plan import DistilFit, DistilPlan

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE_NAME = "distillation"
Way = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DistilOutcome:
    """What a fit came to."""

    ap: float
    """On the validation people."""
    pck_02: float
    test_ap: float | None
    seconds: float
    """What this fit took over all calls; its teachers' come on top."""


Known = Mapping[DistilFit, DistilOutcome]


def write_distillation_page(
    report: Path,
    plan: DistilPlan,
    known: Known,
    costs: Mapping[str, NetworkCost],
    sizes: Mapping[str, int],
    crop_px: tuple[int, int],
    line: str,
) -> None:
    """Write the page and the plot into the folder `report`; `sizes` are the pictures learnt from and validated on."""
    ap = _means(known, "ap")
    start = "random weights" if plan.start == "none" else f"the {plan.start}, where it fits the network"
    lines = [
        "# What distillation brings along a chain of networks",
        "",
        f"    {line}",
        "",
        *unfinished(len(known), len(plan.fits()), "fit"),
        *paragraph(
            f"Every fit sees {plan.people:,} of the people in {sizes['train']:,} pictures, in "
            f"{count(plan.epochs, 'epoch')}, in crops of {crop_px[0]} x {crop_px[1]} px, and starts from {start}; AP "
            f"on {sizes['val']:,} validation "
            "pictures. A network that is taught sees the same crops, labels and draws as alone, and the answers of a "
            "network that was fitted before."
        ),
        "",
        f"![AP over MACs]({PAGE_NAME}.png)",
        "",
        "| network | taught by | AP | gain | gain by seed | PCK@0.2 | test AP | seconds | with its teachers | seeds |",
        "|---|---|---|---|---|---|---|---:|---:|---:|",
        *_rows(plan, known, ap),
        "",
        *paragraph(
            "Gain: over the same network alone, seed by seed. Seconds: of one fit; and of one with those of its "
            "teachers.",
            interval_note("all rows", "validation people"),
        ),
        "",
        "| network | MACs, M | parameters, M | ms a crop | best AP | taught by | |",
        "|---|---:|---:|---:|---|---|---|",
        *_cost_rows(plan, ap, costs),
        "",
        *paragraph(
            "One crop in ONNX Runtime, FP32, by one thread, all networks in turns, the fastest run. A star: no other "
            "network is as fast and has as much AP."
        ),
    ]
    write_page(report, PAGE_NAME, lines, _figure(plan, ap, costs))


def gains(known: Known) -> dict[Way, dict[int, float]]:
    """AP of a taught network minus that of the same network alone with the same seed: way -> seed -> gain."""
    found: dict[Way, dict[int, float]] = {}
    for fit, outcome in known.items():
        alone = known.get(DistilFit(fit.way[:1], fit.seed))
        if fit.teacher and alone:
            found.setdefault(fit.way, {})[fit.seed] = outcome.ap - alone.ap
    return found


def _means(known: Known, name: str) -> dict[Way, SeedMean]:
    groups: dict[Way, list[float]] = {}
    for fit, outcome in known.items():
        if (value := getattr(outcome, name)) is not None:
            groups.setdefault(fit.way, []).append(float(value))
    return seed_means(groups)


def _rows(plan: DistilPlan, known: Known, ap: Mapping[Way, SeedMean]) -> list[str]:
    pck, test, seconds = (_means(known, name) for name in ("pck_02", "test_ap", "seconds"))
    by_seed = gains(known)
    gained = seed_means({way: list(each.values()) for way, each in by_seed.items()})
    rows = []
    for way in plan.ways():
        if way not in ap:
            continue
        cells = [
            way[0],
            ", taught by ".join(way[1:]) or "nobody",
            ap[way].text(),
            gained[way].text("+") if way in gained else "-",
            ", ".join(f"{gain:+.3f}" for gain in by_seed.get(way, {}).values()) or "-",
            pck[way].text(),
            test[way].text() if way in test else "-",
            f"{seconds[way].mean:.0f}",
            f"{sum(seconds[way[first:]].mean for first in range(len(way)) if way[first:] in seconds):.0f}",
            str(sum(fit.way == way for fit in known)),
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def _best(label: str, ap: Mapping[Way, SeedMean]) -> tuple[Way, SeedMean] | None:
    ways = [(way, mean) for way, mean in ap.items() if way[0] == label]
    return max(ways, key=lambda pair: pair[1].mean) if ways else None


def _cost_rows(plan: DistilPlan, ap: Mapping[Way, SeedMean], costs: Mapping[str, NetworkCost]) -> list[str]:
    best = {label: found for label in plan.networks if (found := _best(label, ap))}
    rows = []
    for label in plan.networks:
        cost, found = costs[label], best.get(label)
        beaten = found is None or any(
            costs[other].ms <= cost.ms and mean.mean >= found[1].mean
            for other, (_, mean) in best.items()
            if other != label
        )
        cells = [
            label,
            f"{cost.macs / 1e6:.1f}",
            f"{cost.params / 1e6:.2f}",
            f"{cost.ms:.2f}",
            found[1].text() if found else "-",
            (", taught by ".join(found[0][1:]) or "nobody") if found else "-",
            "" if beaten else "*",
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def _figure(plan: DistilPlan, ap: Mapping[Way, SeedMean], costs: Mapping[str, NetworkCost]) -> Figure:
    """AP over products: a column of points for each network, by who has taught it."""
    figure = new_figure(8.0, 5.0)
    axes = figure.add_subplot()
    for (color, marker), way in zip(STYLES * 2, [way for way in plan.ways() if way in ap], strict=False):
        width = ap[way].half_width
        axes.errorbar(
            [costs[way[0]].macs / 1e6],
            [ap[way].mean],
            yerr=[0.0 if np.isnan(width) else width],
            fmt=marker,
            color=color,
            capsize=3,
            label=" < ".join(way),
        )
    axes.set(xlabel="multiplications with addition of one crop, millions", ylabel="validation AP", xscale="log")
    axes.grid(alpha=0.3)
    if ap:
        axes.legend(title="student < its teacher", fontsize=7)
    return figure
