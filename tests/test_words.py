"""Words that a native reader of the trade stumbles over, and what to write instead; held over code, help and docs."""

import re
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
    r"tells? (?:the|what|how|which|whether|of)": "says, reports, shows",
}
"""Pattern -> what to write instead."""
SEARCHED = (".py", ".md", ".yaml")


def lines_with(root: Path, pattern: str) -> list[str]:
    """``path:line: text`` of every line of the project's text that matches."""
    word = re.compile(pattern if pattern.startswith("^") else rf"\b(?:{pattern})\b", re.IGNORECASE)
    found = []
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if path.suffix not in SEARCHED or path.is_symlink() or any(part.startswith((".", "__")) for part in parts[:-1]):
            continue
        if parts[0] in ("data", "models", "reports") or path == Path(__file__):
            continue
        if any(parent.is_symlink() for parent in path.parents):
            continue
        numbered = enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        found += [
            f"{path.relative_to(root)}:{number}: {line.strip()}" for number, line in numbered if word.search(line)
        ]
    return found


@pytest.mark.parametrize("pattern", INSTEAD)
def test_a_word_to_avoid_is_not_used(repository: Path, pattern: str) -> None:
    found = lines_with(repository, pattern)
    assert not found, f"write {INSTEAD[pattern]}:\n" + "\n".join(found)
