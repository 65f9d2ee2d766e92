"""Networks with fewer channels than their kind has, as pruning leaves them.

`widths_of` notes the channels of the layers that differ, ``{"backbone.3.body.0": [48, 40], ...}`` (in, out), for the
key `WIDTHS` of ``network_kwargs``; `narrow` gives a fresh network those widths, so that a pruned checkpoint is built,
fitted and exported as any other.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from dataengine.errors import ParamsError

WIDTHS = "widths"
KINDS = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.BatchNorm2d)


def widths_of(net: nn.Module, full: nn.Module) -> dict[str, list[int]]:
    """Channels in and out of each layer of `net` that has fewer of them than in `full`, by the layer's name."""
    layers = dict(full.named_modules())
    ours = {name: _widths(layer) for name, layer in net.named_modules() if isinstance(layer, KINDS)}
    return {name: list(widths) for name, widths in ours.items() if widths != _widths(layers[name])}


def narrow(net: nn.Module, widths: Mapping[str, Sequence[int]]) -> None:
    """Leave the first channels of each layer that `widths` names, as many as it says; fresh weights stay fresh.

    Raises:
        ParamsError: a layer is not there, or does not have that many channels.
    """
    layers = dict(net.named_modules())
    for name, wanted in widths.items():
        layer = layers.get(name)
        if not isinstance(layer, KINDS):
            raise ParamsError(f"network_kwargs {WIDTHS}: not a layer", expected="names of pruned layers", got=name)
        have, (inside, outside) = _widths(layer), (int(width) for width in wanted)
        if not (0 < inside <= have[0] and 0 < outside <= have[1]):
            raise ParamsError(f"network_kwargs {WIDTHS}: {name}", expected=f"1 to {have}", got=str(list(wanted)))
        _take_first(layer, inside, outside)


def _widths(layer: Any) -> tuple[int, int]:
    if isinstance(layer, nn.BatchNorm2d):
        return layer.num_features, layer.num_features
    if isinstance(layer, nn.Linear):
        return layer.in_features, layer.out_features
    return layer.in_channels, layer.out_channels


def _take_first(layer: Any, inside: int, outside: int) -> None:
    if isinstance(layer, nn.BatchNorm2d):
        layer.num_features = outside
        for name in ("weight", "bias", "running_mean", "running_var"):
            _cut(layer, name, outside)
        return
    if isinstance(layer, nn.Linear):
        layer.in_features, layer.out_features = inside, outside
        _cut(layer, "weight", outside, inside)
    else:
        if layer.groups > 1:  # depthwise: one filter a channel
            layer.groups = outside
        layer.in_channels, layer.out_channels = inside, outside
        sizes = (inside, outside) if isinstance(layer, nn.ConvTranspose2d) else (outside, inside // layer.groups)
        _cut(layer, "weight", *sizes)
    if layer.bias is not None:
        _cut(layer, "bias", outside)


def _cut(layer: nn.Module, name: str, *sizes: int) -> None:
    tensor: Tensor = getattr(layer, name)
    first = tensor.detach()[tuple(slice(size) for size in sizes)].clone()
    setattr(layer, name, nn.Parameter(first) if isinstance(tensor, nn.Parameter) else first)
