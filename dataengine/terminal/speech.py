"""Two ways to write a line: `say` what happened, and `answer` what was asked for; `count` words a number in it.

Results go to standard output, so that they can be piped; everything else goes to standard error. Errors are raised
(`dataengine.errors`), never printed.
"""

import sys


def say(line: str) -> None:
    """Report on the work: what is being done, what was made and where it is."""
    print(line, file=sys.stderr, flush=True)


def answer(text: str) -> None:
    """Write the result that the command was run for."""
    print(text, flush=True)


def count(number: int, name: str, plural: str = "") -> str:
    """A number with its noun.

    >>> count(1, "joint"), count(2, "joint"), count(2, "person", "people")
    ('1 joint', '2 joints', '2 people')
    """
    return f"{number} {name if number == 1 else plural or name + 's'}"
