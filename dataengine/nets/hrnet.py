"""HRNet: branches at several resolutions side by side, exchanging features all the way.

Sun et al., "Deep High-Resolution Representation Learning for Human Pose Estimation", CVPR 2019. Tensor names and shapes
are those of the published pose checkpoints (``pose_hrnet_w32_256x192.pth`` and its like), which therefore load as they
are. Those files were fitted with RGB images normalised as everywhere here and without unbiased coordinates: use them
with ``network_kwargs: {coordinates: stride}``.
"""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from dataengine.nets.heads import Head
from dataengine.nets.network import KeypointNetwork

# Modules in stages 2, 3, 4, and residual blocks in each branch of a module: the same for every width.
STAGE_MODULES = (1, 4, 3)
BRANCH_BLOCKS = 4
STEM_CHANNELS, LAYER1_CHANNELS, LAYER1_BLOCKS = 64, 256, 4
COARSEST_STRIDE = 32


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with an identity shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = _conv(channels, channels, 3), nn.BatchNorm2d(channels)
        self.conv2, self.bn2 = _conv(channels, channels, 3), nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, features: Tensor) -> Tensor:
        """(b, channels, h, w) to the same."""
        inner = self.relu(self.bn1(self.conv1(features)))
        out: Tensor = self.relu(self.bn2(self.conv2(inner)) + features)
        return out


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions with a shortcut, a quarter as wide inside."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        inner = channels_out // 4
        self.conv1, self.bn1 = _conv(channels_in, inner, 1), nn.BatchNorm2d(inner)
        self.conv2, self.bn2 = _conv(inner, inner, 3), nn.BatchNorm2d(inner)
        self.conv3, self.bn3 = _conv(inner, channels_out, 1), nn.BatchNorm2d(channels_out)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module = nn.Identity()
        if channels_in != channels_out:
            self.downsample = nn.Sequential(_conv(channels_in, channels_out, 1), nn.BatchNorm2d(channels_out))

    def forward(self, features: Tensor) -> Tensor:
        """(b, channels_in, h, w) to (b, channels_out, h, w)."""
        inner = self.relu(self.bn1(self.conv1(features)))
        inner = self.relu(self.bn2(self.conv2(inner)))
        out: Tensor = self.relu(self.bn3(self.conv3(inner)) + self.downsample(features))
        return out


class ExchangeModule(nn.Module):
    """Residual blocks on every branch, then each of the first `outputs` branches takes the sum of all."""

    def __init__(self, channels: Sequence[int], outputs: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(*(BasicBlock(width) for _ in range(BRANCH_BLOCKS))) for width in channels
        )
        self.fuse_layers = nn.ModuleList(
            nn.ModuleList(_bridge(channels, source, target) for source in range(len(channels)))
            for target in range(outputs)
        )
        self.relu = nn.ReLU(inplace=True)

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        """One map per branch, each half the size of the one before; `outputs` of them come back."""
        deep = [branch(maps) for branch, maps in zip(self.branches, features, strict=True)]
        fused = []
        for bridges in self.fuse_layers:
            total = bridges[0](deep[0])
            for bridge, maps in zip(list(bridges)[1:], deep[1:], strict=True):
                total = total + bridge(maps)
            fused.append(self.relu(total))
        return fused


class HRNet(KeypointNetwork):
    """The pose network of width 18, 32 or 48; its features are those of the finest branch, stride 4."""

    # Published ImageNet checkpoints carry a classifier on all four branches, and so the last exchange to all of them.
    spare_weights = (
        *("final_layer.", "incre_modules.", "downsamp_modules.", "classifier."),
        *(f"stage4.2.fuse_layers.{branch}." for branch in (1, 2, 3)),
    )

    def __init__(self, head: Head, *, width: int) -> None:
        super().__init__(head)
        widths = [width * 2**branch for branch in range(4)]
        self.conv1, self.bn1 = _conv(3, STEM_CHANNELS, 3, 2), nn.BatchNorm2d(STEM_CHANNELS)
        self.conv2, self.bn2 = _conv(STEM_CHANNELS, STEM_CHANNELS, 3, 2), nn.BatchNorm2d(STEM_CHANNELS)
        self.relu = nn.ReLU(inplace=True)
        layer1 = [STEM_CHANNELS, *[LAYER1_CHANNELS] * LAYER1_BLOCKS]
        self.layer1 = nn.Sequential(*(Bottleneck(before, after) for before, after in pairwise(layer1)))
        self.transition1 = _transition([LAYER1_CHANNELS], widths[:2])
        self.stage2 = _stage(STAGE_MODULES[0], widths[:2])
        self.transition2 = _transition(widths[:2], widths[:3])
        self.stage3 = _stage(STAGE_MODULES[1], widths[:3])
        self.transition3 = _transition(widths[:3], widths)
        self.stage4 = _stage(STAGE_MODULES[2], widths, last_outputs=1)
        self.add_head(width, stride=4, multiple_of=COARSEST_STRIDE)

    def stages(self) -> list[list[str]]:
        """The stem, the residual layer, and each stage of branches with the transition into it."""
        branched = [[f"transition{i}.", f"stage{i + 1}."] for i in (1, 2, 3)]
        return [["conv1.", "bn1.", "conv2.", "bn2."], ["layer1."], *branched]

    def features(self, images: Tensor) -> Tensor:
        """Maps (b, width, H / 4, W / 4) of normalised images (b, 3, H, W)."""
        stem = self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(images))))))
        branches = [self.layer1(stem)]
        for transition, stage in (
            (self.transition1, self.stage2),
            (self.transition2, self.stage3),
            (self.transition3, self.stage4),
        ):
            # a new branch, the last, starts from the coarsest there is
            started = [*branches, *[branches[-1]] * (len(transition) - len(branches))]
            branches = stage([step(maps) for step, maps in zip(transition, started, strict=True)])
        return branches[0]


def _conv(channels_in: int, channels_out: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, bias=False)


def _halving(channels_in: int, channels_out: int, *, active: bool) -> nn.Sequential:
    layers = [_conv(channels_in, channels_out, 3, 2), nn.BatchNorm2d(channels_out)]
    return nn.Sequential(*layers, *([nn.ReLU(inplace=True)] if active else []))


def _bridge(channels: Sequence[int], source: int, target: int) -> nn.Module:
    """What carries branch `source` to the size and width of branch `target`."""
    here, there = channels[source], channels[target]
    if source == target:
        return nn.Identity()
    if source > target:
        enlarge = nn.Upsample(scale_factor=2 ** (source - target), mode="nearest")
        return nn.Sequential(_conv(here, there, 1), nn.BatchNorm2d(there), enlarge)
    halvings = [_halving(here, here, active=True) for _ in range(target - source - 1)]
    return nn.Sequential(*halvings, _halving(here, there, active=False))


def _transition(before: Sequence[int], after: Sequence[int]) -> nn.ModuleList:
    """Bring the branches to their new widths, and start one more, by half the size of the last."""
    steps: list[nn.Module] = []
    for old, new in zip(before, after, strict=False):
        changed = nn.Sequential(_conv(old, new, 3), nn.BatchNorm2d(new), nn.ReLU(inplace=True))
        steps.append(nn.Identity() if old == new else changed)
    steps.append(nn.Sequential(_halving(before[-1], after[-1], active=True)))
    return nn.ModuleList(steps)


def _stage(modules: int, channels: Sequence[int], last_outputs: int | None = None) -> nn.Sequential:
    outputs = [len(channels)] * (modules - 1) + [last_outputs or len(channels)]
    return nn.Sequential(*(ExchangeModule(channels, count) for count in outputs))
