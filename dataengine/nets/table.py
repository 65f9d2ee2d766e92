"""The table of networks.

Adding a network: write an `nn.Module` in this folder that takes keyword arguments `input_width_px`, `input_height_px`,
`keypoints`, `simcc_split` (plus its own, with defaults), whose ``forward(images (b, 3, H, W))`` returns SimCC logits
``(b, joints, W * split), (b, joints, H * split)`` and whose ``features(images)`` returns maps ``(b, c, h, w)`` for
embeddings; add one line to `NETWORKS`. Use convolution, batch norm, ReLU and linear layers: others may train slowly on
a CPU or quantise badly, and nothing here would tell you. Fit with ``fit-student.network: <name>``.
"""

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from dataengine.errors import ParamsError
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.nets.residual import ResidualSimCC

NETWORKS: Mapping[str, Callable[..., nn.Module]] = {
    "residual-simcc": ResidualSimCC,
}


def build_network(
    name: str,
    *,
    input_width_px: int = 128,
    input_height_px: int = 128,
    simcc_split: int = 2,
    keypoints: int = len(COCO_KEYPOINTS),
    **kwargs: Any,
) -> nn.Module:
    """A network with fresh weights; the caller seeds torch. Unknown names and arguments are a `ParamsError`."""
    if name not in NETWORKS:
        raise ParamsError("network is unknown", expected=" | ".join(NETWORKS), got=repr(name))
    try:
        return NETWORKS[name](
            input_width_px=input_width_px,
            input_height_px=input_height_px,
            keypoints=keypoints,
            simcc_split=simcc_split,
            **kwargs,
        )
    except TypeError as error:
        raise ParamsError(f"network {name} does not take these arguments", got=str(error)) from error
