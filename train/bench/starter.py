"""What the starter is worth with few labels: a short fit on 200 people that begins with it, against random weights.

``starter.gain`` is OKS AP on people that neither fit has seen, with the starter against without; ``starter.s_per_ap``
is how many seconds of fitting each point of AP (0 to 100) took. Both fits see the same people in the same order.
"""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from dataengine.bench import loader_sets
from dataengine.bench.record import Figure, Missing
from dataengine.inference.held_crops import HeldCrops
from dataengine.params import load_section
from dataengine.people import SOURCE_DTYPE, Images, People

from ..fit.data import ValidationSet
from ..fit.learnt_from.training_set import TrainingSet
from ..fit.loop import fit
from ..fit.origin import STARTER
from ..fit.params import BASE, FitParams
from ..fit.start import crop_spec

LABELLED, JUDGED = 200, 300
EPOCHS, PEOPLE_PER_EPOCH = 2, 4800
SEED = 0


def run(params: Path = Path("params.yaml")) -> Iterator[Figure | Missing]:
    """Both figures."""
    if not loader_sets.REAL_SET.is_dir():
        for name in ("starter.gain", "starter.s_per_ap"):
            yield Missing(name, f"labelled photographs at {loader_sets.REAL_SET}")
        return
    section = load_section(params, "fit-teacher", FitParams, base=BASE)
    short = replace(section, epochs=EPOCHS, people_per_epoch=PEOPLE_PER_EPOCH, seed=SEED, only=None)
    ap, seconds = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        people, images = loader_sets.small_set(Path(folder), LABELLED + JUDGED)
    for origin in (STARTER, None):
        ap[origin], seconds[origin] = _fitted(replace(short, start_from=origin), people, images)
    yield Figure("starter.gain", ap[STARTER], "OKS AP", ap[None])
    costs = [seconds[origin] / (100 * ap[origin]) if ap[origin] else None for origin in (STARTER, None)]
    if costs[0] is None:
        yield Missing("starter.s_per_ap", "a fit that reaches any AP")
    else:
        yield Figure("starter.s_per_ap", costs[0], "s", costs[1])


def _fitted(params: FitParams, people: People, images: Images) -> tuple[float, float]:
    """AP on the judged people after a fit on the labelled ones, and the seconds that it took."""
    order = np.random.default_rng(SEED).permutation(len(people))
    learnt, judged = people.take(order[:LABELLED]), people.take(order[LABELLED : LABELLED + JUDGED])
    learnt = learnt.replace(source=np.full(len(learnt), "real", dtype=SOURCE_DTYPE))
    shown, seen = (images.take(np.unique(images.rows_of(part.image_id))) for part in (learnt, judged))
    validation = ValidationSet(judged, seen, HeldCrops.of(judged, seen, crop_spec(params)))
    with tempfile.TemporaryDirectory() as folder:
        out, report = Path(folder) / "model", Path(folder) / "report"
        started = time.perf_counter()
        training = TrainingSet.of_one_source(learnt, shown, SEED)
        figures = fit("bench", params, training, validation, out=out, report=report, files=[])
        return figures["val_oks_ap"], time.perf_counter() - started
