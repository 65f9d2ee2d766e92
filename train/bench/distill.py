"""What distillation buys: milliseconds a crop of each teacher and its student, all in one run.

HRNet-W48 teaches HRNet-W32, which teaches the small residual network, as ``fit-student.distill`` does it; here their
weights are random, as time does not depend on them. PyTorch in float32, a batch of crops of 192x256; every repeat runs
all three in turn, and a figure is the median over the repeats.
"""

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from dataengine.bench.record import Figure
from dataengine.inference.running.predict import Runner, torch_runner
from dataengine.nets.checkpoint import ModelMeta

TEACHER_TO_STUDENT = (("hrnet-w48", "hrnet-w32"), ("hrnet-w32", "residual"), ("hrnet-w48", "residual"))
WIDTH_PX, HEIGHT_PX = 192, 256
BATCH, REPEATS = 4, 9


def run(width_px: int = WIDTH_PX, height_px: int = HEIGHT_PX, repeats: int = REPEATS) -> Iterator[Figure]:
    """``distill.<student>_from_<teacher>_ms``, the student's time against its teacher's."""
    metas = {
        name: ModelMeta(name, input_width_px=width_px, input_height_px=height_px)
        for name in dict.fromkeys(name for pair in TEACHER_TO_STUDENT for name in pair)
    }
    milliseconds = ms_per_crop({name: torch_runner(meta.build()) for name, meta in metas.items()}, metas, repeats)
    medians = {name: statistics.median(taken) for name, taken in milliseconds.items()}
    for teacher, student in TEACHER_TO_STUDENT:
        yield Figure(f"distill.{student}_from_{teacher}_ms", medians[student], "ms/crop", medians[teacher])


def ms_per_crop(
    runners: Mapping[str, Runner], metas: Mapping[str, ModelMeta], repeats: int
) -> Mapping[str, Sequence[float]]:
    """Times of `repeats` batches of each network, in turns, after one batch each to warm up."""
    rng = np.random.default_rng(0)
    shape = next((m.input_height_px, m.input_width_px) for m in metas.values())
    images = rng.normal(size=(BATCH, 3, *shape)).astype(np.float32)
    for runner in runners.values():
        runner(images)
    taken: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(repeats):
        for name, runner in runners.items():
            started = time.perf_counter()
            runner(images)
            taken[name].append((time.perf_counter() - started) * 1000 / BATCH)
    return taken
