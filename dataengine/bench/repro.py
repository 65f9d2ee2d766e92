"""How long each stage of the loop takes with the present ``params.yaml``, and ``dvc repro`` when nothing changed.

Each stage is run again by ``dvc repro --single-item --force`` in the order of ``dvc.yaml``, in the working folder: its
outputs are made again, and the time includes what DVC itself adds. Outputs that DVC keeps between runs (``persist``)
are set aside, or the stage would find its work done.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from dataengine.bench.record import Figure
from dataengine.errors import EnvironmentFault, InputError

DVC = [sys.executable, "-m", "dvc"]


def run() -> Iterator[Figure]:
    """``repro.<stage>_s`` of every stage, ``repro.total_s``, ``repro.noop_s``."""
    total = 0.0
    for stage, definition in stages(Path("dvc.yaml")).items():
        with set_aside(persistent_outs(definition)):
            seconds = _timed(["repro", "--single-item", "--force", stage])
        total += seconds
        yield Figure(f"repro.{stage}_s", seconds, "s")
    yield Figure("repro.total_s", total, "s")
    _timed(["repro"])
    yield Figure("repro.noop_s", _timed(["repro"]), "s")


def stages(path: Path) -> dict[str, Any]:
    """The stages of a dvc.yaml by name, in its order."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return dict(document["stages"])
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not a dvc.yaml", got=str(error), fix="run in the project's folder") from error


def persistent_outs(definition: dict[str, Any]) -> list[Path]:
    """Outputs of a stage that DVC does not remove before it runs the stage."""
    named = [out for out in definition.get("outs", []) if isinstance(out, dict)]
    return [Path(path) for out in named for path, options in out.items() if options.get("persist")]


@contextmanager
def set_aside(paths: list[Path]) -> Iterator[None]:
    """Move `paths` away while the block makes them again; they come back if it fails."""
    aside = {path: path.with_name(f".{path.name}.aside") for path in paths if path.exists()}
    for path, away in aside.items():
        shutil.rmtree(away, ignore_errors=True)  # of a killed run
        path.rename(away)
    try:
        yield
    except BaseException:
        for path, away in aside.items():
            shutil.rmtree(path, ignore_errors=True)
            away.rename(path)
        raise
    for away in aside.values():
        shutil.rmtree(away)


def _timed(arguments: list[str]) -> float:
    start = time.perf_counter()
    done = subprocess.run([*DVC, *arguments], check=False, stdout=sys.stderr)
    if done.returncode:
        raise EnvironmentFault(f"dvc {' '.join(arguments)} failed", fix="see its output above")
    return time.perf_counter() - start
