"""How people without labels enter a fit's steps: their views next to each labelled batch, and the loss's weight."""

import math
from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from dataengine.crops.spec import CropSpec
from dataengine.crops.training.augment import NO_AUGMENTATION
from dataengine.crops.training.loader import Batch, WaitClock, collate, prefetch, sample_seeds, view_batch
from dataengine.crops.training.patch_store import PatchStore
from dataengine.crops.training.samples import CropSamples
from dataengine.person_scale import person_area

from ..steps.ranks import Ranks
from ..steps.views import Views, hole_draws, views_of
from .params import ConsistencyParams
from .people import Unlabelled

Item = TypeVar("Item")
RAMP_STEEPNESS = 5.0


def weight_at(params: ConsistencyParams, step: int, steps: int) -> float:
    """The loss's weight in step number `step` of `steps`: a rise of exp(-5 (1 - t)^2), as Mean Teacher's (Tarvainen and
    Valpola, 2017, section 3)."""
    ramp = params.ramp_share * steps
    left = 1.0 - min(1.0, step / ramp) if ramp else 0.0
    return params.weight * math.exp(-RAMP_STEEPNESS * left**2)


class UnlabelledBatches:
    """Labelled batches together with views of people without labels."""

    def __init__(
        self, unlabelled: Unlabelled, spec: CropSpec, batch: int, ranks: Ranks, store: PatchStore | None
    ) -> None:
        """`batch` labelled people make a step of all ranks together."""
        params = unlabelled.params
        self.unlabelled, self.ranks = unlabelled, ranks
        self.samples = CropSamples(
            unlabelled.people, unlabelled.images, spec, params.strong, weak=NO_AUGMENTATION, store=store
        )
        self.area_px2 = person_area(unlabelled.people)
        share = round(params.unlabelled_per_labelled * batch / ranks.world)
        self.batch = max(1, share) * ranks.world
        """People without labels in a step of all ranks together."""

    def epoch(
        self,
        samples: CropSamples,
        order: NDArray[np.int64],
        batch: int,
        seed: int,
        epoch: int,
        prepare: Callable[[Batch, Views], Item],
        *,
        steps: int,
        places: NDArray[np.int64],
        raw: bool,
        workers: int,
        waited: WaitClock,
    ) -> Iterator[Item]:
        """This rank's batches of an epoch of `steps`: `order` of the labelled `samples`, `batch` at a time, each with
        its share of people without labels; `prepare` runs in the loader's threads."""
        own = self.batch // self.ranks.world
        whole = self.unlabelled.order(seed, epoch * steps * self.batch, steps * self.batch)
        own_places = self.ranks.places(len(whole), self.batch)
        rows = whole[own_places]

        def make(step: int) -> Item:
            labelled = order[step * batch : (step + 1) * batch]
            drawn = samples.draw(labelled, sample_seeds(seed, epoch, places, step * batch, len(labelled)))
            start = step * own
            people = rows[start : start + own]
            seeds = sample_seeds(seed, epoch, own_places, start, own)
            views = view_batch(self.samples, people, seeds, raw=raw)
            draws = hole_draws(self.batch, [seed, epoch, step])[self.ranks.rank * own :][:own]
            return prepare(
                collate(drawn, labelled, raw=raw),
                views_of(views, self.area_px2, self.unlabelled.cutouts, draws),
            )

        return prefetch(make, range(steps), workers=workers, waited=waited)
