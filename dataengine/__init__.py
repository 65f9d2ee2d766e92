"""A data engine and active-learning toolkit for human pose models.

`load_model` opens a model from Python: see `dataengine.infer.api`.
"""

from importlib import import_module
from typing import Any

PLACES = {"load_model": "dataengine.infer.api"}
"""Names to the modules that hold them, imported when they are asked for: that one loads PyTorch."""


def __getattr__(name: str) -> Any:
    if name in PLACES:
        return getattr(import_module(PLACES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *PLACES])
