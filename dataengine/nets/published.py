"""Models as others publish them, for the library ``transformers``: a folder, or a hub model at one commit.

A folder is one that ``save_pretrained`` wrote; a hub model is ``owner/name@commit``, since a name alone means whatever
its owner uploads next. Weights are read from safetensors only, and no code that comes with a model is run.
"""

import re
from pathlib import Path
from typing import Any

from dataengine.errors import EnvironmentFault, InputError, ParamsError, install_extra

COMMIT = re.compile("[0-9a-f]{40}")


def from_source(kind: Any, source: str, what: str, **options: Any) -> Any:
    """``kind.from_pretrained`` of a folder or of a hub model, with its many faults as one line.

    Raises:
        InputError: it is missing or damaged, or the hub is out of reach; `what` names its kind.
        ParamsError: `source` is not a folder, and does not pin a commit.
    """
    name, revision = name_and_revision(source, what)
    try:
        return kind.from_pretrained(name, revision=revision, **options)
    except published_faults() as error:
        first = next(iter(str(error).splitlines()), "")
        raise InputError(
            f"{what} weights {source!r} cannot be loaded",
            expected="a folder with config.json and model.safetensors, or owner/name@commit and access to the hub",
            got=first,
        ) from error


def name_and_revision(source: str, what: str) -> tuple[str, str | None]:
    """A folder and None, or a hub model and the commit it is pinned to; anything else is an error."""
    if Path(source).is_dir():
        if not (Path(source) / "config.json").is_file():  # the library would take its defaults
            raise InputError(f"{source} holds no {what} model", expected="config.json and model.safetensors in it")
        return source, None
    name, _, revision = source.partition("@")
    if not COMMIT.fullmatch(revision):
        raise ParamsError(
            f"pretrained {source!r} is not a folder, and names no commit of a hub model",
            expected="owner/name@ and the 40 digits of a commit",
            fix="take them from the model's history on the hub: branches and tags move",
        )
    return name, revision


def published_faults() -> tuple[type[Exception], ...]:
    """What the library raises for files that are not there and for a configuration that is none."""
    from huggingface_hub.errors import StrictDataclassError

    return (OSError, RuntimeError, TypeError, ValueError, KeyError, StrictDataclassError)


def transformers_library() -> Any:
    """The library itself. EnvironmentFault where it is not installed."""
    try:
        import transformers
    except ImportError as error:
        raise EnvironmentFault("transformers is not installed", fix=install_extra("networks")) from error
    return transformers
