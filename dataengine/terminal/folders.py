"""Options and arguments that name a folder: read (`folder_option`, `folder_argument`), written (`out_folder_option`),
written where need be (`kept_folder_option`) or replaced whole (`replaced_folder_option`); and `out_file_option`.

A file where a folder belongs is refused while the command line is read: before the work begins, and not when its
result is to be written. So is a folder that cannot be written, and somebody's folder where a command would replace it.
What may be a file as well is a plain `typer.Option` or `typer.Argument`.
"""

import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import typer

from dataengine.errors import MAKE_ROOM, EnvironmentFault, InputError

OF_OTHERS = frozenset({".gitignore"})
"""Written into such folders by DVC, which writes it again."""


def folder_option(*names: str, help: str, **more: Any) -> Any:
    """An option for a folder, or a list of them, that a command reads; `more` is for `typer.Option`."""
    return typer.Option(*names, help=help, callback=folder_given, **more)


def out_folder_option(*names: str, help: str, **more: Any) -> Any:
    """An option for a folder that a command writes; an empty name, for `Path` the working folder, is refused."""
    return typer.Option(*names, help=help, callback=out_folder_given, parser=str, metavar="<path>", **more)


def out_file_option(*names: str, help: str, **more: Any) -> Any:
    """An option for a file that a command writes; a folder, or an empty name, is refused."""
    return typer.Option(*names, help=help, callback=out_file_given, parser=str, metavar="<path>", **more)


def kept_folder_option(*names: str, help: str, **more: Any) -> Any:
    """An option for a folder that a command writes if it has to, such as a cache: it may be read-only until then."""
    return typer.Option(*names, help=help, callback=kept_folder_given, parser=str, metavar="<path>", **more)


def replaced_folder_option(*names: str, holds: Collection[str], help: str, **more: Any) -> Any:
    """An option for a folder that a command replaces whole; `holds` are the names of what it writes there.

    A folder that holds anything else is refused.
    """
    return typer.Option(*names, help=help, callback=_only(holds), parser=str, metavar="<path>", **more)


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


def kept_folder_given(param: typer.CallbackParam, value: Any) -> Any:
    """The folder that a text names; `InputError` if it is empty, or names a file."""
    if value is None:
        return None
    if not str(value).strip():
        raise InputError("a folder to write has no name", expected=f"{_said(param)} FOLDER", got="an empty text")
    return folder_given(param, Path(value))


def out_folder_given(param: typer.CallbackParam, value: Any) -> Any:
    """The same; `EnvironmentFault` if nothing can be written there."""
    folder = kept_folder_given(param, value)
    if folder is not None:
        _refuse_unwritable(folder, folder)
    return folder


def out_file_given(param: typer.CallbackParam, value: Any) -> Any:
    """The file that a text names; `InputError` if it is a folder, `EnvironmentFault` if it cannot be written."""
    if value is None:
        return None
    path = Path(value)
    if path.is_dir() or str(value).endswith(os.sep):  # so is an empty text, for `Path`
        what = f"{_said(param)} is a folder"
        raise InputError(what, expected="a file to write", got=str(value) or "an empty text", fix="name a file in it")
    _refuse_unwritable(path, path.parent)
    return path


def _refuse_unwritable(folder: Path, place: Path) -> None:
    """Raise `EnvironmentFault` unless files can be made in `place`, or where it would be made; `folder` is named."""
    place = place.resolve()
    while not place.exists() and place != place.parent:
        place = place.parent
    if place.is_dir() and not os.access(place, os.W_OK | os.X_OK):
        is_read_only = os.statvfs(place).f_flag & os.ST_RDONLY
        got = f"{place}, {'on a disk that is read-only' if is_read_only else 'which is not yours to write'}"
        raise EnvironmentFault(f"cannot write {folder}", expected="a folder to write in", got=got, fix=MAKE_ROOM)


def _only(holds: Collection[str]) -> Callable[[typer.CallbackParam, Any], Any]:
    def replaced_folder_given(param: typer.CallbackParam, value: Any) -> Any:
        folder = out_folder_given(param, value)
        if folder is not None:
            _refuse_unwritable(folder, folder.resolve().parent)  # where its draft lies
            contents_of_ours(folder, holds, "what this command writes", _said(param))
        return folder

    return replaced_folder_given


def contents_of_ours(out: Path, ours: Collection[str], what: str, option: str = "--out") -> list[str]:
    """The names in the folder `out`, which `option` names, sorted; none where it is not there yet.

    Raises:
        InputError: it is a file, or holds a name that is none of `ours`, which make up `what`.
    """
    place = out.resolve()
    if not place.name or (out.exists() and not out.is_dir()):
        raise InputError(f"{out} cannot be written", expected="a folder of its own", fix=f"name one with {option}")
    inside = sorted(each.name for each in place.iterdir()) if place.is_dir() else []
    foreign = next((name for name in inside if name not in ours and name not in OF_OTHERS), None)
    if foreign is not None:
        raise would_be_replaced(out, f"{what}, or nothing", foreign, option)
    return [name for name in inside if name in ours]


def would_be_replaced(out: Path, expected: str, got: str, option: str = "--out") -> InputError:
    """The refusal to replace `out`, a folder or a file, which `option` names and which holds `got`."""
    fix = f"name another with {option}, or clear this one"
    return InputError(f"{out} would be replaced", expected=expected, got=got, fix=fix)


def _said(param: typer.CallbackParam) -> str:
    """How the command line calls it: `--out`, or BUNDLE."""
    name = str(param.opts[0])
    return name if name.startswith("-") else name.upper()
