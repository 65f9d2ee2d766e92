"""Channels removed from a network (`without_channels`), and single weights set to zero (`with_zeros`) to compare.

Structured pruning is torch-pruning's (Fang et al., "DepGraph: Towards Any Structural Pruning", CVPR 2023): all layers
that must lose a channel together are found, and the channels with the smallest group norm go, the same share in every
group. What its defaults do here is guarded against: they remove joints from a head. So the layers that give the answer
keep their outputs; their inputs, the features, may go.
"""

import copy
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from dataengine.errors import EnvironmentFault, InputError, install_extra
from dataengine.nets.checkpoint import ModelMeta
from dataengine.nets.narrowed import KINDS, WIDTHS, widths_of
from dataengine.nets.network import KeypointNetwork

from .params import Counted

STEPS = 50  # from nothing removed to everything
NEAR = 1.5  # times the share that is asked for, from which on channels are counted after every group
MOST_REMOVED = 0.95  # of a layer's channels
BEFORE_ANSWER = frozenset({"deconv_layers"})
"""Children of the head that only enlarge features, and so may lose channels as the backbone does."""


def without_channels(
    net: KeypointNetwork, meta: ModelMeta, share: float, by: Counted, multiple_of: int
) -> tuple[KeypointNetwork, ModelMeta]:
    """A copy of `net` that keeps at most `share` of its products or parameters, and the metadata that build it.

    Raises:
        InputError: the network has layers of other kinds, such as attention, or cannot be made so small.
        EnvironmentFault: torch-pruning is not installed, or has changed what the head gives.
    """
    refuse_other_layers(net, meta)
    smaller, images = copy.deepcopy(net).eval(), _crop(meta)
    before, whole = _shapes(smaller, images), count(net, meta)[by]
    pruner = _pruner(smaller, images, multiple_of)
    if not any(_reached(pruner, smaller, meta, share * whole, by) for _ in range(STEPS)):
        raise InputError(f"{meta.network} does not become so small", expected=f"{share:g} of its {by}", fix="keep more")
    if _shapes(smaller, images) != before:
        fix = "install the version that constraints.txt names"
        raise EnvironmentFault("torch-pruning has removed joints or bins", expected=str(before), fix=fix)
    full = replace(meta, network_kwargs={k: v for k, v in meta.network_kwargs.items() if k != WIDTHS}).build()
    kwargs = {**meta.network_kwargs, WIDTHS: widths_of(smaller, full)}
    return smaller, replace(meta, network_kwargs=kwargs, score=None, joint_confidence=None)


def with_zeros(net: KeypointNetwork, share: float) -> KeypointNetwork:
    """A copy in which `share` of all weights of convolutions and products, the smallest of all layers, are zero."""
    from torch.nn.utils import prune

    sparse = copy.deepcopy(net).to(memory_format=torch.contiguous_format)  # PyTorch's pruning views weights as vectors
    layers = [layer for layer in sparse.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)]
    prune.global_unstructured([(layer, "weight") for layer in layers], prune.L1Unstructured, amount=share)
    for layer in layers:
        prune.remove(layer, "weight")
    return sparse.eval()


def count(net: nn.Module, meta: ModelMeta) -> dict[Counted, int]:
    """Multiplications with addition for one crop, and parameters."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        net.eval()(_crop(meta))
    return {
        "macs": int(counter.get_total_flops()) // 2,
        "params": sum(parameter.numel() for parameter in net.parameters()),
    }


def empty_channels(net: nn.Module) -> int:
    """Output channels whose weights are all zero: what should have been removed and was not."""
    layers = (layer for layer in net.modules() if isinstance(layer, nn.Conv2d | nn.Linear))
    return sum(int((layer.weight.detach().flatten(1).abs().amax(dim=1) == 0).sum()) for layer in layers)


def refuse_other_layers(net: nn.Module, meta: ModelMeta) -> None:
    """Raise `InputError` if parameters lie outside of the layers whose channels can be removed."""
    inside = {id(p) for layer in net.modules() if isinstance(layer, KINDS) for p in layer.parameters()}
    outside = [name for name, parameter in net.named_parameters() if id(parameter) not in inside]
    grouped = [
        name
        for name, layer in net.named_modules()
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and layer.groups not in (1, layer.out_channels)
    ]
    if outside or grouped:
        raise InputError(
            f"{meta.network} cannot be pruned",
            expected="convolutions, batch norm and linear layers alone",
            got=(outside + grouped)[0],
            fix="distil it into a smaller network: docs/training.md",
        )


def _reached(pruner: Any, net: KeypointNetwork, meta: ModelMeta, target: float, by: Counted) -> bool:
    """Take one step, group by group, and stop within it where few enough are left; whether they are."""
    is_near = count(net, meta)[by] <= NEAR * target
    for group in pruner.step(interactive=True):
        group.prune()
        if is_near and count(net, meta)[by] <= target:
            return True
    return count(net, meta)[by] <= target


def _pruner(net: KeypointNetwork, images: torch.Tensor, multiple_of: int) -> Any:
    try:
        import torch_pruning
    except ImportError as error:
        raise EnvironmentFault("torch-pruning is not installed", fix=install_extra("networks")) from error
    return torch_pruning.pruner.BasePruner(
        net,
        images,
        importance=torch_pruning.importance.GroupMagnitudeImportance(p=2),
        pruning_ratio=1.0,
        max_pruning_ratio=MOST_REMOVED,
        iterative_steps=STEPS,
        round_to=multiple_of,
        ignored_layers=[getattr(net, name) for name in sorted(net.head_layers - BEFORE_ANSWER)],
    )


def _crop(meta: ModelMeta) -> torch.Tensor:
    return torch.zeros(1, 3, meta.input_height_px, meta.input_width_px)


def _shapes(net: nn.Module, images: torch.Tensor) -> list[tuple[int, ...]]:
    with torch.no_grad():
        return [tuple(tensor.shape) for tensor in net(images)]
