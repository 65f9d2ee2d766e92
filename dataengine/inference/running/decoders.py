"""Heads read on the network's own device: what `nets.heads` does in numpy, in PyTorch, in float64 where nothing else is
asked for.

Every step keeps its shapes and waits for nothing on the host, so a decoder can be part of a CUDA graph, and of an ONNX
file. Constants are made once, because a CUDA graph may not copy from ordinary memory; for the same reason `masked_fill`
stands where one would write `torch.where` with a number.

Adding a head: write a class with the methods of `Decoder` and a line in `DECODERS`.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dataengine.keypoints import FLIP_INDEX
from dataengine.nets import heatmap, simcc
from dataengine.nets.heads import RTMCC, Head, Heatmap, SimCC
from dataengine.nets.simcc_heads import AXES, LOG_SPREAD, PRESENCE

Tensors = tuple[Tensor, ...]
_SMALLEST_PROBABILITY = 1e-12  # as in the heads: what the logarithm of an entropy sees at least


class Joints(NamedTuple):
    """What `nets.layout.Decoded` holds, as tensors on the device: places (b, k, 2), the others (b, k)."""

    keypoints_px: Tensor
    confidence: Tensor
    spread_px: Tensor
    entropy: Tensor


class Decoder(Protocol):
    """What every head's decoder offers; see the methods of the same names in `nets.heads.Head`."""

    def distributions(self, answer: Tensors) -> Tensors:
        """The answer as what may be averaged over mirrored views."""

    def mirrored(self, distributions: Tensors) -> Tensors:
        """What `distributions` of the mirrored crops say of the crops themselves."""

    def decode(self, distributions: Tensors) -> Joints:
        """Places, confidence, spread and entropy."""


class SimCCDecoder:
    """See `nets.simcc.decode`."""

    def __init__(self, head: SimCC | RTMCC, device: torch.device, dtype: torch.dtype) -> None:
        layout, self._dtype, self._head = head.layout, dtype, head
        self._split = layout.simcc_split
        self._flip = _constant(FLIP_INDEX, device)
        self._centers = [
            _constant(simcc.bin_centers_px(size * self._split, self._split), device).to(dtype)
            for size in (layout.input_width_px, layout.input_height_px)
        ]

    def distributions(self, answer: Tensors) -> Tensors:
        """Softmax of both axes; scales, and probabilities of lying in the crop."""
        said = {name: each.to(self._dtype) for name, each in zip(self._head.outputs, answer, strict=True)}
        found = [torch.softmax(said[name], dim=-1) for name in AXES]
        if self._head.spread:
            low, high = self._head.log_scale_limits
            found.append(said[LOG_SPREAD].clamp(low, high).exp())
        if self._head.presence:
            found.append(said[PRESENCE].sigmoid())
        return tuple(found)

    def mirrored(self, distributions: Tensors) -> Tensors:
        """Columns turned around, sides renamed."""
        x, *others = (each.index_select(1, self._flip) for each in distributions)
        return x.flip(-1), *others

    def decode(self, distributions: Tensors) -> Joints:
        """Position, mass near the peak, variance and entropy of both axes, put together."""
        found = dict(zip(self._head.outputs, distributions, strict=True))
        scale = found.get(LOG_SPREAD)
        axes = [self._axis(found[name], centers, scale) for name, centers in zip(AXES, self._centers, strict=True)]
        (x, mass_x, variance_x, entropy_x), (y, mass_y, variance_y, entropy_y) = axes
        spread = (variance_x + variance_y).sqrt()
        confidence = mass_x * mass_y
        if PRESENCE in found:
            confidence = confidence * found[PRESENCE]
        return Joints(torch.stack([x, y], dim=-1), confidence, spread, (entropy_x + entropy_y) / 2)

    def _axis(self, probability: Tensor, centers: Tensor, scale: Tensor | None) -> Tensors:
        bins = len(centers)
        distance = (centers - centers[probability.argmax(dim=-1)][..., None]).abs()
        near = probability * (distance <= simcc.PEAK_REACH_PX)
        position = (near * centers).sum(dim=-1) / near.sum(dim=-1)
        reach = simcc.CONFIDENT_REACH * bins / self._split
        mean = (probability * centers).sum(dim=-1)
        variance = (probability * (centers - mean[..., None]) ** 2).sum(dim=-1)
        entropy = _entropy(probability, -1)
        if scale is None:
            mass = (probability * (distance <= reach)).sum(dim=-1)
        else:
            mass = (probability * _laplace_mass(distance, reach, scale[..., None])).sum(dim=-1)
            variance = variance + 2 * scale**2
            entropy = torch.maximum(entropy, (1 + (2 * scale * self._split).log()).clamp(min=0.0))
        return position, mass.clamp(max=1.0), variance, (entropy / float(np.log(bins))).clamp(max=1.0)


class HeatmapDecoder:
    """See `nets.heatmap.decode`."""

    def __init__(self, head: Heatmap, device: torch.device, dtype: torch.dtype) -> None:
        self._dtype = dtype
        self._flip, self._lag = _constant(FLIP_INDEX, device), head.mirror_lag_cells
        self._cell_px = _constant(np.array(head.cell_px), device).to(dtype)
        self._reach = round(heatmap.KERNEL_REACH * head.blur_sigma)
        self._span = _constant(np.arange(-1, 2 * self._reach + 2), device)
        self._band = _constant(heatmap.blur_band(head.blur_sigma), device).to(dtype) if self._reach else None

    def distributions(self, answer: Tensors) -> Tensors:
        """The map itself, which flip tests average as it is."""
        return tuple(maps.to(self._dtype) for maps in answer)

    def mirrored(self, distributions: Tensors) -> Tensors:
        """Columns turned around, sides renamed; interpolated where a cell's mirror image lies between two."""
        turned = tuple(maps.index_select(1, self._flip).flip(-1) for maps in distributions)
        if not self._lag:
            return turned
        return tuple((1 - self._lag) * m + self._lag * torch.cat([m[..., :1], m[..., :-1]], dim=-1) for m in turned)

    def decode(self, distributions: Tensors) -> Joints:
        """DARK's places; moments of what stands out from the background."""
        (maps,) = distributions
        maps = maps.masked_fill(~maps.isfinite(), 0.0)
        height, width = maps.shape[-2:]
        peak, highest = maps.flatten(2).max(dim=-1)
        place = self._summit(maps, highest // width, highest % width)
        background = (maps < heatmap.BACKGROUND_SHARE * peak[..., None, None]) | (maps <= 0)
        mass = maps.masked_fill(background, 0.0).masked_fill((peak <= 0)[..., None, None], 1.0)
        probability = mass / mass.sum(dim=(-2, -1), keepdim=True)
        variance = torch.stack([_variance(probability.sum(dim=axis)) for axis in (-2, -1)], dim=-1)
        return Joints(
            keypoints_px=place * self._cell_px,
            confidence=peak.clamp(0.0, 1.0),
            spread_px=(variance * self._cell_px**2).sum(dim=-1).sqrt(),
            entropy=_entropy(probability, (-2, -1)) / float(np.log(height * width)),
        )

    def _summit(self, maps: Tensor, row: Tensor, column: Tensor) -> Tensor:
        """Summits (b, k, 2) as (x, y) in cells: see `nets.heatmap`."""
        height, width = maps.shape[-2:]
        middle = torch.stack([column.clamp(1, width - 2), row.clamp(1, height - 2)], dim=-1)
        patch = self._patches(maps, middle)
        top = patch.amax(dim=(-2, -1), keepdim=True)
        log = (patch / top.masked_fill(top <= 0, 1.0)).clamp(min=heatmap.TINY).log()
        step, is_summit = newton_step(log)
        highest = torch.stack([column, row], dim=-1).to(self._dtype)
        limit = heatmap.MAX_STEP_CELLS
        near = torch.minimum(torch.maximum(middle + step, highest - limit), highest + limit)
        return torch.where(is_summit[..., None], near, highest)

    def _patches(self, maps: Tensor, middle: Tensor) -> Tensor:
        """The 3x3 cells (b, k, 3, 3) around `middle` (b, k, 2) of the blurred maps; near the border of the maps."""
        reach, (height, width) = self._reach, maps.shape[-2:]
        padded = functional.pad(maps, (reach, reach, reach, reach))
        rows, columns = (middle[..., axis, None] + self._span for axis in (1, 0))
        flat = (rows[..., :, None] * (width + 2 * reach) + columns[..., None, :]).flatten(2)
        window = padded.flatten(2).gather(2, flat).reshape(*flat.shape[:2], len(self._span), len(self._span))
        plain = window[..., reach : reach + 3, reach : reach + 3]
        if self._band is None:
            return plain
        x, y = middle[..., 0], middle[..., 1]
        inside = (torch.minimum(x, y) - 1 - reach >= 0) & (x + 1 + reach < width) & (y + 1 + reach < height)
        return torch.where(inside[..., None, None], self._band @ window @ self._band.T, plain)


def newton_step(log: Tensor) -> tuple[Tensor, Tensor]:
    """The step (b, k, 2) from the middle of log patches (b, k, 3, 3) to their summit, and whether there is one."""
    slope_x, slope_y = (log[..., 1, 2] - log[..., 1, 0]) / 2, (log[..., 2, 1] - log[..., 0, 1]) / 2
    bend_x = log[..., 1, 2] - 2 * log[..., 1, 1] + log[..., 1, 0]
    bend_y = log[..., 2, 1] - 2 * log[..., 1, 1] + log[..., 0, 1]
    twist = (log[..., 2, 2] - log[..., 2, 0] - log[..., 0, 2] + log[..., 0, 0]) / 4
    determinant = bend_x * bend_y - twist**2
    is_summit = (determinant > heatmap.FLAT) & (bend_x < 0)
    divisor = determinant.masked_fill(~is_summit, 1.0)
    step = torch.stack([twist * slope_y - bend_y * slope_x, twist * slope_x - bend_x * slope_y], dim=-1)
    return step / divisor[..., None], is_summit


DECODERS: Mapping[type, Any] = {SimCC: SimCCDecoder, RTMCC: SimCCDecoder, Heatmap: HeatmapDecoder}


def decoder_of(head: Head, device: torch.device, dtype: torch.dtype = torch.float64) -> Decoder:
    """The decoder of a head, its constants on `device`; it computes in `dtype`."""
    decoder: Decoder = DECODERS[type(head)](head, device, dtype)
    return decoder


def _constant(values: np.ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).to(device)


def _laplace_mass(distance: Tensor, reach: float, scale: Tensor) -> Tensor:
    """See `simcc.laplace_mass`; distances are 0 or more, so that the near end alone may lie on either side."""
    near, far = (reach - distance) / scale, (reach + distance) / scale
    tail = (-near.abs()).exp() / 2
    return torch.where(near < 0, tail, 1 - tail) - (-far).exp() / 2


def _entropy(probability: Tensor, dim: int | tuple[int, ...]) -> Tensor:
    return -(probability * probability.clamp(min=_SMALLEST_PROBABILITY).log()).sum(dim=dim)


def _variance(probability: Tensor) -> Tensor:
    """Variance (...), in cells squared, of distributions (..., cells)."""
    cells = torch.arange(probability.shape[-1], device=probability.device, dtype=probability.dtype)
    mean = (probability * cells).sum(dim=-1, keepdim=True)
    return (probability * (cells - mean) ** 2).sum(dim=-1)
