"""A small residual network, the default.

Plain 3x3 convolutions, batch norm and ReLU only: they train fast on a CPU in bfloat16 (depthwise ones are six times
slower there), fold into one operation each when exported, and survive INT8 quantisation.
"""

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn

from dataengine.nets.heads import Head
from dataengine.nets.network import KeypointNetwork


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a shortcut (He et al., 2016, basic block)."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels_out),
        )
        self.shortcut = nn.Sequential()
        if stride != 1 or channels_in != channels_out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels_in, channels_out, 1, stride, bias=False), nn.BatchNorm2d(channels_out)
            )

    def forward(self, features: Tensor) -> Tensor:
        """(b, channels_in, h, w) to (b, channels_out, h / stride, w / stride)."""
        return torch.relu(self.body(features) + self.shortcut(features))


class Residual(KeypointNetwork):
    """A stem and groups of residual blocks, each group halving the size; the default's features have stride 16."""

    def __init__(
        self, head: Head, *, channels: Sequence[int] = (48, 96, 160), blocks: Sequence[int] = (2, 2, 2)
    ) -> None:
        super().__init__(head)
        layers: list[nn.Module] = [
            nn.Conv2d(3, channels[0], 3, 2, 1, bias=False),
            nn.BatchNorm2d(channels[0]),
            nn.ReLU(inplace=True),
        ]
        before = channels[0]
        self.group_sizes = [len(layers), *blocks]
        for width, depth in zip(channels, blocks, strict=True):
            for index in range(depth):
                layers.append(ResidualBlock(before, width, 2 if index == 0 else 1))
                before = width
        self.backbone = nn.Sequential(*layers)
        self.add_head(before, stride=2 ** (1 + len(channels)))

    def stages(self) -> list[list[str]]:
        """The stem, then each group of blocks."""
        ends = list(accumulate(self.group_sizes))
        return [[f"backbone.{i}." for i in range(e - n, e)] for e, n in zip(ends, self.group_sizes, strict=True)]

    def features(self, images: Tensor) -> Tensor:
        """Backbone features (b, c, H / 16, W / 16) of images (b, 3, H, W)."""
        features: Tensor = self.backbone(images)
        return features
