"""The model that the service runs, with its id."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.files import sha256_file, short_sha256
from dataengine.infer.models import OpenModel, open_model
from dataengine.inference.exported import ONNX_FP32, load_exported
from dataengine.inference.in_graph import PictureGraph
from dataengine.inference.running.devices import Device
from dataengine.inference.running.predict import Prediction, predict_crops
from dataengine.nets.checkpoint import WEIGHTS_NAME


@dataclass(frozen=True, eq=False)
class ServedModel:
    """A model under its id, which answers crops."""

    id: str
    open: OpenModel

    def predict(self, crops_bgr: NDArray[np.uint8], matrices: NDArray[np.float64]) -> Prediction:
        """Joints on crops (n, H, W, 3) that `matrices` (n, 2, 3) map picture pixels into."""
        assert not isinstance(self.open.runner, PictureGraph)  # see `served_model`
        return predict_crops(self.open.runner, self.open.meta, crops_bgr, matrices)

    def warm_up(self, batch: int) -> None:
        """Answer batches of the smallest and the greatest size, so that no request waits for memory."""
        spec = self.open.meta.crop
        for count in sorted({1, batch}):
            crops = np.zeros((count, spec.height_px, spec.width_px, 3), dtype=np.uint8)
            self.predict(crops, np.tile(np.eye(2, 3), (count, 1, 1)))


def served_model(path: Path, device: Device = "auto", threads: int | None = None) -> ServedModel:
    """Open the model in `path`, an export or one of its files, or a checkpoint; `threads` on a CPU, None: all cores.

    Raises:
        InputError: `path` holds no model, or a damaged one.
        EnvironmentFault: the device is not there.
    """
    opened = open_model(path, device, threads)
    if isinstance(opened.runner, PictureGraph):
        fix = "give the export's folder, or another of its files"
        raise InputError(f"{path} cuts its own crops", expected="a network of crops, to be asked in batches", fix=fix)
    folder = path if path.is_dir() else path.parent
    if (folder / ONNX_FP32).is_file():
        return ServedModel(load_exported(folder).id, opened)
    return ServedModel(short_sha256(sha256_file(folder / WEIGHTS_NAME)), opened)
