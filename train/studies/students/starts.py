"""The first weights that a study compares."""

import re
from collections.abc import Sequence

from dataengine.errors import InputError

from ...fit.origin import named_checkpoint
from .plan import STARTS


def parse_starts(starts: Sequence[str]) -> dict[str, str]:
    """Name -> checkpoint folder of each ``NAME=FOLDER``; InputError for other words than `STARTS`, or bad folders."""
    folders = dict[str, str]()
    for text in starts:
        name, equals, folder = text.partition("=")
        if not equals and name in STARTS:
            continue
        if not equals or not re.fullmatch(r"[a-z][a-z0-9-]*", name) or name in (*STARTS, *folders):
            expected = f"{' | '.join(STARTS)}, or NAME=FOLDER, the name of small letters, digits and -"
            raise InputError("--start is unknown", expected=expected, got=text)
        folders[name] = named_checkpoint(folder, f"--start {name}").resolve().as_posix()
    return folders
