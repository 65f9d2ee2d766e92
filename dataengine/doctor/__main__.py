"""`python3.11 -m dataengine.doctor [--json]`: the same as `dataengine doctor`, before anything is installed."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from dataengine.terminal.speech import answer

from .diagnosis import LIMIT_S, diagnose
from .screen import screen_lines


def show(*, root: Path, params: Path, as_json: bool, limit_s: float) -> int:
    """Print the diagnosis for the project in `root`; returns the exit code."""
    waiting = not as_json and sys.stderr.isatty()
    if waiting:
        print("checking this machine, a few seconds ...", end="\r", file=sys.stderr, flush=True)
    diagnosis = diagnose(root, params, limit_s)
    if waiting:
        print("\x1b[K", end="", file=sys.stderr, flush=True)
    if as_json:
        answer(json.dumps(diagnosis.as_json(), indent=1))
    else:
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        answer("\n".join(screen_lines(diagnosis, colour=colour)))
    return diagnosis.exit_code


def main() -> int:
    """Read the options and show the diagnosis; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python3.11 -m dataengine.doctor", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    return show(root=Path.cwd(), params=Path("params.yaml"), as_json=options.json, limit_s=LIMIT_S)


if __name__ == "__main__":
    sys.exit(main())
