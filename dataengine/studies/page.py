"""What the pages of all studies share: the command line that makes them, wording, the plot's look, the files.

Order: `command_line`, `unfinished`, `interval_note` and `paragraph` make parts of the text; `new_figure` begins the
plot, whose lines look as `STYLES` says; `write_page` writes both, `write_metrics` the figures as JSON.
"""

import math
import shlex
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataengine.draw import OKABE_ITO
from dataengine.files import atomic_path, write_json
from dataengine.studies.seed_spread import LEVEL

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MISSING = "missing"
BLUE, GREY = OKABE_ITO["blue"], "#777777"
_COLORS = ("black", "orange", "sky blue", "green", "vermilion", "purple", "blue", "yellow")
# a marker each for print without colour
STYLES: tuple[tuple[str, str], ...] = tuple(zip((OKABE_ITO[name] for name in _COLORS), "os^vDPX*", strict=True))
"""Colour and marker of each thing that a plot compares."""
_DPI = 110
_LINE_LENGTH = 118


def command_line(command: str, **options: object) -> str:
    """The call of `command` that makes the page, for a shell: an option per keyword, repeated for several values.

    >>> command_line("compare-parts", part=["half bodies"], seed=[0, 1])
    "dataengine compare-parts --part 'half bodies' --seed 0 --seed 1 --report reports/compare-parts"
    """
    words = [f"dataengine {command}"]
    for name, value in options.items():
        values = value if isinstance(value, list | tuple) else [value]
        words += [f"--{name.replace('_', '-')} {shlex.quote(str(each))}" for each in values]
    return " ".join([*words, f"--report reports/{command}"])


def unfinished(known: int, planned: int, unit: str) -> list[str]:
    """Lines that say how much of a study is done; none if all of it is."""
    return [] if known == planned else [f"**Unfinished: {known} of {planned} {unit}s are known.**", ""]


def interval_note(pooled_over: str, same: str) -> str:
    """What the ± of a page means: `pooled_over` the trials whose spread was pooled, on the `same` people."""
    return (
        f"± is half of the mean's {LEVEL:.0%} interval, the spread over seeds pooled over {pooled_over}: "
        f"it speaks of other seeds on the same {same}, not of other people."
    )


def paragraph(*sentences: str) -> list[str]:
    """The sentences in lines of a readable length."""
    return textwrap.wrap(" ".join(filter(None, sentences)), _LINE_LENGTH, break_on_hyphens=False)


def new_figure(width_in: float, height_in: float) -> "Figure":
    """An empty figure, in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width_in, height_in), dpi=_DPI, layout="constrained")


def write_page(report: Path, name: str, lines: Sequence[str], figure: "Figure") -> None:
    """Write `name`.md, which shows the plot, and `name`.png into the folder `report`."""
    with atomic_path(report / f"{name}.png") as partial:
        figure.savefig(partial, metadata={"Software": None})  # else it changes with the library's version
    with atomic_path(report / f"{name}.md") as partial:
        partial.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_metrics(report: Path, value: Any) -> None:
    """Write metrics.json into the folder `report`; NaN, as of an interval that nobody knows, becomes null."""
    write_json(report / "metrics.json", _without_nan(value))


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_nan(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value
