"""What a library for running networks can do here; its own process, with the library's name as its word.

Imports the library, which may crash or hang where it does not fit the driver, and prints one JSON object.
"""

import json
import sys
from importlib import import_module
from typing import Any


def describe_onnxruntime(library: Any) -> dict[str, Any]:
    """Version, and the execution providers that this build has."""
    return {"version": library.__version__, "providers": library.get_available_providers()}


def describe_tensorrt(library: Any) -> dict[str, Any]:
    """Version, whether its builder starts here, and the compute capabilities it knows; none where it names none."""
    named = getattr(library, "ComputeCapability", None)
    names = list(named.__members__) if named is not None else []
    return {
        "version": library.__version__,
        "builds": _builder_starts(library),
        "capabilities": [f"{name[2:-1]}.{name[-1]}" for name in names if name.startswith("SM") and name[2:].isdigit()],
    }


def _builder_starts(library: Any) -> bool:
    try:
        return library.Builder(library.Logger(library.Logger.ERROR)) is not None
    except (RuntimeError, TypeError):  # pybind reports a builder that could not start as a TypeError
        return False


if __name__ == "__main__":
    name = sys.argv[1]
    describe = describe_onnxruntime if name == "onnxruntime" else describe_tensorrt
    print(json.dumps(describe(import_module(name))))
