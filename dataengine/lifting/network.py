"""The network: two trunks of temporal convolutions, one for the pose and one for the root's path.

Pavllo et al., CVPR 2019, section 3 and figure 2: an input convolution, then blocks of a convolution in time and one of
width 1, each with batch normalisation, ReLU and dropout, around a residual that is cut to the frames that are left; no
padding inside. The k-th convolution in time has dilation w_0 ... w_(k-1), so the receptive field is the product of the
widths. For a fit on windows of exactly that length, strided convolutions with the same weights compute the one frame
that is asked for and none that is thrown away (their appendix A.5).
"""

from dataclasses import dataclass
from itertools import accumulate
from operator import mul

import torch
from torch import Tensor, nn
from torch.nn import functional

from dataengine.people import JOINTS

from .body import HIPS
from .params import LifterParams
from .rays import FEATURES

USUAL_SPREAD_M = 0.4  # root mean square distance of a body's joints from their middle: the first guess of a depth


@dataclass(frozen=True, eq=False)
class Placed:
    """Poses in space, before the camera: x right, y down, z forward, metres."""

    pose_m: Tensor
    """(..., 17, 3) from the root."""
    root_m: Tensor
    """(..., 3)"""

    @property
    def joints_m(self) -> Tensor:
        """(..., 17, 3) in the camera's frame."""
        return self.pose_m + self.root_m[..., None, :]


class TemporalTrunk(nn.Module):
    """Temporal convolutions from FEATURES to `outputs` numbers a frame."""

    def __init__(self, widths: tuple[int, ...], channels: int, outputs: int, *, dropout: float, causal: bool) -> None:
        super().__init__()
        self.widths, self.causal = widths, causal
        self.dilations = tuple(accumulate(widths[:-1], mul, initial=1))
        ins = [FEATURES, *[channels] * (len(widths) - 1)]
        self.in_time = nn.ModuleList(
            nn.Conv1d(channels_in, channels, width, bias=False) for channels_in, width in zip(ins, widths, strict=True)
        )
        self.pointwise = nn.ModuleList(nn.Conv1d(channels, channels, 1, bias=False) for _ in widths[1:])
        self.norms = nn.ModuleList(nn.BatchNorm1d(channels) for _ in range(2 * len(widths) - 1))
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Conv1d(channels, outputs, 1)

    def forward(self, inputs: Tensor, *, strided: bool = False) -> Tensor:
        """(n, FEATURES, f) to (n, outputs, f - receptive field + 1); `strided`: to (n, outputs, 1), of one window."""
        x = self._in_time(0, inputs, strided)
        for block in range(1, len(self.widths)):
            left = self._left(block, x, strided)
            x = left + self._after(2 * block, self.pointwise[block - 1](self._in_time(block, x, strided)))
        return torch.as_tensor(self.out(x))

    def _in_time(self, block: int, x: Tensor, strided: bool) -> Tensor:
        weight = self.in_time[block].weight
        assert isinstance(weight, Tensor)
        if strided:
            out = functional.conv1d(x, weight, stride=self.widths[block])
        else:
            out = functional.conv1d(x, weight, dilation=self.dilations[block])
        return self._after(max(2 * block - 1, 0), out)

    def _after(self, norm: int, x: Tensor) -> Tensor:
        return torch.as_tensor(self.dropout(functional.relu(self.norms[norm](x))))

    def _left(self, block: int, x: Tensor, strided: bool) -> Tensor:
        """The frames of `x` that the outputs stand for: the last of each filter's if causal, else its middle."""
        width, dilation = self.widths[block], self.dilations[block]
        at = width - 1 if self.causal else width // 2
        if strided:
            return x[:, :, at::width]
        reach = (width - 1) * dilation
        return x[:, :, at * dilation : x.shape[2] - reach + at * dilation]


class LifterNetwork(nn.Module):
    """Rays to poses in space. The trunks share no weights: each makes the other worse (section 3.3 there)."""

    def __init__(self, params: LifterParams) -> None:
        super().__init__()
        widths, dropout, causal = params.filter_widths, params.dropout, params.causal
        self.pose = TemporalTrunk(widths, params.channels, 3 * JOINTS, dropout=dropout, causal=causal)
        self.root = TemporalTrunk(widths, max(1, params.channels // 2), 3, dropout=dropout, causal=causal)

    def forward(self, inputs: Tensor, middle: Tensor, spread: Tensor, *, strided: bool = False) -> Placed:
        """Poses of the frames that are asked for.

        Args:
            inputs: (n, f, FEATURES), as `rays.normalised` gives them.
            middle: (n, g, 2) those of the g = f - receptive field + 1 frames that are answered.
            spread: (n, g)
            strided: Whether f is the receptive field and the fit's way to compute its one frame is taken.
        """
        x = inputs.transpose(1, 2)
        pose = self.pose(x, strided=strided).transpose(1, 2).unflatten(2, (JOINTS, 3))
        pose = pose - pose[..., HIPS, :].mean(dim=-2, keepdim=True)
        offset = self.root(x, strided=strided).transpose(1, 2)
        depth = torch.exp(offset[..., 2].clamp(-3, 3)) * USUAL_SPREAD_M / spread
        ray = middle + offset[..., :2] * spread[..., None]
        return Placed(pose, torch.cat([ray * depth[..., None], depth[..., None]], dim=-1))
