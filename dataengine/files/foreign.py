"""What to expect of files that others made."""

import zlib
from pathlib import PurePath
from zipfile import BadZipFile

JUNK = frozenset({"__MACOSX", "Thumbs.db", "ehthumbs.db", "desktop.ini", "@eaDir"})
DAMAGED_ZIP = (OSError, BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError)
"""What reading a zip raises (an archive, or numpy's .npz), depending on which byte is wrong."""


def is_junk(path: PurePath) -> bool:
    """Whether a file found below a folder, at `path` in there, is none that its owner put there.

    Hidden files, and what archives, file managers and network drives leave behind.

    >>> [is_junk(PurePath(name)) for name in ("._a.jpg", "__MACOSX/a.jpg", "x/Thumbs.db", "a.jpg")]
    [True, True, True, False]
    """
    return any(part.startswith(".") or part in JUNK for part in path.parts)
