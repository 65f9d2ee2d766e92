"""Heads that answer with SimCC's two distributions: the plain one, and RTMPose's.

`SimCCReading` is how both are read (see `nets.simcc`).
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from dataengine.errors import ParamsError
from dataengine.keypoints import FLIP_INDEX
from dataengine.nets import simcc
from dataengine.nets.gated_attention import GatedAttention, ScaleNorm
from dataengine.nets.layout import HEATMAP_STRIDE, Arrays, Decoded, Layout


@dataclass(frozen=True)
class SimCCReading:
    """Logits over the bins of both axes, read as distributions."""

    outputs: ClassVar[tuple[str, ...]] = ("simcc_x", "simcc_y")

    layout: Layout

    def expected_px(self, answer: tuple[Tensor, ...]) -> Tensor:
        """Means of both axes' distributions."""
        return torch.stack([self._mean_px(logits) for logits in answer], dim=-1)

    def _mean_px(self, logits: Tensor) -> Tensor:
        # made on the device, where a CUDA graph must not read the host's memory; `simcc.bin_centers_px` in torch
        bins = torch.arange(logits.shape[-1], device=logits.device, dtype=logits.dtype)
        centers = (bins + 0.5) / self.layout.simcc_split - 0.5
        return (torch.softmax(logits, dim=-1) * centers).sum(dim=-1)

    def distributions(self, answer: Arrays) -> Arrays:
        """Softmax of both axes."""
        return tuple(simcc.softmax(logits) for logits in answer)

    def mirrored(self, distributions: Arrays) -> Arrays:
        """Columns turned around, sides renamed."""
        x, y = distributions
        return x[:, FLIP_INDEX, ::-1], y[:, FLIP_INDEX]

    def decode(self, distributions: Arrays) -> Decoded:
        """See `simcc.decode`."""
        return simcc.decode(distributions[0], distributions[1], self.layout.simcc_split)

    def describe(self) -> dict[str, Any]:
        """Bins per pixel."""
        return {"kind": "simcc", "bins_per_px": self.layout.simcc_split}


@dataclass(frozen=True)
class SimCC(SimCCReading):
    """A few maps per joint, and one linear layer per axis shared by all joints."""

    maps_per_joint: int | None = None
    """None: 4 on a coarse grid; 1, as in the paper, where cells are as fine as a heatmap's."""

    def layers(self, channels: int, stride: int) -> dict[str, nn.Module]:
        """``joint_maps``, ``to_x`` and ``to_y``."""
        layout = self.layout
        maps = self.maps_per_joint or (4 if stride > HEATMAP_STRIDE else 1)
        cells = maps * (layout.input_width_px // stride) * (layout.input_height_px // stride)
        return {
            "joint_maps": nn.Conv2d(channels, layout.keypoints * maps, 1),
            "to_x": nn.Linear(cells, layout.input_width_px * layout.simcc_split),
            "to_y": nn.Linear(cells, layout.input_height_px * layout.simcc_split),
        }

    def answer(self, net: nn.Module, features: Tensor) -> tuple[Tensor, ...]:
        """Logits (b, k, W * split) and (b, k, H * split)."""
        maps = net.joint_maps(features).reshape(-1, self.layout.keypoints, net.to_x.in_features)
        return net.to_x(maps), net.to_y(maps)


@dataclass(frozen=True)
class RTMCC(SimCCReading):
    """RTMPose's head (Jiang et al. 2023, section 3.1 and figure 3): wide maps, and joints that look at one another.

    One map per joint by a 7x7 convolution, flattened, normalised and brought to `hidden` numbers; a gated attention
    unit among the joints; a linear layer per axis. Its logits are multiplied by `sharpness`, the inverse temperature of
    the paper's loss, so that loss, decoding and distillation all read the same distribution.
    """

    hidden: int = 256
    """Numbers that stand for a joint."""
    sharpness: float = 10.0
    """The paper's beta is 10."""

    def __post_init__(self) -> None:
        for name in ("hidden", "sharpness"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ParamsError(f"network_kwargs {name}", expected="above 0", got=repr(getattr(self, name)))

    def layers(self, channels: int, stride: int) -> dict[str, nn.Module]:
        """``wide_maps``, ``map_norm``, ``to_token``, ``attention``, ``token_to_x`` and ``token_to_y``."""
        layout, hidden = self.layout, self.hidden
        cells = (layout.input_width_px // stride) * (layout.input_height_px // stride)
        return {
            "wide_maps": nn.Conv2d(channels, layout.keypoints, 7, padding=3),
            "map_norm": ScaleNorm(cells),
            "to_token": nn.Linear(cells, hidden, bias=False),
            "attention": GatedAttention(hidden),
            "token_to_x": nn.Linear(hidden, layout.input_width_px * layout.simcc_split, bias=False),
            "token_to_y": nn.Linear(hidden, layout.input_height_px * layout.simcc_split, bias=False),
        }

    def answer(self, net: nn.Module, features: Tensor) -> tuple[Tensor, ...]:
        """Logits (b, k, W * split) and (b, k, H * split)."""
        maps = net.wide_maps(features).reshape(-1, self.layout.keypoints, net.to_token.in_features)
        tokens = net.attention(net.to_token(net.map_norm(maps)))
        return net.token_to_x(tokens) * self.sharpness, net.token_to_y(tokens) * self.sharpness
