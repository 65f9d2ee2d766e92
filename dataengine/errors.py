"""One grammar for every error a user can cause: what is wrong, what was expected, what came, how to fix it.

The command line prints such an error as one line and exits with code 2; anything else is a bug and shows a traceback.
"""


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
