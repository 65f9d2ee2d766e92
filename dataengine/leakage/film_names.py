"""Names of films by their content: two films of one file name are two, and one film keeps its name from round to round.

A film that is decoded here is called ``<stem>-sha<8 digits of its SHA-256>``, always, since a name that depended on the
other films would change with them. The characters are those that annotation tools leave in file names.
"""

import re
from pathlib import Path, PurePath

FILM_SUFFIXES = frozenset({".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".mts", ".ts", ".wmv"})
_BY_CONTENT = re.compile(r"(?P<stem>.*)-sha(?P<digits>[0-9a-f]{8})")


def film_name(path: Path, sha256: str) -> str:
    """The name of the film in file `path`, whose bytes have this hash.

    >>> film_name(Path("films/walk.mp4"), "1a2b3c4d5e6f")
    'walk-sha1a2b3c4d'
    """
    return f"{path.stem}-sha{sha256[:8]}"


def is_by_content(name: str) -> bool:
    """Whether `name` was made by `film_name`, so that it is one film wherever it stands."""
    return bool(_BY_CONTENT.fullmatch(name))


def film_key(name: str) -> str:
    """What two names of one film have in common: the digits of the content where there are some, else the name itself.

    >>> film_key("walk-sha1a2b3c4d") == film_key("copies/of walk-sha1a2b3c4d")
    True
    """
    match = _BY_CONTENT.fullmatch(name)
    return f"-sha{match['digits']}" if match else name


def may_be_one_film(first: str, second: str) -> bool:
    """Whether two names may be of one film as far as names tell.

    Names by content are one film if the content is. Otherwise one is the end of the other (``a.mp4`` and
    ``clips/a.mp4``), where a name by content counts as its file's stem.
    """
    a, b = _BY_CONTENT.fullmatch(first), _BY_CONTENT.fullmatch(second)
    if a and b:
        return a["digits"] == b["digits"]
    if a or b:
        stem, other = (a["stem"], second) if a else (b["stem"] if b else "", first)
        return stem in {PurePath(other).name, PurePath(other).stem}
    parts, others = PurePath(first).parts, PurePath(second).parts
    shared = min(len(parts), len(others))
    return shared > 0 and parts[-shared:] == others[-shared:]
