"""A data engine and active-learning toolkit for human pose models."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataengine.infer.api import load_model

__all__ = ["load_model"]


def __getattr__(name: str) -> Any:
    """`load_model`, imported when it is asked for: it loads PyTorch, and most commands do not need that."""
    if name == "load_model":
        from dataengine.infer.api import load_model

        return load_model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
