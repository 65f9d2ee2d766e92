"""The folders in which DVC runs experiments apart from the workspace: ``.dvc/tmp/exps/<name>``, removed afterwards."""

from pathlib import Path

_PLACE = (".dvc", "tmp", "exps")


def in_temporary_copy(folder: Path) -> bool:
    """Whether `folder` lies in a copy that ``dvc exp run --temp`` or ``dvc queue start`` made.

    >>> in_temporary_copy(Path("/home/me/project/.dvc/tmp/exps/tmpab12cd"))
    True
    """
    parts = folder.absolute().parts
    return any(parts[i : i + 3] == _PLACE for i in range(len(parts) - 3))
