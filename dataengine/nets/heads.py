"""The table of heads: what turns a backbone's features into places of joints, and how its answer is read.

Adding a head: write a frozen dataclass with field `layout` (and its own options, which users give in
``network_kwargs``), the methods of `Head`, and one line in `HEADS`. Add what reads it in PyTorch to
`inference/running/decoders.py`, and a loss that teaches it to `train/losses/table.py`. A head's layers become children
of the network under the names that `layers` gives, so those names are part of the checkpoint format.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from dataengine.errors import ParamsError
from dataengine.keypoints import FLIP_INDEX
from dataengine.nets import heatmap
from dataengine.nets.layout import HEATMAP_STRIDE, Arrays, Decoded, Layout
from dataengine.nets.simcc_heads import RTMCC, SimCC

__all__ = ["HEADS", "RTMCC", "Arrays", "Head", "Heatmap", "SimCC", "make_head"]

# How sharply the expected place of a heatmap looks at its peak: at 20 a bump of height 1 outweighs an empty map of
# 64x48 cells 10,000 to 1.
EXPECTATION_SHARPNESS = 20.0


class Head(Protocol):
    """What every head offers. b crops in a batch, k joints."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the tensors in the answer, as exported files have them."""

    @property
    def layout(self) -> Layout:
        """What the network is built for."""

    def layers(self, channels: int, stride: int) -> dict[str, nn.Module]:
        """Its layers, for features (b, channels, H / stride, W / stride)."""

    def answer(self, net: nn.Module, features: Tensor) -> tuple[Tensor, ...]:
        """The answer to features, by the layers that `net` has taken over."""

    def expected_px(self, answer: tuple[Tensor, ...]) -> Tensor:
        """Differentiable places (b, k, 2): the mean of the predicted distribution, crop pixels."""

    def distributions(self, answer: Arrays) -> Arrays:
        """The answer as what may be averaged over mirrored views, float64."""

    def mirrored(self, distributions: Arrays) -> Arrays:
        """What `distributions` of the mirrored crops say of the crops themselves."""

    def decode(self, distributions: Arrays) -> Decoded:
        """Places, confidence, spread and entropy."""

    def describe(self) -> dict[str, Any]:
        """How to read the answer, for the sidecar of an exported model."""


@dataclass(frozen=True)
class Heatmap:
    """One heatmap per joint at a quarter of the crop's size (see `nets.heatmap`).

    Coarser features are enlarged by 4x4 transposed convolutions (Xiao et al., "Simple Baselines for Human Pose
    Estimation and Tracking", ECCV 2018).
    """

    outputs: ClassVar[tuple[str, ...]] = ("heatmaps",)

    layout: Layout
    coordinates: heatmap.Coordinates = "udp"
    """Where cells lie; "stride" reads public files that were fitted without unbiased coordinates."""
    blur_sigma: float = 2.0
    """Width of the blur before decoding, cells; that of the labels is DARK's choice."""
    deconv_channels: int = 256

    def __post_init__(self) -> None:
        if self.coordinates not in ("udp", "stride"):
            raise ParamsError("network_kwargs coordinates", expected="udp | stride", got=repr(self.coordinates))
        if not 0 <= self.blur_sigma < math.inf:
            raise ParamsError("network_kwargs blur_sigma", expected="0 or more", got=repr(self.blur_sigma))

    @property
    def cell_px(self) -> tuple[float, float]:
        """Crop pixels from cell to cell, along x and y."""
        sizes = (self.layout.input_width_px, self.layout.input_height_px)
        x, y = (heatmap.cell_size_px(size, size // HEATMAP_STRIDE, self.coordinates) for size in sizes)
        return x, y

    @property
    def mirror_lag_cells(self) -> float:
        """See `heatmap.mirror_lag_cells`."""
        width_px = self.layout.input_width_px
        return heatmap.mirror_lag_cells(width_px, width_px // HEATMAP_STRIDE, self.coordinates)

    def layers(self, channels: int, stride: int) -> dict[str, nn.Module]:
        """``final_layer``, and ``deconv_layers`` where features are coarser than heatmaps."""
        enlarging: list[nn.Module] = []
        for _ in range(round(math.log2(stride / HEATMAP_STRIDE))):
            enlarging += [
                nn.ConvTranspose2d(channels, self.deconv_channels, 4, 2, 1, bias=False),
                nn.BatchNorm2d(self.deconv_channels),
                nn.ReLU(inplace=True),
            ]
            channels = self.deconv_channels
        final = nn.Conv2d(channels, self.layout.keypoints, 1)
        nn.init.normal_(final.weight, std=0.001)  # SimpleBaseline's: maps start empty, as most of a label is
        nn.init.zeros_(final.bias)
        return {**({"deconv_layers": nn.Sequential(*enlarging)} if enlarging else {}), "final_layer": final}

    def answer(self, net: nn.Module, features: Tensor) -> tuple[Tensor, ...]:
        """Heatmaps (b, k, H / 4, W / 4)."""
        enlarged = net.deconv_layers(features) if hasattr(net, "deconv_layers") else features
        return (net.final_layer(enlarged),)

    def expected_px(self, answer: tuple[Tensor, ...]) -> Tensor:
        """Mean place under the softmax of the sharpened map."""
        (maps,) = answer
        height, width = maps.shape[-2:]
        probability = torch.softmax(EXPECTATION_SHARPNESS * maps.flatten(2), dim=-1).reshape(maps.shape)
        column, row = (torch.arange(cells, device=maps.device, dtype=maps.dtype) for cells in (width, height))
        cells = [(probability.sum(dim=-2) * column).sum(dim=-1), (probability.sum(dim=-1) * row).sum(dim=-1)]
        return torch.stack([place * size for place, size in zip(cells, self.cell_px, strict=True)], dim=-1)

    def distributions(self, answer: Arrays) -> Arrays:
        """The map itself, which flip tests average as it is."""
        return tuple(maps.astype(np.float64) for maps in answer)

    def mirrored(self, distributions: Arrays) -> Arrays:
        """Columns turned around, sides renamed; interpolated where a cell's mirror image lies between two."""
        turned, lag = distributions[0][:, FLIP_INDEX, :, ::-1], self.mirror_lag_cells
        before = np.concatenate([turned[..., :1], turned[..., :-1]], axis=-1)
        return ((1 - lag) * turned + lag * before if lag else turned,)

    def decode(self, distributions: Arrays) -> Decoded:
        """See `heatmap.decode`."""
        return heatmap.decode(distributions[0], self.cell_px, self.blur_sigma)

    def describe(self) -> dict[str, Any]:
        """Where cells lie and how they are read."""
        return {"kind": "heatmap", "cell_px": list(self.cell_px), "blur_sigma": self.blur_sigma}


HEADS: Mapping[str, type[SimCC] | type[RTMCC] | type[Heatmap]] = {"simcc": SimCC, "rtmcc": RTMCC, "heatmap": Heatmap}


def make_head(name: str, layout: Layout, kwargs: Mapping[str, Any]) -> tuple[Head, dict[str, Any]]:
    """The head of that name with its options out of `kwargs`, and the rest of `kwargs`, which is the backbone's."""
    if name not in HEADS:
        raise ParamsError("head is unknown", expected=" | ".join(HEADS), got=repr(name))
    kind = HEADS[name]
    options = {f.name for f in fields(kind)} - {"layout"}
    head: Head = kind(layout, **{key: value for key, value in kwargs.items() if key in options})
    return head, {key: value for key, value in kwargs.items() if key not in options}
