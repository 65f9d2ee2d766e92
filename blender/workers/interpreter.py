"""Which Python has Blender's module, and whether it can render here.

`blender_python` finds it, `about` asks it which versions it has, `require_blender` checks it at the start of a command.
"""

import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import dataengine
from dataengine.errors import EnvironmentFault, install_extra

from .ask import ask

ENVIRONMENT = Path(".venv-blender")
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
PACKAGE = Path(str(dataengine.__file__)).parent
_PROGRAM = Path("bin") / "python"
_ANSWER_SECONDS = 60.0


@dataclass(frozen=True)
class About:
    """Versions in Blender's Python."""

    python: str
    bpy: str
    """Version of Blender's module."""
    numpy: str


def blender_python(wish: str) -> Path:
    """The interpreter that `render.python` names, or that of `.venv-blender` if it is "".

    That folder is searched for in the working folder, next to the package and next to the environment in use.

    Raises `EnvironmentFault` if there is none.
    """
    if wish:
        if not Path(wish).is_file():
            raise EnvironmentFault("no Python for Blender at render.python", got=wish, fix=how_to_get_it())
        return Path(wish).absolute()  # not resolved: the link inside an environment makes it that environment's Python
    for folder in (Path.cwd(), PACKAGE.parent, Path(sys.prefix).parent):
        if (folder / ENVIRONMENT / _PROGRAM).is_file():
            return folder / ENVIRONMENT / _PROGRAM
    raise EnvironmentFault(
        "rendering needs Blender, in an environment of its own",
        got=f"no {ENVIRONMENT / _PROGRAM}; every other stage works without",
        fix=how_to_get_it(),
    )


def how_to_get_it() -> str:
    """How to make the environment, for error messages."""
    return (
        f"make setup, or python3.11 -m venv {ENVIRONMENT} && {ENVIRONMENT / _PROGRAM} -m pip install -r {REQUIREMENTS},"
        " or name a Python that has bpy in render.python"
    )


@lru_cache
def about(python: Path) -> About:
    """Versions in `python`, without loading Blender; `EnvironmentFault` if it does not run or has no Blender."""
    versions = ask(python, "dataengine.blender.workers.inventory:inventory", {}, _ANSWER_SECONDS)
    if not versions["bpy"]:
        raise EnvironmentFault(
            "rendering needs Blender's module 'bpy'", got=f"{python}, which lacks it", fix=how_to_get_it()
        )
    return About(**versions)


def require_blender(wish: str) -> Path:
    """The Python that `render.python` names; `EnvironmentFault` if Blender or the body model is not installed."""
    python = blender_python(wish)
    about(python)
    if find_spec("anny") is None:
        raise EnvironmentFault("the body model needs the package 'anny'", fix=install_extra("blender"))
    return python
