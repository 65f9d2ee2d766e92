"""Ways to write a line: `say` what happened, `say_last` why the command ends, and `answer` what was asked for; `count`
words a number in it.

Results go to standard output, so that they can be piped; everything else goes to standard error. Errors are raised
(`dataengine.errors`), never printed.
"""

import sys
from typing import Protocol


class OpenBar(Protocol):
    """A progress bar that is being drawn: tqdm's."""

    def clear(self) -> None:
        """Blank the bar's line, until it is drawn again."""

    def close(self) -> None:
        """Draw the bar for the last time, and end its line."""


open_bars: dict[int, OpenBar] = {}
"""What `progress.track` is drawing, by id. A bar's line is not ended: what is said would be glued to it."""


def say(line: str) -> None:
    """Report on the work: what is being done, what was made and where it is."""
    if open_bars and sys.stderr.isatty():
        for bar in tuple(open_bars.values()):
            bar.clear()
    print(line, file=sys.stderr, flush=True)


def say_last(line: str) -> None:
    """Say why the command ends, below the bars of the work that it ends."""
    while open_bars:
        open_bars.popitem()[1].close()
    say(line)


def answer(text: str) -> None:
    """Write the result that the command was run for."""
    print(text, flush=True)


def count(number: int, name: str, plural: str = "") -> str:
    """A number with its noun.

    >>> count(1, "joint"), count(2, "joint"), count(2, "person", "people")
    ('1 joint', '2 joints', '2 people')
    """
    return f"{number} {name if number == 1 else plural or name + 's'}"
