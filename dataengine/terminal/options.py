"""Options that several commands share, so that they are worded once."""

import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from dataengine.errors import InputError

ParamsFile = Annotated[
    Path, typer.Option("--params", help="YAML file with the params; a command reads the sections that it needs.")
]
PARAMS_FILE = Path("params.yaml")
"""Default of `ParamsFile`."""

Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        envvar="DATAENGINE_CLUSTER",
        help="Address of a Ray cluster to work on, HOST:PORT, or auto for the one that runs here.",
    ),
]


FOLDER = re.compile(r"Folder|Checkpoint folder(?!,)")  # with a comma: or something else


def with_folders_checked(command: Callable[..., None]) -> Callable[..., None]:
    """`command`, which refuses a file where an option asks for a folder: its help begins so, "Folder of the fits".

    That is before its work begins, and not when the result is to be written.
    """
    hints = get_type_hints(command, include_extras=True)
    folders = [
        name
        for name, hint in hints.items()
        if any(FOLDER.match(str(getattr(each, "help", ""))) for each in getattr(hint, "__metadata__", ()))
    ]

    @wraps(command)
    def checked(**options: Any) -> None:
        for name in folders:
            if isinstance(options.get(name), Path) and options[name].is_file():
                what = f"--{name.replace('_', '-')} is a file"
                raise InputError(
                    what, expected="a folder", got=str(options[name]), fix="name another, or move the file"
                )
        command(**options)

    return checked


def named_folder(text: str) -> Path:
    """The folder that an option names; an empty name, which `Path` takes for the working folder, is an `InputError`."""
    if not text.strip():
        raise InputError("a folder to write has no name", expected="--out FOLDER", got="an empty text")
    return Path(text)
