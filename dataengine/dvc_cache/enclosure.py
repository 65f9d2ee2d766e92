"""Whether a path that an annotation file names stays inside a folder, and which links may lead out of it.

What is named must not leave: neither by ``..`` nor through a link, since an archive can hold links as well as names.
The one exception is a file that DVC has replaced by a link into its cache, which a team usually shares outside of the
project (``cache.type symlink``). Such a link is known by where it leads: to an object that is named by its own hash.
"""

import os
import re
from pathlib import Path

_CACHE_OBJECT = re.compile(r"/files/md5/[0-9a-f]{2}/[0-9a-f]{30}\Z")
"""The end of a path in a cache of DVC 3: the md5 of the contents, cut after its second digit."""


class Enclosure:
    """A folder that paths have to stay in. Each folder in it is resolved once.

    >>> "data/../../elsewhere.jpg" in Enclosure(Path("data")), "data/deep/../a.jpg" in Enclosure(Path("data"))
    (False, True)
    """

    def __init__(self, folder: Path) -> None:
        self._root = os.path.realpath(folder)
        self._resolved: dict[str, str] = {}

    def __contains__(self, path: str | Path) -> bool:
        """Whether `path`, with ``..`` taken away as text before it is opened, is below the folder.

        Raises:
            ValueError: the path has a null byte.
        """
        plain = Path(os.path.normpath(path))
        parent = str(plain.parent)
        if parent not in self._resolved:
            self._resolved[parent] = os.path.realpath(parent)
        if not self._holds(self._resolved[parent]):
            return False
        target = _target(Path(self._resolved[parent], plain.name))
        return self._holds(target) or bool(_CACHE_OBJECT.search(target))

    def _holds(self, real: str) -> bool:
        return os.path.commonpath([self._root, real]) == self._root


def _target(path: Path) -> str:
    """Where a link ends; the path itself where it is none, or where nothing is."""
    try:
        path.readlink()
    except OSError:
        return str(path)
    return os.path.realpath(path)
