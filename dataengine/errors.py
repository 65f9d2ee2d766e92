"""One grammar for every error a user can cause: what is wrong, what was expected, what came, how to fix it.

The command line prints such an error as one line and exits with code 2; anything else is a bug and shows a traceback.
`write_fault` recognises a full disk and a missing permission, whichever library met it.
"""

import errno
import re
import shutil
from collections.abc import Iterator

WRITE_FAULTS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS})
MAKE_ROOM = "make room or give permission, and run again"
_OF_RUST = re.compile(r"\(os error (\d+)\)")  # safetensors raises an exception of its own
_OF_COPYTREE = re.compile(r"^\[Errno (\d+)\]")
_OF_NUMPY = re.compile(r"Not enough free space to write|\d+ requested and \d+ written")  # without a number


class DataEngineError(Exception):
    """A fault that the user can fix. Printed as ``what: expected ..., got ...; fix``.

    >>> print(DataEngineError("fps", expected="0 or more", got="-1", fix="set ingest.fps: 0"))
    fps: expected 0 or more, got -1; set ingest.fps: 0
    """

    def __init__(self, what: str, *, expected: str = "", got: str = "", fix: str = "") -> None:
        self.what, self.expected, self.got, self.fix = what, expected, got, fix
        detail = ", ".join(f"{name} {text}" for name, text in (("expected", expected), ("got", got)) if text)
        line = f"{what}: {detail}" if detail else what
        super().__init__(" ".join((f"{line}; {fix}" if fix else line).split()))

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the trip back from a worker process; the default would pass only the finished line."""
        return _rebuild, (type(self), self.what, self.expected, self.got, self.fix)


def _rebuild(cls: type[DataEngineError], what: str, expected: str, got: str, fix: str) -> DataEngineError:
    return cls(what, expected=expected, got=got, fix=fix)


class InputError(DataEngineError):
    """A file or value that came from outside is not what it should be."""


class ParamsError(DataEngineError):
    """`params.yaml` has an unknown key, lacks one, or holds a value of the wrong kind."""

    def within(self, where: str, *, is_field: bool) -> "ParamsError":
        """The same error about section `where`: its field ``what``, or as a sentence about the section."""
        what = f"{where}.{self.what}" if is_field else f"{where}: {self.what}"
        return ParamsError(what, expected=self.expected, got=self.got, fix=self.fix)


class EnvironmentFault(DataEngineError):
    """A library, a program, disk space or a device that the work needs is missing."""


def install_extra(name: str) -> str:
    """How to get the packages of an extra of pyproject.toml: from the checkout, as no package index has this project.

    >>> install_extra("serve")
    "pip install -c constraints.txt -e '.[serve]' in the project's folder"
    """
    return f"pip install -c constraints.txt -e '.[{name}]' in the project's folder"


def write_fault(error: BaseException) -> str:
    """What the system said, if `error` comes from a full disk or a missing permission; else nothing.

    What an error was raised from counts, too: torch raises a RuntimeError while it ends a file that it could not write.
    """
    for each in _chain(error):
        if isinstance(each, shutil.Error) and isinstance(each.args[0], list):  # copytree's list of what failed
            said = [why for _, _, why in each.args[0] if _number_in(_OF_COPYTREE, why) in WRITE_FAULTS]
            if said:
                return str(said[0])
        if isinstance(each, OSError) and (each.errno in WRITE_FAULTS or _OF_NUMPY.search(str(each))):
            return str(each)
        if _number_in(_OF_RUST, str(each)) in WRITE_FAULTS:
            return str(each)
    return ""


def _number_in(pattern: re.Pattern[str], text: str) -> int | None:
    """The system's number of a fault, which `pattern` finds in the text of an exception."""
    found = pattern.search(text)
    return int(found[1]) if found else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and those that it was raised from or while handling, latest first."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
