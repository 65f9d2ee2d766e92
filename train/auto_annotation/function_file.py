"""The Python file for cvat-cli's `--function-file`. It names the model, whose id is checked when it is opened."""

import shlex
from pathlib import Path

from dataengine.files import atomic_path, write_json
from dataengine.formats.tools.cvat_labels import label_definitions
from dataengine.formats.tools.cvat_writing import labels_path

from .function import PoseFunction

_LINES = '''"""Model {id} in CVAT, as `dataengine annotate-cvat` wrote it. It runs where dataengine is installed."""

from functools import partial

from dataengine.train.auto_annotation import function

create = partial(function.create, model={model!r}, detector={detector!r}, model_id={id!r})
'''


def write_function_file(path: Path, opened: PoseFunction, detector: Path) -> None:
    """Write it, and next to it the labels that a project needs, as `labels_path` names them; paths are absolute."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(labels_path(path), label_definitions())
    model = str(opened.model.folder.resolve())
    text = _LINES.format(id=opened.model.id, model=model, detector=str(detector.resolve()))
    with atomic_path(path) as partial:
        partial.write_text(text, encoding="utf-8")


def client_lines(path: Path) -> dict[str, str]:
    """What to type for the file at `path`, by what it is for; HOST, TASK, NAME and ID are the user's to fill in."""
    file = f"--function-file {shlex.quote(str(path))}"
    return {
        "one task": f"cvat-cli --server-host HOST task auto-annotate TASK {file}",
        "in the menu": f"cvat-cli --server-host HOST function create-native NAME {file}",
        "as long as it is to be there": f"cvat-cli --server-host HOST function run-agent ID {file}",
    }
