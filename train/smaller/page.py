"""The page `compression.md`: the table of networks, and the plot of AP over products."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dataengine.evaluation.analysis.interval import Interval
from dataengine.studies.page import BLUE, GREY, new_figure, paragraph, write_page

from .measuring import Sized, pareto

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE = "compression"


def write(report: Path, rows: Sequence[Sized], facts: Sequence[str]) -> None:
    """Write the page and its plot into the folder `report`; `facts` are sentences about data and machine."""
    write_page(report, PAGE, lines(rows, facts), plot(rows))


def lines(rows: Sequence[Sized], facts: Sequence[str]) -> list[str]:
    """The lines of the page."""
    first = rows[0]
    table = [
        "| network | MACs, M | parameters, M | FP32, MB | INT8, MB | FP32, ms | INT8, ms | AP | gain | AP, INT8 | |",
        "|---|---:|---:|---:|---:|---:|---:|---|---|---:|---|",
    ]
    for row, best in zip(rows, pareto(rows), strict=True):
        speed = [
            f"{ms:.2f} ({of / ms:.2f}x)" for ms, of in ((row.fp32_ms, first.fp32_ms), (row.int8_ms, first.int8_ms))
        ]
        cells = [
            row.name,
            f"{row.macs / 1e6:.1f} ({row.macs / first.macs:.2f})",
            f"{row.params / 1e6:.2f} ({row.params / first.params:.2f})",
            f"{row.fp32_bytes / 1e6:.2f}",
            f"{row.int8_bytes / 1e6:.2f}",
            *speed,
            _words(row.ap, "{:.3f}"),
            "" if row is first else _words(row.gain, "{:+.3f}"),
            f"{row.int8_ap:.3f}",
            "*" if best else "",
        ]
        table.append("| " + " | ".join(cells) + " |")
    legend = (
        "MACs are those of one crop; in brackets the share of the first row's, and how many times as fast. Times are "
        "those of the fastest run of one crop in ONNX Runtime, by one thread, all files in turns. AP and its gain over "
        "the first row have 95 % intervals over blocks of 10 frames of a film, or over pictures. A star: no other row "
        "has fewer MACs and as much AP."
    )
    empty = sum(row.empty_channels for row in rows if "zero" not in row.name)
    channels = f"Channels that are all zero in networks whose channels were removed: {empty}."
    return [
        "# Smaller networks",
        "",
        *paragraph(*facts),
        "",
        f"![AP over MACs]({PAGE}.png)",
        "",
        *table,
        "",
        *(paragraph(legend, channels)),
    ]


def plot(rows: Sequence[Sized]) -> "Figure":
    """AP with its interval over products, those that nothing beats in colour."""
    figure = new_figure(8.0, 5.0)
    axes = figure.add_subplot()
    for row, best in zip(rows, pareto(rows), strict=True):
        color = BLUE if best else GREY
        low, high = (max(0.0, difference) for difference in (row.ap.value - row.ap.low, row.ap.high - row.ap.value))
        axes.errorbar([row.macs / 1e6], [row.ap.value], yerr=[[low], [high]], fmt="o", color=color, capsize=3)
        axes.annotate(row.name, (row.macs / 1e6, row.ap.value), (5, 5), textcoords="offset points", fontsize=7)
    axes.set(xlabel="multiplications with addition of one crop, millions", ylabel="OKS AP", xscale="log")
    axes.grid(alpha=0.3)
    return figure


def _words(interval: Interval, form: str) -> str:
    value, low, high = (form.format(each) for each in (interval.value, interval.low, interval.high))
    return f"{value} ({low} to {high})"
