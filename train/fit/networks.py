"""The networks of a fit with their averages, and who teaches people without labels: a network's own average, or, of
two networks that are fitted side by side, the other one's.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from dataengine.evaluation.ap.protocol import OksProtocol
from dataengine.nets.checkpoint import ModelMeta
from dataengine.nets.network import KeypointNetwork

from ..losses.table import LossScales, WeightedLoss
from .consistency.people import Unlabelled
from .consistency.teaching import Consistency
from .distill import Distillation
from .params import FitParams
from .start import choose_device, first_network, model_meta
from .step import Stepper
from .steps.ranks import Ranks

PEER_SEED = 1_000_003  # added to the seed of a second network


def averaged_network(params: FitParams, meta: ModelMeta) -> tuple[KeypointNetwork, KeypointNetwork]:
    """A network with its first weights, on the device of the fit, and a copy to follow it."""
    layout = torch.channels_last if params.channels_last else torch.contiguous_format
    net = first_network(params, meta).to(device=choose_device(params), memory_format=layout)
    return net, copy.deepcopy(net)


def refuse_misfit(params: FitParams) -> None:
    """Make the network with its first weights, and its losses, as a fit does; raises what they raise, ahead of time."""
    net = first_network(params, model_meta(params))
    WeightedLoss(params.losses, net.head_kind, LossScales.of(params.label_sigma_px))


@dataclass(frozen=True)
class StepperMaker:
    """Makes the steps of a fit's networks; the fields are as in `Stepper` and `Run`."""

    params: FitParams
    meta: ModelMeta
    area_px2: NDArray[np.float64]
    image_path: Callable[[int], str]
    ranks: Ranks
    distillation: Distillation | None
    precision: str
    protocol: OksProtocol
    unlabelled: Unlabelled | None
    taught: NDArray[np.bool_]

    def steppers(self, net: KeypointNetwork, average: KeypointNetwork) -> tuple[Stepper, Stepper | None]:
        """The steps of `net`, which `average` follows, and of its peer where people without labels ask for two."""
        if self.unlabelled is None or self.unlabelled.params.mode != "two":
            return self._stepper(net, average, average), None
        second, second_average = averaged_network(replace(self.params, seed=self.params.seed + PEER_SEED), self.meta)
        peer = self._stepper(second, second_average, average)
        return self._stepper(net, average, second_average), peer

    def _stepper(self, net: KeypointNetwork, average: KeypointNetwork, teacher: KeypointNetwork) -> Stepper:
        """The steps of one network, which `teacher` teaches people without labels."""
        unlabelled, device = self.unlabelled, next(net.parameters()).device

        def consistency(loss: WeightedLoss) -> Consistency:
            assert unlabelled is not None
            return Consistency(unlabelled.params, net.head_kind, teacher, loss, self.taught, device)

        return Stepper(
            self.params,
            net,
            area_px2=self.area_px2,
            image_path=self.image_path,
            ranks=self.ranks,
            distillation=self.distillation,
            average=average,
            precision=self.precision,
            protocol=self.protocol,
            consistency=consistency if unlabelled is not None else None,
        )
