"""Both tasks at once: the network, what reads its features, and the loss of one step."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dataengine.crops.spec import CropSpec
from dataengine.nets.network import KeypointNetwork

from .blocks import Parted, Stretch
from .order import OrderHead, draw_triples, order_loss
from .params import PretrainParams
from .shown import Changes, shown
from .views import ViewHead, draw_pairs, view_loss

PLACES = 4  # features are averaged in 4 x 4 places, since a pose is where things are


class Pretext(nn.Module):
    """A backbone with the layers that only the tasks need."""

    def __init__(self, net: KeypointNetwork, spec: CropSpec) -> None:
        super().__init__()
        self.net = net
        with torch.no_grad():  # in evaluation mode, for statistics of batch norm are not to change
            was = net.training
            channels = net.eval().features(torch.zeros(1, 3, spec.height_px, spec.width_px)).shape[1]
            net.train(was)
        self.order, self.views = OrderHead(channels * PLACES**2), ViewHead(channels * PLACES**2)

    def features(self, images: Tensor) -> Tensor:
        """Features (b, f) of normalised images (b, 3, H, W)."""
        maps = self.net.features(images.contiguous(memory_format=torch.channels_last))
        return nn.functional.adaptive_avg_pool2d(maps, PLACES).flatten(1)


def step_losses(
    model: Pretext,
    parted: Parted,
    params: PretrainParams,
    spec: CropSpec,
    rng: np.random.Generator,
    device: torch.device,
    autocast: torch.autocast,
) -> Mapping[str, Tensor]:
    """The weighted losses of one step on crops drawn by `rng`, by task."""
    stretch, parts = parted.learnt, list[NDArray[np.float32]]()
    triples = params.batch // 3 if asks_order(params, stretch) else 0
    if triples:
        rows, middle = draw_triples(stretch.tracks, parted.crops, params, triples, rng)
        parts.append(shown(parted.crops[rows.ravel()], spec, Changes.drawn(params, triples, 3, rng)))
    pairs = 0
    if asks_views(params, stretch):
        seen, time_s = draw_pairs(stretch.moments, params.batch // 2, rng)
        pairs = len(seen)
        # one side for all of them, since a mirrored moment among others would be known by that
        light, side = Changes.drawn(params, 2 * pairs, 1, rng), rng.random() < 0.5
        light = Changes(light.shift, light.scale, np.full(2 * pairs, side), light.gain, light.offset)
        parts.append(shown(parted.crops[seen.T.ravel()], spec, light))
    with autocast:
        features = model.features(torch.from_numpy(np.concatenate(parts)).to(device))
        logits = model.order(features[: 3 * triples]) if triples else None
        embedded = model.views(features[3 * triples :]) if pairs else None
    losses: dict[str, Tensor] = {}
    if logits is not None:
        losses["order"] = params.order_weight * order_loss(logits.float(), torch.from_numpy(middle).to(device))
    if embedded is not None:
        times = torch.from_numpy(time_s).to(device, torch.float32)
        losses["views"] = params.views_weight * view_loss(embedded, times, params.margin_s, params.temperature)
    return losses


def asks_order(params: PretrainParams, stretch: Stretch) -> bool:
    """Whether the order of moments is asked for, and there are people to ask about."""
    return params.order_weight > 0 and bool(stretch.tracks)


def asks_views(params: PretrainParams, stretch: Stretch) -> bool:
    """Whether the agreement of views is asked for, and there are cameras in step."""
    return params.views_weight > 0 and bool(stretch.moments)
