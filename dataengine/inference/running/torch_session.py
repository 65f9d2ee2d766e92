"""A PyTorch network that reads crops: at once on a CPU; on a GPU in a stream of its own, one batch behind the other."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dataengine.errors import EnvironmentFault
from dataengine.inference.running.cuda_graphs import Bucket, HostCopies, bucket_for, buckets_for
from dataengine.inference.running.device_reading import CropReader, without_gradients
from dataengine.inference.running.sessions import IN_FLIGHT, Answer, Asked
from dataengine.nets.checkpoint import ModelMeta
from dataengine.nets.layout import Decoded
from dataengine.nets.network import KeypointNetwork
from dataengine.terminal.speech import say

Tensors = tuple[Tensor, ...]


class TorchSession:
    """Batches of up to `batch` crops through a network.

    On a GPU batches are padded to a bucket and replayed as a CUDA graph; see `cuda_graphs`.
    """

    def __init__(
        self,
        net: nn.Module,
        full: nn.Module,
        meta: ModelMeta,
        asked: Asked,
        batch: int,
        device: torch.device,
        dtype: torch.dtype,
        *,
        in_buckets: bool | None = None,
    ) -> None:
        """`net` holds its products' weights in `dtype`, `full` is the same in float32; both lie on `device`.

        `in_buckets`: None pads batches on a GPU only.
        """
        if asked.features and not isinstance(net, KeypointNetwork):
            raise EnvironmentFault("this network gives no embeddings", expected="a KeypointNetwork")
        self._net, self._full, self._asked, self._device, self._dtype = net, full, asked, device, dtype
        self._read = CropReader(net, meta, asked, device, dtype)
        self._read_full = CropReader(full, meta, asked, device, torch.float32)
        self._crop_shape = (meta.input_height_px, meta.input_width_px, 3)
        self._on_gpu = device.type == "cuda"
        self._sizes = buckets_for(batch) if (self._on_gpu if in_buckets is None else in_buckets) else ()
        self._buckets: dict[int, Bucket] = {}
        self._copies = HostCopies(IN_FLIGHT)
        self._stream = torch.cuda.Stream(device) if self._on_gpu else None
        self._has_overflown = False

    def buffer(self, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """Pinned memory for a GPU: copies from it overlap with the kernels."""
        return torch.zeros(shape, dtype=torch.uint8, pin_memory=self._on_gpu).numpy()

    def submit(self, crops_bgr: NDArray[np.uint8]) -> Callable[[], Answer]:
        """Begin on crops (b, H, W, 3) BGR; on a CPU all is done here."""
        crops, count = torch.from_numpy(np.ascontiguousarray(crops_bgr)), len(crops_bgr)
        self._net.eval()
        if self._stream is None:
            with without_gradients(self._device):
                outputs = self._outputs(crops)
            return lambda: self._answer(crops, outputs, count)
        self._stream.wait_stream(torch.cuda.current_stream(self._device))  # whatever changes the weights
        with torch.cuda.device(self._device), torch.cuda.stream(self._stream), without_gradients(self._device):
            on_host = self._copies.take(self._outputs(crops))
            done = torch.cuda.Event()
            done.record(self._stream)

        def collect() -> Answer:
            done.synchronize()
            return self._answer(crops, on_host, count)

        return collect

    def _outputs(self, crops: Tensor) -> Tensors:
        if not self._sizes:
            return self._read(crops.to(self._device, non_blocking=True))
        size = bucket_for(len(crops), self._sizes)
        if size not in self._buckets:
            self._buckets[size] = Bucket(self._read, self._crop_shape, size, self._device)
        return self._buckets[size].run(crops)

    def _answer(self, crops: Tensor, outputs: Tensors, count: int) -> Answer:
        """The answer to `count` crops; a batch that overflowed in fewer bits is run again in float32."""
        if self._read.may_overflow and not bool(outputs[-1][:count].all()):
            outputs = self._again(crops)
        arrays = [part[:count].numpy().copy() for part in outputs]
        views = len(self._asked.views)
        return Answer(tuple(map(_decoded, arrays[:views])), arrays[views] if self._asked.features else None)

    def _again(self, crops: Tensor) -> Tensors:
        if not self._has_overflown:
            say("some numbers overflow in this precision: those batches are run again in fp32")
        self._has_overflown = True
        self._full.eval()
        with without_gradients(self._device):
            return tuple(part.cpu() for part in self._read_full(crops.to(self._device)))


def _decoded(packed: NDArray[np.float64]) -> Decoded:
    return Decoded(packed[..., :2], packed[..., 2], packed[..., 3], packed[..., 4])
