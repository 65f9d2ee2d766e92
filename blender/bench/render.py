"""How fast two render workers are, how much time they spend outside Cycles, and whether their memory grows.

Images of 256x256 pixels with 8 samples and 1 to 3 people, the other params as in params.yaml, on the CPU, under the
stage's own supervision. Every worker logs when it saved each image, how long Cycles itself took (as Cycles notes in the
image: syncing the scene and rendering it), and its memory. A worker's first image, which includes its start, is not
counted. The peer of the rate is what the same workers would reach if they did nothing but Cycles.

`render.growth_mb` is a worker's memory at its end less that after a fifth of its images, when its caches are full; with
the default of 60 images it is noise. For a figure worth recording run
``python -m dataengine.blender.bench.render 1000``, about 20 minutes on two idle cores; 60 images take about 1.5.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from dataengine.bench.record import Figure
from dataengine.errors import EnvironmentFault
from dataengine.params import load_section
from dataengine.terminal.speech import answer

from ..batch.workforce import Terms, Workforce
from ..body.cache import prepare_body_cache
from ..scene.params import RenderParams
from ..workers.interpreter import require_blender
from ..workers.job import Job
from .noting import Made

MAKER = "dataengine.blender.bench.noting:NotingMaker"
IMAGES, WORKERS = 60, 2
PARAMS, BODY_CACHE = Path("params.yaml"), Path("data/cache/anny")


def run(images: int = IMAGES) -> Iterator[Figure]:
    """``render.images_per_s``, ``render.wall_over_cycles``, ``render.worker_mb`` and ``render.growth_mb``."""
    params = replace(
        load_section(PARAMS, "render", RenderParams),
        images=images,
        width_px=256,
        height_px=256,
        samples=8,
        max_people=3,
        workers=WORKERS,
        images_per_worker=images,
        device="cpu",
    )
    python = require_blender(params.python)
    prepare_body_cache(BODY_CACHE)
    with tempfile.TemporaryDirectory() as folder:
        terms = Terms(params.workers, params.image_timeout_s, params.images_per_worker)
        job = Job(MAKER, {"params": params, "folder": Path(folder), "cache": BODY_CACHE})
        outcome = Workforce(python, job, terms).run_all(images, "render", "image")
        if outcome.skipped:
            raise EnvironmentFault("the benchmark's images fail", got=outcome.skipped[min(outcome.skipped)])
        yield from render_figures(read_notes(Path(folder)))


def render_figures(workers: list[list[Made]]) -> Iterator[Figure]:
    """The benchmark's figures from the logs of all workers, each in order of time."""
    rate = sum((len(notes) - 1) / (notes[-1].saved_s - notes[0].saved_s) for notes in workers)
    pure_rate = sum((len(notes) - 1) / sum(made.cycles_s for made in notes[1:]) for notes in workers)
    wall = sum(notes[-1].saved_s - notes[0].saved_s for notes in workers)
    cycles = sum(made.cycles_s for notes in workers for made in notes[1:])
    yield Figure("render.images_per_s", rate, "images/s", pure_rate)
    yield Figure("render.wall_over_cycles", wall / cycles, "x")
    yield Figure("render.worker_mb", max(notes[-1].peak_mb for notes in workers), "MB")
    yield Figure("render.growth_mb", max(notes[-1].held_mb - notes[len(notes) // 5].held_mb for notes in workers), "MB")


def read_notes(folder: Path) -> list[list[Made]]:
    """The logs of all workers that made two images or more."""
    all_notes = [
        [Made(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
        for path in sorted(folder.glob("*.jsonl"))
    ]
    return [notes for notes in all_notes if len(notes) > 1]


if __name__ == "__main__":
    from dataengine.bench.__main__ import RESULTS
    from dataengine.bench.record import record

    for figure in run(int(sys.argv[1])):
        answer(figure.line())
        record(figure, RESULTS)
