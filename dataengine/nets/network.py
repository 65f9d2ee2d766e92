"""The base of all networks: a backbone whose features a head reads.

Backbone and head keep their layers side by side in one module, without a prefix, because that is how published
checkpoints name their tensors.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import Tensor, nn

from dataengine.errors import ParamsError
from dataengine.nets.heads import Head
from dataengine.nets.weights import read_weights, take_weights


class KeypointNetwork(nn.Module):
    """A subclass builds its backbone, calls `add_head` last, and gives `features`."""

    spare_weights: ClassVar[Sequence[str]] = ()
    """Prefixes of tensors in published files that are not part of the backbone, such as a classifier."""

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.head_kind = head

    def add_head(self, channels: int, stride: int, multiple_of: int | None = None) -> None:
        """Build the head for `channels` features at 1/`stride` of the crop's size."""
        layout, step = self.head_kind.layout, multiple_of or stride
        if layout.input_width_px % step or layout.input_height_px % step:
            raise ParamsError(
                f"input size does not fit {type(self).__name__}",
                expected=f"width and height in multiples of {step}",
                got=f"{layout.input_width_px} x {layout.input_height_px}",
            )
        self.head_layers = frozenset(layers := self.head_kind.layers(channels, stride))
        for name, layer in layers.items():
            self.add_module(name, layer)

    def stages(self) -> Sequence[Sequence[str]]:
        """Prefixes of the backbone's tensor names, one stage each, from the image on; the head is not a stage."""
        raise NotImplementedError

    def stages_above(self, tensor: str) -> int:
        """Number of stages between a tensor and the answer, its own included; 0 for the head's tensors."""
        stages = self.stages()
        found = [len(stages) - i for i, prefixes in enumerate(stages) if tensor.startswith(tuple(prefixes))]
        if tensor.split(".")[0] in self.head_layers:
            found.append(0)
        if len(found) != 1:  # a subclass whose `stages` says too little or too much
            raise LookupError(f"{type(self).__name__}.stages: {tensor} lies in {len(found)} stages")
        return found[0]

    def features(self, images: Tensor) -> Tensor:
        """Maps (b, channels, H / stride, W / stride) of normalised images (b, 3, H, W)."""
        raise NotImplementedError

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """The head's answer to normalised images (b, 3, H, W)."""
        return self.read(self.features(images))

    def read(self, features: Tensor) -> tuple[Tensor, ...]:
        """The head's answer to features."""
        return self.head_kind.answer(self, features)

    @classmethod
    def architecture_of(cls, source: str) -> Mapping[str, Any]:
        """Arguments of the constructor that the published weights `source` ask for."""
        return {}

    def take_pretrained(self, source: str) -> None:
        """Take over published weights: a .pth or .safetensors file with this backbone's names."""
        take_weights(self, read_weights(source), source, optional=self.head_layers, spare=self.spare_weights)
