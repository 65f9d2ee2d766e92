"""The table of networks.

Adding a network: write a subclass of `network.KeypointNetwork` in this folder. Its constructor takes a head and its own
keyword arguments, builds the backbone and ends with ``add_head(channels, stride)``; ``features(images (b, 3, H, W))``
returns maps (b, channels, H / stride, W / stride), for the head and for embeddings; ``stages()`` names its tensors by
depth, for learning rates that fall towards the image. Add one line to `NETWORKS`. Any
head of `heads.HEADS` then works on it, and it is fitted with ``fit-student.network: <name>``. Tensor names are part of
the checkpoint format, and of published files if it has such: set `spare_weights`, or `architecture_of` and
`take_pretrained`, so that ``pretrained`` reads them. Convolution, batch norm, ReLU and linear layers export and
quantise well and train fast on a CPU; others may not; check the figures of the stage `export`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dataengine.errors import ParamsError
from dataengine.nets.efficientnet import EfficientNetLite0
from dataengine.nets.heads import make_head
from dataengine.nets.hrnet import HRNet
from dataengine.nets.layout import Layout
from dataengine.nets.narrowed import WIDTHS, narrow
from dataengine.nets.network import KeypointNetwork
from dataengine.nets.residual import Residual
from dataengine.nets.vitpose import VitPose


@dataclass(frozen=True)
class NetworkEntry:
    """A line of the table."""

    kind: type[KeypointNetwork]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    """Arguments that make the difference between lines of one kind; users cannot change them."""


NETWORKS: Mapping[str, NetworkEntry] = {
    "residual": NetworkEntry(Residual),
    "hrnet-w18": NetworkEntry(HRNet, {"width": 18}),
    "hrnet-w32": NetworkEntry(HRNet, {"width": 32}),
    "hrnet-w48": NetworkEntry(HRNet, {"width": 48}),
    "efficientnet-lite0": NetworkEntry(EfficientNetLite0),
    "vitpose": NetworkEntry(VitPose),
}
FORMER_NAMES: Mapping[str, str] = {"residual-simcc": "residual"}  # in checkpoints from when a network had one head


def build_network(
    name: str, layout: Layout | None = None, *, head: str = "simcc", kwargs: Mapping[str, Any] | None = None
) -> KeypointNetwork:
    """A network with fresh weights; the caller seeds torch.

    `kwargs` are the backbone's own arguments and the head's options together, and, of a network that was pruned, the
    widths of its layers (`narrowed`). Unknown names and arguments are a
    `ParamsError`.
    """
    entry = _entry(name)
    try:
        reader, own = make_head(head, layout or Layout(), kwargs or {})
        widths = own.pop(WIDTHS, {})
        net = entry.kind(reader, **own, **entry.kwargs)
        narrow(net, widths)
        return net
    except (TypeError, ValueError, LookupError, RuntimeError) as error:
        raise ParamsError(f"network {name} does not take these arguments", got=f"{kwargs}: {error}") from error


def architecture_of(name: str, pretrained: str) -> Mapping[str, Any]:
    """Arguments of network `name` that the published weights `pretrained` ask for."""
    return _entry(name).kind.architecture_of(pretrained)


def _entry(name: str) -> NetworkEntry:
    current = FORMER_NAMES.get(name, name)
    if current not in NETWORKS:
        raise ParamsError("network is unknown", expected=" | ".join(NETWORKS), got=repr(name))
    return NETWORKS[current]
