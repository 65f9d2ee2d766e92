"""Which Python has Blender's module, and whether it can render here.

`blender_python` finds it, `about` asks it what it has, `require_blender` is for the start of a command.
"""

import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import dataengine
from dataengine.errors import EnvironmentFault

from .ask import ask

ENVIRONMENT = Path(".venv-blender")
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
PACKAGE = Path(str(dataengine.__file__)).parent
_PROGRAM = Path("bin") / "python"
_ANSWER_SECONDS = 60.0


@dataclass(frozen=True)
class About:
    """What Blender's Python has."""

    python: str
    bpy: str
    """Version of Blender's module."""
    numpy: str


def blender_python(wish: str) -> Path:
    """The interpreter of `render.python`, "" for that of `.venv-blender`.

    That folder is looked for in the working folder, next to the package and next to the environment in use.

    Raises `EnvironmentFault` where there is none.
    """
    if wish:
        if not Path(wish).is_file():
            raise EnvironmentFault("no Python for Blender at render.python", got=wish, fix=how_to_get_it())
        return Path(wish).absolute()  # not resolved: the link in an environment is what makes it that environment's
    for folder in (Path.cwd(), PACKAGE.parent, Path(sys.prefix).parent):
        if (folder / ENVIRONMENT / _PROGRAM).is_file():
            return folder / ENVIRONMENT / _PROGRAM
    raise EnvironmentFault(
        "rendering needs Blender, in an environment of its own",
        got=f"no {ENVIRONMENT / _PROGRAM}; every other stage works without",
        fix=how_to_get_it(),
    )


def how_to_get_it() -> str:
    """What makes the environment, for error lines."""
    return (
        f"make setup, or python3.11 -m venv {ENVIRONMENT} && {ENVIRONMENT / _PROGRAM} -m pip install -r {REQUIREMENTS},"
        " or name a Python that has bpy in render.python"
    )


@lru_cache
def about(python: Path) -> About:
    """What `python` has, without loading it; `EnvironmentFault` where it does not run or has no Blender."""
    found = ask(python, "dataengine.blender.workers.inventory:inventory", {}, _ANSWER_SECONDS)
    if not found["bpy"]:
        raise EnvironmentFault(
            "rendering needs Blender's module 'bpy'", got=f"{python}, which lacks it", fix=how_to_get_it()
        )
    return About(**found)


def require_blender(wish: str) -> Path:
    """The Python that `render.python` means; `EnvironmentFault` where Blender or the body model are not installed."""
    python = blender_python(wish)
    about(python)
    if find_spec("anny") is None:
        raise EnvironmentFault("the body model needs the package 'anny'", fix="pip install 'dataengine[blender]'")
    return python
