"""Options and arguments that name a folder: `folder_option`, `out_folder_option`, `folder_argument`.

A file where a folder belongs is refused while the command line is read: before the work begins, and not when its
result is to be written. What may be a file as well is a plain `typer.Option` or `typer.Argument`.
"""

from pathlib import Path
from typing import Any

import typer

from dataengine.errors import InputError


def folder_option(*names: str, help: str, **more: Any) -> Any:
    """An option for a folder, or a list of them, that a command reads; `more` is for `typer.Option`."""
    return typer.Option(*names, help=help, callback=folder_given, **more)


def out_folder_option(*names: str, help: str, **more: Any) -> Any:
    """An option for a folder that a command writes; an empty name, for `Path` the working folder, is refused."""
    return typer.Option(*names, help=help, callback=out_folder_given, parser=str, metavar="<path>", **more)


def folder_argument(*, help: str, **more: Any) -> Any:
    """An argument for a folder that a command reads; `more` is for `typer.Argument`."""
    return typer.Argument(help=help, callback=folder_given, **more)


def folder_given(param: typer.CallbackParam, value: Path | list[Path] | None) -> Path | list[Path] | None:
    """The value as it is; `InputError` if it, or one of a list, is a file."""
    for path in value if isinstance(value, list | tuple) else [value]:
        if path is not None and path.is_file():
            what, fix = f"{_said(param)} is a file", "name another, or move the file"
            raise InputError(what, expected="a folder", got=str(path), fix=fix)
    return value


def out_folder_given(param: typer.CallbackParam, value: Any) -> Any:
    """The folder that a text names; `InputError` if it is empty, or names a file."""
    if value is None:
        return None
    if not str(value).strip():
        raise InputError("a folder to write has no name", expected=f"{_said(param)} FOLDER", got="an empty text")
    return folder_given(param, Path(value))


def _said(param: typer.CallbackParam) -> str:
    """How the command line calls it: `--out`, or BUNDLE."""
    name = str(param.opts[0])
    return name if name.startswith("-") else name.upper()
