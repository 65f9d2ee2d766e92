"""Words that a native reader of the trade stumbles over, and what to write instead; held over code, help and docs."""

import os
import re
from functools import cache
from pathlib import Path

import pytest

INSTEAD = {
    r"so many": "how many it is, or `n`",
    r"anew": "again",
    r"reckon\w*": "count, compute, expect",
    r"mend\w*": "fix",
    r"in place of": "instead of",
    r"(?:is|are|was|were) told": "is reported, is said",
    r"is no (?!longer|more|better|slower|faster|worse|less)\w+": "is not a ...",
    r"it is no": "it is not",
    r'^\s*"""(?:Of|And|As) ': "a sentence that stands alone",
    r"tells apart": "distinguishes",
    r"a great many": "many",
    r"hence": "so",
    r"whilst": "while",
    r"thereof|therein|thereby|herein": "plain words",
    r"beside": "next to, with, besides, against, compared with",
    r"pip install ['\"]?dataengine\[\w+": "what errors.install_extra says: no package index has this project",
    r"tells? (?:the|what|how|which|whether|of)": "says, reports, shows",
}
"""Pattern -> what to write instead."""
SEARCHED = (".py", ".md", ".yaml")


@cache
def lines_of_text(root: Path) -> tuple[tuple[str, str], ...]:
    """(``path:line``, text) of every line of the project's text, read once for all words."""
    lines = list[tuple[str, str]]()
    for folder, below, names in os.walk(root):
        here = Path(folder)
        kept = [name for name in below if not name.startswith((".", "__")) and not (here / name).is_symlink()]
        below[:] = [name for name in kept if here != root or name not in ("data", "models", "reports")]
        for path in (here / name for name in sorted(names)):
            if path.suffix in SEARCHED and not path.is_symlink() and path != Path(__file__):
                text = path.read_text(encoding="utf-8").splitlines()
                lines += [(f"{path.relative_to(root)}:{number}", line) for number, line in enumerate(text, start=1)]
    return tuple(lines)


def lines_with(root: Path, pattern: str) -> list[str]:
    """``path:line: text`` of every line of the project's text that matches."""
    word = re.compile(pattern if pattern.startswith("^") else rf"\b(?:{pattern})\b", re.IGNORECASE)
    return [f"{place}: {line.strip()}" for place, line in lines_of_text(root) if word.search(line)]


@pytest.mark.parametrize("pattern", INSTEAD)
def test_a_word_to_avoid_is_not_used(repository: Path, pattern: str) -> None:
    found = lines_with(repository, pattern)
    assert not found, f"write {INSTEAD[pattern]}:\n" + "\n".join(found)
