"""Tests inside Blender's Python: ``python -P inside.py REPORT NODE...`` runs them there by pytest.

How each ended goes to `REPORT`, a file of JSON: node id -> [outcome, text].
"""

import json
import runpy
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


class Recorder:
    """Keeps how each test ended; the first thing that went wrong with it counts."""

    def __init__(self) -> None:
        self.ended: dict[str, tuple[str, str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            before = self.ended.get(report.nodeid, ("passed", ""))
            if before[0] == "passed":
                self.ended[report.nodeid] = report.outcome, report.longreprtext


def main(report: Path, nodes: list[str]) -> None:
    boot = runpy.run_path(str(REPOSITORY / "dataengine" / "blender" / "workers" / "boot.py"))
    boot["make_known"](REPOSITORY / "dataengine")
    recorder = Recorder()
    above = f"--confcutdir={Path(__file__).parent}"  # tests/conftest.py asks for packages that Blender's Python lacks
    options = ["-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestConfigWarning", above]
    pytest.main([*options, *nodes], [recorder])
    report.write_text(json.dumps(recorder.ended), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
