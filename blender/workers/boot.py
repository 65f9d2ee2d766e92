"""The first code that a worker runs: make this project's package known to a Python in which it is not installed.

Started by its path: ``python -P boot.py FOLDER MODULE:FUNCTION ARGUMENT...``. `FOLDER` is the folder of the package
`dataengine`, as the parent imported it from a checkout or a wheel. Only that package is taken from there. Neither
`sys.path` nor ``PYTHONPATH`` names the folder above it: for a wheel that is the site-packages of the parent, with numpy
and everything else built for another Python.
"""

import importlib
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

_PACKAGE = "dataengine"


def make_known(folder: Path) -> None:
    """Import the package `dataengine` from `folder`; its modules are then found as usual."""
    spec = spec_from_file_location(_PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)])
    assert spec is not None and spec.loader is not None
    package = sys.modules[_PACKAGE] = module_from_spec(spec)
    spec.loader.exec_module(package)


if __name__ == "__main__":
    make_known(Path(sys.argv[1]))
    module, _, function = sys.argv[2].partition(":")
    getattr(importlib.import_module(module), function)(sys.argv[3:])
