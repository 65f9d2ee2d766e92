"""``python -m dataengine.bench [NAME]``: run all benchmarks or one, print and record every figure."""

import sys
from importlib import import_module
from pathlib import Path

from dataengine.bench import BENCHMARKS
from dataengine.bench.record import Figure, record
from dataengine.errors import DataEngineError, ParamsError
from dataengine.hardware.threads import wait_briefly
from dataengine.terminal.speech import answer, say

RESULTS = Path("docs/results/bench.json")


def main(arguments: list[str], results: Path = RESULTS) -> None:
    """Run the benchmark named in `arguments`, all of them without one."""
    unknown = [name for name in arguments if name not in BENCHMARKS]
    if unknown or len(arguments) > 1:
        raise ParamsError("no such benchmark", expected="one of " + ", ".join(BENCHMARKS), got=" ".join(arguments))
    for name in arguments or BENCHMARKS:
        for figure in import_module(BENCHMARKS[name]).run():
            answer(figure.line())
            if isinstance(figure, Figure):
                record(figure, results)


if __name__ == "__main__":
    wait_briefly()  # as the command line does, before a benchmark loads OpenMP
    try:
        main(sys.argv[1:])
    except DataEngineError as error:
        say(f"bench: error: {error}")
        raise SystemExit(2) from error
