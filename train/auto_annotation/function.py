"""What CVAT calls for each picture: BlazePose's detector finds people, and an exported model their joints.

`create` opens both; cvat-sdk's driver, or cvat-cli's agent, reads `PoseFunction.spec` and calls `PoseFunction.detect`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dataengine.blazepose.in_images import people_in_picture
from dataengine.blazepose.model import BlazePose
from dataengine.crops.spec import crop_matrix, extract_crop
from dataengine.errors import InputError
from dataengine.geometry.pixel_grid import within
from dataengine.hardware.threads import available_cores
from dataengine.inference.choose_runner import ChosenRunner
from dataengine.inference.exported import ExportedModel, load_exported
from dataengine.inference.running.predict import predict_crops
from dataengine.inference.running.prediction import Prediction
from dataengine.inference.shipped.runners import runner_for
from dataengine.keypoints import UNLABELLED, VISIBLE
from dataengine.people import People
from dataengine.pictures.opened import decode_opened

from .skeletons import person_spec, require_cvat, skeletons

if TYPE_CHECKING:
    from cvat_sdk.auto_annotation import DetectionFunctionContext, DetectionFunctionSpec
    from cvat_sdk.models import LabeledShapeRequest
    from PIL.Image import Image


@dataclass(frozen=True, eq=False)
class PoseFunction:
    """A `DetectionFunction` of cvat-sdk."""

    model: ExportedModel
    chosen: ChosenRunner
    detector: BlazePose

    @property
    def spec(self) -> "DetectionFunctionSpec":
        """The labels that answers have."""
        return person_spec()

    def detect(self, context: "DetectionFunctionContext", image: "Image") -> list["LabeledShapeRequest"]:
        """Everybody in a picture whose score, the model's own, is not below the threshold that CVAT asks for."""
        people = self.people(decode_opened(image))
        return skeletons(people.take(people.score >= (context.conf_threshold or 0.0)))

    def people(self, image_bgr: NDArray[np.uint8]) -> People:
        """Everybody in a picture (h, w, 3), as `answered` has them."""
        boxes = people_in_picture(self.detector, image_bgr)  # (n, 4)
        spec = self.model.meta.crop
        matrices = crop_matrix(boxes, spec)
        crops = [extract_crop(image_bgr, matrix, spec) for matrix in matrices]
        batch = np.array(crops, dtype=np.uint8).reshape(len(boxes), spec.height_px, spec.width_px, 3)
        found = predict_crops(self.chosen.runners[0], self.model.meta, batch, matrices)
        return answered(found, boxes, image_bgr.shape[1::-1])


def answered(found: Prediction, boxes: NDArray[np.float32], size_px: tuple[int, ...]) -> People:
    """The network's answers in `boxes` (n, 4) of a picture of (width, height), as people of image 1.

    Joints that the model was not taught, or that it puts outside of the picture, have flag 0, all others 2: the
    model does not say what is hidden. Whoever has no joint left is left out.
    """
    shown = within(found.keypoints_px, size_px) & found.person_score.taught
    people = People.build(
        image_id=np.ones(len(boxes), dtype=np.int64),
        bbox_xywh_px=boxes,
        keypoints_px=found.keypoints_px,
        visibility=np.where(shown, VISIBLE, UNLABELLED),
        score=found.scores(boxes),
        source="pseudo",
    )
    return people.take(shown.any(axis=1))


def create(model: str | Path, detector: str | Path, model_id: str = "") -> PoseFunction:
    """Open an export and BlazePose's models, both folders.

    Raises:
        InputError: a file is missing or damaged, or the export is another model than `model_id`.
        EnvironmentFault: nothing here runs the model, or cvat-sdk is not installed.
    """
    require_cvat()
    exported = load_exported(Path(model))
    if model_id not in ("", exported.id):
        fix = "run `dataengine annotate-cvat` again"
        raise InputError(f"{model} holds another model", expected=model_id, got=exported.id, fix=fix)
    threads = available_cores()
    return PoseFunction(exported, runner_for("auto", [exported], threads), BlazePose(Path(detector), threads))
