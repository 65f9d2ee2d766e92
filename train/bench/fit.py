"""What the fitting loop costs compared with a plain PyTorch loop, and a checkpoint compared with ``torch.save``.

Both loops fit the same network, with the parameters of section ``fit-teacher`` (a SimCC head), on batches of the same
loader. Ours also averages the weights, checks that losses are finite, and can accumulate, resume and be shared
among ranks. They take turns, an epoch of a few batches each, ours first in every other pair; ``fit.overhead`` is the
median of the pairs' ratios.

``fit.checkpoint_*`` compares what ships (safetensors, metadata, checksum) with the state dict alone; ``fit.resume_*``
compares what an exact resume needs (weights, average, optimizer, history) with the same dicts by plain ``torch.save``.
`precision.py`, `busy.py` and `cuda.py` measure how precision, other work and a GPU bear on a fit.
"""

import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from dataengine.bench.record import Figure, Missing
from dataengine.nets.checkpoint import save_checkpoint
from dataengine.params import load_section

from ..fit import start, state
from ..fit.params import BASE, FitParams
from . import busy, cuda, precision
from .loops import in_turns, loops

PEOPLE, PAIRS, SAVES = 320, 21, 11


def run(
    people: int = PEOPLE, pairs: int = PAIRS, saves: int = SAVES, params: Path = Path("params.yaml")
) -> Iterator[Figure | Missing]:
    """``fit.overhead``, ``fit.ms_per_image``, time and bytes of a checkpoint and of a resume state, and the rest."""
    section = load_section(params, "fit-teacher", FitParams, base=BASE)
    once = replace(section, draws_per_epoch=1, people_per_epoch=None, accumulate=1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours, plain = loops(once, folder / "set", people)
        seconds = in_turns(ours.epoch, plain.epoch, pairs)
        ratio = statistics.median(a / b for a, b in seconds)
        yield Figure("fit.overhead", ratio, "of a plain loop's time", 1.0)
        per_image = [1000 * statistics.median(taken) / ours.images for taken in zip(*seconds, strict=True)]
        yield Figure("fit.ms_per_image", per_image[0], "ms", per_image[1])
        yield from _checkpoints(ours.run, folder, saves)
        yield from precision.figures(once, folder / "precision", min(people, precision.PEOPLE))
        yield from busy.figures(2 * people, min(pairs, busy.PAIRS), params)
        yield from cuda.figures(once, folder / "cuda")


def _checkpoints(run: Any, folder: Path, saves: int) -> Iterator[Figure]:
    meta = start.model_meta(run.params)
    state_dicts = (run.net.state_dict(), run.average.state_dict(), run.stepper.learner.optimizer.state_dict())
    out, plain = folder / "model", folder / "plain.pt"
    resume = state.resume_folder(out) / state.STATE_NAME
    for name, save, files, content in (
        ("checkpoint", lambda: save_checkpoint(out, run.average, meta), lambda: list(out.iterdir()), state_dicts[1]),
        ("resume", lambda: state.save_state(out, run.state("benchmark")), lambda: [resume], state_dicts),
    ):
        out.mkdir(exist_ok=True)
        seconds = in_turns(save, lambda content=content: torch.save(content, plain), saves)  # type: ignore[misc]
        ours, theirs = (statistics.median(taken) for taken in zip(*seconds, strict=True))
        yield Figure(f"fit.{name}_s", ours, "s", theirs)
        size = sum(path.stat().st_size for path in files())
        yield Figure(f"fit.{name}_bytes", size, "bytes", plain.stat().st_size)
