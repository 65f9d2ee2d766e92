"""A film of a white block that walks, who finds it, and a network of random weights."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from dataengine.films.detectors import Memory
from dataengine.nets.checkpoint import ModelMeta, save_checkpoint

META = ModelMeta("residual-simcc", {"channels": [8, 8], "blocks": [1, 1]}, input_width_px=32, input_height_px=32)


class Blocks:
    """Boxes of the white blocks in a picture; `act` is called with each index that it is asked about."""

    name = "blocks"

    def __init__(self, every: int, act: Any = None) -> None:
        self.every, self._act = every, act

    def boxes(self, index: int, image_bgr: np.ndarray) -> np.ndarray:
        if self._act:
            self._act(index)
        _, _, stats, _ = cv2.connectedComponentsWithStats((image_bgr[..., 0] > 128).astype(np.uint8))
        return stats[1:, :4].astype(np.float64)

    def near(self, image_bgr: np.ndarray, boxes_xywh_px: np.ndarray) -> np.ndarray:
        return self.boxes(-1, image_bgr)

    def memory(self) -> Memory:
        return []

    def remember(self, memory: Memory) -> None:
        """It sees everybody."""


def random_network(folder: Path) -> Path:
    torch.manual_seed(0)
    save_checkpoint(folder, META.build(), META)
    return folder
