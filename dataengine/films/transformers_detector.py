"""RT-DETR and D-FINE as detectors of people, through the library ``transformers``.

Zhao et al., "DETRs Beat YOLOs on Real-time Object Detection", CVPR 2024; Peng et al., "D-FINE: Redefine Regression Task
in DETRs as Fine-grained Distribution Refinement", ICLR 2025. Pictures are prepared and answers read by the library's
own image processor, as the model's folder configures it.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dataengine.boxes import clip_boxes, pairwise_iou
from dataengine.errors import InputError
from dataengine.files import sha256_file
from dataengine.nets.published import from_source, transformers_library

from .detectors import Memory

KINDS = ("rt_detr", "rt_detr_v2", "d_fine")
"""`model_type` of the models whose answers RT-DETR's image processor reads."""
LEAST_SCORE = 0.5  # the default of the library's `post_process_object_detection`
DOUBTFUL = 0.5  # of the least score: from there on a box counts where somebody is expected, as in ByteTrack
NEAR_OVERLAP = 0.3


class TransformersDetector:
    """Asks the network about whole pictures; it remembers nothing from one to the next."""

    def __init__(self, source: str, every: int, least_score: float | None = None) -> None:
        """Open `source`, a folder or a hub model (`dataengine.nets.published`).

        Raises:
            InputError: it is not a detector of these kinds, or knows no class `person`.
            EnvironmentFault: the library is not installed.
        """
        library = transformers_library()
        config = from_source(library.AutoConfig, source, "detector")
        if config.model_type not in KINDS:
            expected = f"model_type {', '.join(KINDS)}"
            raise InputError(f"{source} is not a detector for films", expected=expected, got=config.model_type)
        people = [number for number, name in config.id2label.items() if str(name).strip().lower() == "person"]
        if not people:
            got = ", ".join(map(str, list(config.id2label.values())[:5]))
            raise InputError(f"{source} does not know people", expected="a class named person in id2label", got=got)
        self.every = every
        self.name = f"{config.model_type} {source}"
        weights = Path(source) / "model.safetensors"
        # the file's hash, or the commit: which network it is, wherever it lies
        self.identity = sha256_file(weights) if weights.is_file() else source
        self._person = int(people[0])
        self._least_score = LEAST_SCORE if least_score is None else least_score
        self._processor = from_source(library.RTDetrImageProcessorPil, source, "detector")
        model = from_source(library.AutoModelForObjectDetection, source, "detector", use_safetensors=True)
        self._network: Any = model.eval()

    def boxes(self, index: int, image_bgr: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Boxes (n, 4) xywh px of the people whose score is above the least one, cut to the picture."""
        found, _ = self.scored(image_bgr, self._least_score)
        return found

    def near(self, image_bgr: NDArray[np.uint8], boxes_xywh_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """Boxes (n, 4) of people in the boxes (m, 4) of whom the network is not sure: `boxes` has the others."""
        found, score = self.scored(image_bgr, DOUBTFUL * self._least_score)
        doubtful = found[score <= self._least_score]
        expected = pairwise_iou(doubtful, boxes_xywh_px).max(axis=1, initial=0.0) >= NEAR_OVERLAP
        return doubtful[expected]

    def scored(
        self, image_bgr: NDArray[np.uint8], least_score: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Boxes (n, 4) xywh px, none of them empty, and scores (n,) of the people above `least_score`."""
        image_rgb = np.ascontiguousarray(image_bgr[..., ::-1])
        height, width = image_bgr.shape[:2]
        inputs = self._processor(images=image_rgb, input_data_format="channels_last", return_tensors="pt")
        with torch.inference_mode():
            answer = self._network(pixel_values=inputs["pixel_values"])
        (found,) = self._processor.post_process_object_detection(
            answer, threshold=least_score, target_sizes=[(height, width)]
        )
        person = found["labels"].numpy() == self._person
        corners = found["boxes"].numpy()[person].astype(np.float64)
        score = found["scores"].numpy()[person].astype(np.float64)
        boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
        boxes = np.asarray(clip_boxes(boxes, (width, height)), dtype=np.float64)
        usable = (boxes[:, 2:] > 0).all(axis=1)
        return boxes[usable], score[usable]

    def memory(self) -> Memory:
        """It needs none."""
        return []

    def remember(self, memory: Memory) -> None:
        """There is nothing to go on from."""
