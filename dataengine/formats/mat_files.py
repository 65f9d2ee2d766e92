"""MATLAB files from outside, with bounded size and memory.

scipy's reader runs no code, but a small file can declare arrays of any size. So: the file's size is limited, what it
declares is looked at before it is read, and while it is read the process may not grow without end.
"""

import math
from pathlib import Path
from typing import Any

from dataengine.errors import InputError
from dataengine.files import bounded_memory

from .reading.content import Limits

MEMORY_FACTOR, MEMORY_LEAST = 24, 512 * 1024**2  # a file like the MPII release, 29,000 people, takes 340 MB
LARGEST_VALUES = 200_000_000


def load_variable(path: Path, name: str, limits: Limits, *, kinds: tuple[str, ...]) -> Any:
    """Variable `name` of a .mat file (version 4 to 7), structs as objects with attributes.

    Args:
        path: the file.
        name: name of the variable.
        limits: the largest size of the file.
        kinds: MATLAB classes it may be of, for example `double` or `struct`.

    Raises:
        InputError: the file is anything else; the error names it.
    """
    from scipy.io import loadmat, whosmat

    expected = f"a MATLAB file (not v7.3) with a variable {name!r}"
    try:
        size = path.stat().st_size
        if not path.is_file() or size > limits.annotation_bytes:
            raise InputError(f"{path} is too large", expected=f"a file of at most {limits.annotation_mb} MB")
        with bounded_memory(MEMORY_FACTOR * size + MEMORY_LEAST):
            declared = {variable: (shape, kind) for variable, shape, kind in whosmat(str(path))}
            shape, kind = declared.get(name, ((), ""))
            if kind not in kinds or math.prod(map(int, shape)) > LARGEST_VALUES:
                got = f"{kind} {shape}" if kind else ", ".join(sorted(declared))[:100] or "no variable"
                raise InputError(f"{path} cannot be read", expected=f"{expected} of {' or '.join(kinds)}", got=got)
            return loadmat(str(path), variable_names=[name], struct_as_record=False, squeeze_me=True)[name]
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist", fix="correct the path") from error
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(
            f"{path} cannot be read", expected=expected, got="one that declares more than it holds"
        ) from error
    except Exception as error:  # scipy may raise anything on a corrupt file
        raise InputError(
            f"{path} cannot be read", expected=expected, got=f"{type(error).__name__}: {error}"[:200]
        ) from error


def as_list(value: Any) -> list[Any]:
    """The elements of what may be one struct, an array of structs, or nothing: scipy squeezes lists of one."""
    import numpy as np

    if isinstance(value, np.ndarray):
        return list(value.ravel())
    return [value]


def member(struct: Any, *names: str) -> Any:
    """`struct.a.b`, or None where a part is missing."""
    for name in names:
        struct = getattr(struct, name, None)
    return struct
