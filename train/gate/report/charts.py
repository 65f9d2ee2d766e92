"""The charts of a comparison's report as inline SVG: intervals, precision over recall, reliability, costs as bars.

Every chart says in its label what it shows, models differ by dash and marker as well as by colour, and colours are CSS
variables of the page, so that dark mode and print can have their own.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from dataengine.evaluation.analysis.interval import Interval

from ..comparison import ReliabilityBin

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 340, 260, 42, 40, 10
DASHES = {"candidate": "none", "champion": "6 4"}


@dataclass(frozen=True)
class Scale:
    """An axis from `low` to `high`, laid on 3 to 97 per cent of the width."""

    low: float
    high: float

    @classmethod
    def around(cls, intervals: Sequence[Interval | None], *marks: float) -> "Scale":
        """An axis that holds all `intervals` and `marks`."""
        values = [bound for i in intervals if i is not None for bound in (i.low, i.high)] + list(marks)
        low, high = min(values), max(values)
        return cls(low, high if high > low else low + 0.1)

    def at(self, value: float) -> str:
        """The position of `value` as a CSS percentage."""
        return f"{3 + 94 * (value - self.low) / (self.high - self.low):.2f}%"

    def ticks(self) -> list[float]:
        """Two to four round values on the axis: multiples of 1, 2 or 5 times a power of ten."""
        power = 10.0 ** math.floor(math.log10((self.high - self.low) / 4))
        step = next(factor * power for factor in (1, 2, 5, 10) if factor * power * 4 >= self.high - self.low)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [round(step * index, 12) for index in range(first, last + 1)]


def interval_svg(interval: Interval, scale: Scale, who: str, label: str, mark: float | None = None) -> Markup:
    """A point with its interval, the axis's grid behind it, and a dashed line at `mark`. It fills its parent."""
    upright = Markup('<line class="{0}" x1="{1}" x2="{1}" y1="0" y2="100%"/>')
    lines = [upright.format("zero" if tick == 0 else "grid", scale.at(tick)) for tick in scale.ticks()]
    if mark is not None and mark != 0:
        lines.append(upright.format("mark", scale.at(mark)))
    return Markup(
        '<svg class="interval {who}" width="100%" height="100%" role="img" aria-label="{label}">{lines}'
        '<line class="whisker" x1="{low}" x2="{high}" y1="50%" y2="50%"/><circle cx="{value}" cy="50%" r="5.5"/></svg>'
    ).format(
        who=who,
        label=label,
        lines=Markup("").join(lines),
        low=scale.at(interval.low),
        high=scale.at(interval.high),
        value=scale.at(interval.value),
    )


def axis_svg(scale: Scale, sign: str = "") -> Markup:
    """The numbers under a column of `interval_svg`."""
    text = Markup('<text x="{}" y="12" text-anchor="middle">{}</text>')
    numbers = [text.format(scale.at(tick), "0" if tick == 0 else f"{tick:{sign}g}") for tick in scale.ticks()]
    return Markup('<svg class="axis" width="100%" height="16" aria-hidden="true">{}</svg>').format(
        Markup("").join(numbers)
    )


def bars_svg(values: Mapping[str, float], most: float, label: str) -> Markup:
    """A bar for each model, from zero at the left to `most` at the right; what is below zero has no bar."""
    bar = Markup('<rect class="{}" x="1" y="{}" width="{:.1f}%" height="8"/>')
    bars = [bar.format(who, 2 + 12 * row, 98 * max(v, 0.0) / most) for row, (who, v) in enumerate(values.items())]
    return Markup('<svg class="bars" width="100%" height="{}" role="img" aria-label="{}">{}</svg>').format(
        12 * len(bars) + 2, label, Markup("").join(bars)
    )


def precision_svg(curves: Mapping[str, NDArray[np.float64]], recall: NDArray[np.float64], label: str) -> Markup:
    """Precision (r,) of each model over `recall` (r,)."""
    lines = [_path(who, recall, curve) for who, curve in curves.items()]
    return _frame("recall", "precision", label, lines)


def reliability_svg(bins: Mapping[str, Sequence[ReliabilityBin]], label: str) -> Markup:
    """Mean OKS over mean confidence; a calibrated model lies on the diagonal, a marker's area shows its people."""
    diagonal = Markup('<line class="mark" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(*_place(0, 0), *_place(1, 1))
    marks = [diagonal]
    for who, rows in bins.items():
        marks.append(_path(who, [row.confidence for row in rows], [row.oks for row in rows]))
        most = max((row.count for row in rows), default=1)
        marks += [_marker(who, row, 3 + 5 * (row.count / most) ** 0.5) for row in rows]
    return _frame("confidence", "OKS", label, marks)


def _marker(who: str, row: ReliabilityBin, size: float) -> Markup:
    x, y = _place(row.confidence, row.oks)
    shape = '<circle class="{}" cx="{}" cy="{}" r="{:.1f}"><title>{}</title></circle>'
    if who == "champion":
        x, y = x - size, y - size
        shape = '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>'
    sizes = (2 * size, 2 * size) if who == "champion" else (size,)
    return Markup(shape).format(  # noqa: S704 one of the two constants above; format escapes
        who, x, y, *sizes, f"{row.count} people: confidence {row.confidence:.2f}, OKS {row.oks:.2f}"
    )


def _path(who: str, x: Sequence[float] | NDArray[np.float64], y: Sequence[float] | NDArray[np.float64]) -> Markup:
    points = " ".join("{:.1f},{:.1f}".format(*_place(a, b)) for a, b in zip(x, y, strict=True))
    return Markup('<polyline class="{}" stroke-dasharray="{}" points="{}"/>').format(who, DASHES[who], points)


def _place(x: float, y: float) -> tuple[float, float]:
    """Pixels of a point of the unit square."""
    return round(LEFT + x * (WIDTH - LEFT - 14), 1), round(HEIGHT - BOTTOM - y * (HEIGHT - BOTTOM - TOP), 1)


def _frame(x_name: str, y_name: str, label: str, content: Sequence[Markup]) -> Markup:
    ticks = []
    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        (x, floor), (wall, y) = _place(value, 0), _place(0, value)
        right = _place(1, 0)[0]
        ticks.append(Markup('<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(wall, right, y, y))
        ticks.append(Markup('<text x="{}" y="{}" text-anchor="middle">{:g}</text>').format(x, floor + 16, value))
        ticks.append(Markup('<text x="{}" y="{}" text-anchor="end">{:g}</text>').format(wall - 6, y + 4, value))
    names = Markup(
        '<text x="{}" y="{}" text-anchor="middle">{}</text><text x="{}" y="{}" '
        'transform="rotate(-90 11 {})" text-anchor="middle">{}</text>'
    ).format(WIDTH / 2, HEIGHT - 6, x_name, 11, HEIGHT / 2, HEIGHT / 2, y_name)
    return Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg>').format(
        WIDTH, HEIGHT, label, Markup("").join(ticks), names, Markup("").join(content)
    )
