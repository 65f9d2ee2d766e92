"""Labelled people who are predicted again and again: after every epoch, by every exported file.

Their crops are cut once and held in memory while they are few, and cut again every time where they would fill it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.crops.pixels import crop_people
from dataengine.crops.spec import CropSpec, crop_matrix
from dataengine.inference.running.predict import BATCH, Prediction, predict_crops, predict_people
from dataengine.inference.running.sessions import Runner
from dataengine.nets.checkpoint import ModelMeta
from dataengine.people import Images, People

HELD_BYTES = 512 << 20


@dataclass(frozen=True, eq=False)
class HeldCrops:
    """n people and, where they fit into memory, their crops."""

    people: People
    images: Images
    spec: CropSpec
    matrices: NDArray[np.float64]  # (n, 2, 3) image to crop pixels
    crops_bgr: NDArray[np.uint8] | None  # (n, H, W, 3); None where they would take too much memory

    @classmethod
    def of(cls, people: People, images: Images, spec: CropSpec, limit_bytes: int = HELD_BYTES) -> "HeldCrops":
        """Cut the crops if they take at most `limit_bytes`.

        Raises:
            InputError: a box is empty, or an image cannot be read.
        """
        if len(people) * spec.width_px * spec.height_px * 3 > limit_bytes:
            return cls(people, images, spec, crop_matrix(people.bbox_xywh_px, spec), None)
        crops, matrices = crop_people(people, images, spec)
        return cls(people, images, spec, matrices, crops)

    def predict(
        self, runner: Runner, meta: ModelMeta, *, batch: int = BATCH, description: str = "predict"
    ) -> Prediction:
        """What `runner` says of everyone."""
        if self.crops_bgr is None:
            return predict_people(runner, meta, self.people, self.images, batch=batch, description=description)
        return predict_crops(runner, meta, self.crops_bgr, self.matrices, batch=batch, description=description)

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> NDArray[np.uint8]:
        """The crops (r, H, W, 3) of some people; a row may repeat."""
        index = np.asarray(rows, dtype=np.int64)
        if self.crops_bgr is not None:
            return self.crops_bgr[index]
        wanted_rows, place = np.unique(index, return_inverse=True)
        return crop_people(self.people.take(wanted_rows), self.images, self.spec)[0][place]
