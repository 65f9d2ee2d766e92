"""Whether anything was learnt: both tasks on the time that was held out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from dataengine.crops.spec import CropSpec

from . import order, views
from .blocks import Parted
from .params import PretrainParams
from .shown import Changes, shown
from .tasks import Pretext, asks_order, asks_views

TRIPLES = 240
BATCH = 64
SURE = 1.645  # of a one-sided 95 % test
_MEASURE_SEED = 1


@dataclass(frozen=True)
class TaskAccuracy:
    """A task's accuracy on held-out time."""

    accuracy: float
    chance: float
    by_pixels: float
    """The accuracy of grey values alone, without a network: the two crops that differ most are the ends, the two most
    alike are one moment."""
    stretches: int
    """About how many independent moments the held-out time has: the sample size of the test against chance."""

    @property
    def needed(self) -> float:
        """Accuracy above which chance is ruled out at 95 %, by the normal approximation of the binomial."""
        spread = np.sqrt(self.chance * (1 - self.chance) / max(self.stretches, 1))
        return min(1.0, float(self.chance + SURE * spread))

    @property
    def learnt(self) -> bool:
        """Whether chance is ruled out."""
        return self.accuracy > self.needed

    def line(self) -> str:
        """For the user."""
        verdict = "learnt" if self.learnt else f"no better than chance, which {self.needed:.3f} would rule out"
        return (
            f"{self.accuracy:.3f} on held-out time (chance {self.chance:.3f}, pixels {self.by_pixels:.3f}): {verdict}"
        )


def measured(
    model: Pretext, parted: Parted, params: PretrainParams, spec: CropSpec, device: torch.device
) -> Mapping[str, TaskAccuracy]:
    """The accuracy of each task that is asked, by crops as they are; always on the same draws."""
    was = model.training
    model.eval()
    try:
        return dict(_measured(model, parted, params, spec, device))
    finally:
        model.train(was)


@torch.no_grad()
def _measured(
    model: Pretext, parted: Parted, params: PretrainParams, spec: CropSpec, device: torch.device
) -> Iterator[tuple[str, TaskAccuracy]]:
    held = parted.held
    if asks_order(params, held) and asks_order(params, parted.learnt):
        rng = np.random.default_rng(_MEASURE_SEED)
        rows, middle = order.draw_triples(held.tracks, parted.crops, params, TRIPLES, rng)
        used, at = np.unique(rows, return_inverse=True)
        features = _features(model, parted.crops[used], spec, device)[torch.from_numpy(at.reshape(-1))]
        said = model.order(features).argmax(dim=1).cpu().numpy()
        stretches = sum(_stretches(track.time_s, 2 * params.order_gap_s[0]) for track in held.tracks)
        grey = _grey(parted.crops[used])[at.reshape(-1, 3)]
        ends = [np.abs(grey[:, a] - grey[:, b]).mean(axis=1) for a, b in ((1, 2), (0, 2), (0, 1))]
        by_pixels = float((np.argmax(ends, axis=0) == middle).mean())
        yield "order", TaskAccuracy(float((said == middle).mean()), order.CHANCE, by_pixels, stretches)
    if asks_views(params, held) and asks_views(params, parted.learnt):
        right, pixels_right, compared, stretches = 0.0, 0.0, 0, 0
        for moments in held.moments:
            rows = np.unique(moments.rows[moments.rows >= 0])
            embedded = np.zeros((len(parted.crops), views.OUT), dtype=np.float32)
            embedded[rows] = model.views(_features(model, parted.crops[rows], spec, device)).cpu().numpy()
            share, count = views.agreement(embedded, moments, params.margin_s)
            grey = np.zeros((len(parted.crops), _grey(parted.crops[:1]).shape[1]), dtype=np.float32)
            grey[rows] = _grey(parted.crops[rows])
            grey /= np.maximum(np.linalg.norm(grey, axis=1, keepdims=True), 1e-6)
            pixels_right += views.agreement(grey, moments, params.margin_s)[0] * count
            right, compared = right + share * count, compared + count
            stretches += _stretches(moments.time_s, params.margin_s) * (moments.rows.shape[1] - 1)
        if compared:
            yield "views", TaskAccuracy(right / compared, views.CHANCE, pixels_right / compared, int(stretches))


def _features(model: Pretext, crops: NDArray[np.uint8], spec: CropSpec, device: torch.device) -> torch.Tensor:
    parts = []
    for start in range(0, len(crops), BATCH):
        some = crops[start : start + BATCH]
        parts.append(model.features(torch.from_numpy(shown(some, spec, Changes.none(len(some)))).to(device)))
    return torch.cat(parts)


def _grey(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Grey values (n, p) of crops (n, H, W, 3), every fourth pixel, less their mean."""
    grey = crops[:, ::4, ::4].astype(np.float32).mean(axis=3).reshape(len(crops), -1)
    return np.asarray(grey - grey.mean(axis=1, keepdims=True))


def _stretches(time_s: NDArray[np.float64], length_s: float) -> int:
    """How many stretches of this length a time holds, one at least."""
    return max(1, int(np.ptp(time_s) / length_s + 1e-9))
