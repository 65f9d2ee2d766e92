"""A progress bar on standard error: rate and time left, one line in a terminal, sparse lines in a log."""

import sys
from collections.abc import Generator, Iterable
from typing import TypeVar

from tqdm import tqdm

from dataengine.terminal.speech import open_bars

T = TypeVar("T")
SECONDS_BETWEEN_LOG_LINES = 10.0


def track(
    iterable: Iterable[T], description: str, total: int | None = None, unit: str = "it"
) -> Generator[T, None, None]:
    """Iterate over `iterable` with a bar that shows count, rate and time left; `close` ends the bar's line early."""
    is_terminal = sys.stderr.isatty()
    bar = tqdm(
        iterable,
        desc=description,
        total=total,
        unit=unit,
        file=sys.stderr,
        dynamic_ncols=is_terminal,
        mininterval=0.1 if is_terminal else SECONDS_BETWEEN_LOG_LINES,
    )
    open_bars[id(bar)] = bar
    try:
        yield from bar
    finally:
        bar.close()
        open_bars.pop(id(bar), None)
