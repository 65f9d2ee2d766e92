"""From uint8 crops to joints on one device: normalise, run, mirror, decode. What a CUDA graph captures."""

import copy
from contextlib import AbstractContextManager

import numpy as np
import torch
from torch import Tensor, nn

from dataengine.inference.running.decoders import Joints, Tensors, decoder_of
from dataengine.inference.running.sessions import Asked, view_of
from dataengine.nets.checkpoint import ModelMeta
from dataengine.nets.network import KeypointNetwork

_PRODUCTS = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


class CropReader:
    """A network with all that stands before and behind it."""

    def __init__(self, net: nn.Module, meta: ModelMeta, asked: Asked, device: torch.device, dtype: torch.dtype) -> None:
        """`net` lies on `device` and runs in `dtype`; features can be asked of a `KeypointNetwork` only."""
        self._net, self._asked, self._device, self._dtype = net, asked, device, dtype
        self._decoder = decoder_of(meta.reader, device)
        # The arithmetic of `crops.pixels.normalise`, float32 for float32, on rows of the crop's width: twice as fast as
        # on three channels.
        spread = np.asarray(meta.std, dtype=np.float32)
        row = np.stack([1 / (255 * spread), np.asarray(meta.mean, dtype=np.float32) / spread])
        self._scale, self._shift = torch.from_numpy(np.tile(row, meta.input_width_px)).to(device)

    def __call__(self, crops_bgr: Tensor) -> Tensors:
        """Crops (b, H, W, 3) uint8 to a tensor for each view, the features if asked for, and what has overflown.

        A view is (b, k, 5) float64: place x and y in crop pixels, confidence, spread, entropy. Features are (b, d)
        float32. Below float32 there is a last tensor (b,): False where the answer has a number that is not finite.
        """
        images = self.normalised(crops_bgr)
        features, seen, finite = None, {}, []
        for mirrored in self._asked.sides:
            answer, maps = self._run(images.flip(3) if mirrored else images)
            if self.may_overflow:
                finite += [tensor.isfinite().flatten(1).all(dim=1) for tensor in answer]
            distributions = self._decoder.distributions(answer)
            seen[mirrored] = self._decoder.mirrored(distributions) if mirrored else distributions
            if maps is not None and not mirrored:
                features = maps.float().mean(dim=(2, 3))
        views = [self._decoder.decode(view_of(view, seen, _mean)) for view in self._asked.views]
        return (
            *map(_packed, views),
            *(() if features is None else (features,)),
            *((torch.stack(finite).all(dim=0),) if finite else ()),
        )

    @property
    def may_overflow(self) -> bool:
        """Whether the network runs in fewer bits than float32."""
        return self._dtype != torch.float32

    def normalised(self, crops_bgr: Tensor) -> Tensor:
        """RGB float32 (b, 3, H, W), in memory as (b, H, W, 3), which is torch's channels_last."""
        rows = crops_bgr.flip(3).flatten(2).float()
        return rows.mul_(self._scale).sub_(self._shift).reshape(crops_bgr.shape).permute(0, 3, 1, 2)

    def _run(self, images: Tensor) -> tuple[Tensors, Tensor | None]:
        """The head's answer in float32, and the backbone's features where they are asked for."""
        with mixed_precision(self._device, self._dtype):
            if not self._asked.features:
                return _full(self._net(images)), None
            assert isinstance(self._net, KeypointNetwork)
            maps = self._net.features(images)
            return _full(self._net.read(maps)), maps


def mixed_precision(device: torch.device, dtype: torch.dtype) -> torch.autocast:
    """Autocast where `dtype` is not float32.

    The casts of weights are not cached: a graph that is captured while the cache is full would not repeat them.
    """
    return torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32, cache_enabled=False)


def cast_weights(net: nn.Module, dtype: torch.dtype) -> nn.Module:
    """A copy of `net` whose convolutions and linear layers hold `dtype`: what autocast would cast at every run."""
    twin = copy.deepcopy(net)
    for module in twin.modules():
        if isinstance(module, _PRODUCTS):
            module.to(dtype)
    return twin


def without_gradients(device: torch.device) -> AbstractContextManager[None]:
    """Inference mode; on a GPU only no gradients.

    A graph captured in inference mode would leave PyTorch's random generator in a state that training cannot use.
    """
    return torch.no_grad() if device.type == "cuda" else torch.inference_mode()


def _full(answer: Tensors) -> Tensors:
    return tuple(tensor.float() for tensor in answer)


def _packed(joints: Joints) -> Tensor:
    """(b, k, 5): one tensor is one copy to the host."""
    return torch.cat([joints.keypoints_px, torch.stack(joints[1:], dim=-1)], dim=-1)


def _mean(one: Tensors, other: Tensors) -> Tensors:
    return tuple((a + b) / 2 for a, b in zip(one, other, strict=True))
