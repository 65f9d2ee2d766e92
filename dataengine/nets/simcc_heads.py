"""Heads that answer with SimCC's two distributions: the plain one, and RTMPose's.

`SimCCReading` is how both are read (see `nets.simcc`), and what both may say besides, a number for each joint: how far
the place lies from the bin (`spread`), and whether the joint lies in the crop at all (`presence`; ProbPose: Purkrabek
and Matas, CVPR 2025). One linear layer each reads it off the features' means and maxima over the crop.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from scipy.special import expit
from torch import Tensor, nn

from dataengine.errors import ParamsError
from dataengine.keypoints import FLIP_INDEX
from dataengine.nets import simcc
from dataengine.nets.gated_attention import GatedAttention, ScaleNorm
from dataengine.nets.layout import HEATMAP_STRIDE, Arrays, Decoded, Layout

AXES = ("simcc_x", "simcc_y")
LOG_SPREAD, PRESENCE = "log_spread", "presence"
"""Names of outputs: the logarithm of a Laplace scale in crop pixels, and the logit of lying in the crop."""
FIRST = {LOG_SPREAD: math.log(2.0), PRESENCE: 3.0}  # what an untaught layer says: the labels' width; in all likelihood
LAYER_OF = {name: f"to_{name}" for name in FIRST}
"""The layers that say so: a network may take another one's weights without them, and has fresh ones then."""
LEAST_SCALE_BINS = 0.5  # below, one bin's density would grow without end


@dataclass(frozen=True)
class SimCCReading:
    """Logits over the bins of both axes, read as distributions."""

    layout: Layout
    spread: bool = False
    """Whether it says how far the place lies from the bin; the loss simcc_mle teaches it."""
    presence: bool = False
    """Whether it says that a joint lies in the crop, a factor of its confidence; the loss presence teaches it."""

    def __post_init__(self) -> None:
        for name in ("spread", "presence"):
            if not isinstance(getattr(self, name), bool):
                raise ParamsError(f"network_kwargs {name}", expected="true | false", got=repr(getattr(self, name)))

    @property
    def besides(self) -> tuple[str, ...]:
        """Names of the outputs (b, k) behind those of the axes."""
        return (*((LOG_SPREAD,) if self.spread else ()), *((PRESENCE,) if self.presence else ()))

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the tensors in the answer."""
        return (*AXES, *self.besides)

    @property
    def log_scale_limits(self) -> tuple[float, float]:
        """Between which the logarithm of a scale in crop pixels is read: half a bin and the crop."""
        layout = self.layout
        longest = max(layout.input_width_px, layout.input_height_px)
        return math.log(LEAST_SCALE_BINS / layout.simcc_split), math.log(longest)

    def layers_besides(self, channels: int) -> dict[str, nn.Module]:
        """``to_log_spread`` and ``to_presence``, as far as they are asked for; they begin by saying the same of all."""
        made: dict[str, nn.Module] = {}
        for name in self.besides:
            layer = nn.Linear(2 * channels, self.layout.keypoints)
            nn.init.zeros_(layer.weight)
            nn.init.constant_(layer.bias, FIRST[name])
            made[LAYER_OF[name]] = layer
        return made

    def say_besides(self, net: nn.Module, features: Tensor) -> tuple[Tensor, ...]:
        """The outputs of `besides`, each (b, k)."""
        if not self.besides:
            return ()
        pooled = torch.cat([features.mean(dim=(2, 3)), features.amax(dim=(2, 3))], dim=1)
        return tuple(getattr(net, LAYER_OF[name])(pooled) for name in self.besides)

    def expected_px(self, answer: tuple[Tensor, ...]) -> Tensor:
        """Means of both axes' distributions."""
        return torch.stack([self._mean_px(logits) for logits in answer[:2]], dim=-1)

    def _mean_px(self, logits: Tensor) -> Tensor:
        # made on the device, where a CUDA graph must not read the host's memory; `simcc.bin_centers_px` in torch
        bins = torch.arange(logits.shape[-1], device=logits.device, dtype=logits.dtype)
        centers = (bins + 0.5) / self.layout.simcc_split - 0.5
        return (torch.softmax(logits, dim=-1) * centers).sum(dim=-1)

    def distributions(self, answer: Arrays) -> Arrays:
        """Softmax of both axes; scales in crop pixels, and probabilities of lying in the crop."""
        said = dict(zip(self.outputs, answer, strict=True))
        found = [simcc.softmax(said[name]) for name in AXES]
        if self.spread:
            found.append(np.exp(np.clip(said[LOG_SPREAD].astype(np.float64), *self.log_scale_limits)))
        if self.presence:
            found.append(expit(said[PRESENCE].astype(np.float64)))
        return tuple(found)

    def mirrored(self, distributions: Arrays) -> Arrays:
        """Columns turned around, sides renamed."""
        x, *others = distributions
        return x[:, FLIP_INDEX, ::-1], *(each[:, FLIP_INDEX] for each in others)

    def decode(self, distributions: Arrays) -> Decoded:
        """See `simcc.decode`; confidence is that of lying near the place given that it lies in the crop, times that."""
        found = dict(zip(self.outputs, distributions, strict=True))
        x, y = distributions[:2]
        decoded = simcc.decode(x, y, self.layout.simcc_split, found.get(LOG_SPREAD))
        if self.presence:
            decoded = replace(decoded, confidence=decoded.confidence * found[PRESENCE])
        return decoded

    def describe(self) -> dict[str, Any]:
        """Bins per pixel, and what the further outputs are."""
        said = {LOG_SPREAD: "ln of a Laplace scale, crop px", PRESENCE: "logit of lying in the crop"}
        axes = {"kind": "simcc", "bins_per_px": self.layout.simcc_split}
        return axes | {name: said[name] for name in self.besides}


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
            **self.layers_besides(channels),
        }

    def answer(self, net: nn.Module, features: Tensor) -> tuple[Tensor, ...]:
        """Logits (b, k, W * split) and (b, k, H * split)."""
        maps = net.joint_maps(features).reshape(-1, self.layout.keypoints, net.to_x.in_features)
        return net.to_x(maps), net.to_y(maps), *self.say_besides(net, features)


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
        super().__post_init__()
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
            **self.layers_besides(channels),
        }

    def answer(self, net: nn.Module, features: Tensor) -> tuple[Tensor, ...]:
        """Logits (b, k, W * split) and (b, k, H * split)."""
        maps = net.wide_maps(features).reshape(-1, self.layout.keypoints, net.to_token.in_features)
        tokens = net.attention(net.to_token(net.map_norm(maps)))
        axes = (net.token_to_x(tokens) * self.sharpness, net.token_to_y(tokens) * self.sharpness)
        return *axes, *self.say_besides(net, features)
