"""`dataengine summary`: what the last run made, where it lies, what was measured and what to do next.

It reads `dvc.yaml` for the stages and their results and the metrics files they name, so a new stage appears by itself.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from dataengine.errors import InputError
from dataengine.files import flat_items, read_json
from dataengine.studies.dvc_project import paths_of, read_stages
from dataengine.terminal.speech import answer

REST = "  rest     dvc repro                  makes what is not made yet"
"""The line for a run that is not whole."""
NEXT_STEPS = (
    ("data/select", "  look     dataengine app             the frames worth labelling, in FiftyOne"),
    ("reports/compare/report.html", "  compare  open {needed}              why the candidate was promoted or refused"),
    (".", "  metrics  dvc metrics show           every number; dvc plots show for the curves"),
    (".", "  change   dvc exp run -S mix.synthetic_per_real=0.5     only what depends on it runs again"),
    ("reports/promote", "  round    dataengine begin-round     the present champion becomes the one to beat"),
)
"""What there is to do next, each after the result that it needs."""
MAX_METRICS = 4  # of one stage; `dvc metrics show` has them all


def command(
    pipeline: Annotated[Path, typer.Option(help="The pipeline whose results are summed up.")] = Path("dvc.yaml"),
) -> None:
    """Show what the last run of the pipeline made, where it lies, what was measured and what to do next.

    Reads the files that the stages wrote and computes nothing again. Results that do not exist yet are "not made".

    Example: dataengine summary
    """
    for line in summary_lines(pipeline):
        answer(line)


def summary_lines(pipeline: Path) -> Iterator[str]:
    """The lines of the summary. Raises `InputError` if `pipeline` is not a dvc.yaml."""
    try:
        stages = read_stages(pipeline)
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        fix = "run in the project's folder"
        raise InputError(f"{pipeline} cannot be read", expected="a dvc.yaml", fix=fix) from error
    root = pipeline.parent
    yield ""
    width = max((len(out) for stage in stages.values() for out in paths_of(stage, "outs")), default=0)
    yield f"{'stage':<13} {'result':<{width}} {'size':>8}  measured"
    for name, stage in stages.items():
        for out in paths_of(stage, "outs"):
            yield f"{name:<13} {out:<{width}} {size_text(root / out):>8}  {metrics_text(root, stage)}".rstrip()
    verdict = root / "reports/promote/promotion.json"
    if verdict.exists():
        yield ""
        yield f"Verdict: {read_json(verdict).get('reason', 'see ' + str(verdict))}"
    yield ""
    yield "Next"
    if not all((root / out).exists() for stage in stages.values() for out in paths_of(stage, "outs")):
        yield REST
    yield from (step.format(needed=needed) for needed, step in NEXT_STEPS if (root / needed).exists())


def size_text(path: Path) -> str:
    """Human size of a file or folder, "not made" when absent."""
    if not path.exists():
        return "not made"
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    size = float(sum(p.stat().st_size for p in files))
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def metrics_text(root: Path, stage: dict[str, Any]) -> str:
    """The first numbers of the stage's metrics files."""
    numbers = [
        f"{key} {value:.4g}"
        for path in paths_of(stage, "metrics")
        if (root / path).exists()
        for key, value in flat_items(read_json(root / path))
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    return ", ".join(numbers[:MAX_METRICS])
