"""What DVC leaves behind where an experiment was stopped: its temporary folder, a checkout with copies of results."""

import shutil
from pathlib import Path

from dataengine.errors import InputError
from dataengine.files import read_json

EXPERIMENTS = Path(".dvc/tmp/exps")
_INFO = "run/*/*.run"  # what DVC notes of each experiment: its name, and the folder in which it runs


def clear_left(root: Path, name: str) -> None:
    """Remove the temporary folders of the experiment `name` of the project in `root` in which no program works."""
    place = (root / EXPERIMENTS).resolve()
    for path in sorted(place.glob(_INFO)):
        try:
            info = read_json(path)
        except InputError:  # half written by a DVC that was killed
            continue
        if isinstance(info, dict) and info.get("name") == name:
            folder = Path(str(info.get("root_dir"))).resolve()
            if folder.parent.parent == place and folder.is_dir() and not _is_worked_in(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _is_worked_in(folder: Path) -> bool:
    """Whether a program's working folder is `folder`, or lies in it."""
    import psutil  # a sixth of the start of every command

    working = (each.info["cwd"] for each in psutil.process_iter(["cwd"]))
    return any(folder in (Path(cwd), *Path(cwd).parents) for cwd in working if cwd)
