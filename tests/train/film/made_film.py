"""A film of white blocks on black, and a detector and a teacher that see exactly those."""

from pathlib import Path

import cv2
import numpy as np

from dataengine.films.detectors import Memory
from dataengine.people import JOINTS
from dataengine.train.film.label_film import Labeller
from dataengine.train.film.teachers import Ask
from dataengine.train.pseudo.filters import Opinion
from dataengine.train.pseudo.params import PseudoLabelParams

from ...helpers.clips import write_clip

PARAMS = PseudoLabelParams(
    target_precision=0.9,
    target_confidence=0.8,
    right_from=0.5,
    vouching="either-unless-disputed",
    blazepose_confidence=0.5,
    fitted_confidence=0.6,
    flip_tolerance=0.1,
    agreement_tolerance=0.12,
    temporal_tolerance=0.08,
    min_joints=8,
    lone_teacher_trust=0.5,
    max_limb_excess=0,
    min_track_frames=3,
    max_disputed_share=0.5,
    track_overlap=0.3,
    max_gap=10,
)
SHARES = np.stack([0.1 + 0.2 * (np.arange(JOINTS) % 4), 0.1 + 0.2 * (np.arange(JOINTS) // 4)], axis=1)


def blocks(index: int) -> list[tuple[int, int]]:
    """Left upper corners of the people in a frame: one walks through, one is there from frame 40 to 41 alone."""
    people = [(4 + index // 2, 20)]
    return people + ([(120, 60)] if index in (40, 41) else [])


def film(path: Path, count: int = 200, people: bool = True) -> Path:
    """`count` frames of 160x120 px."""

    def frame(index: int) -> np.ndarray:
        image = np.zeros((120, 160, 3), np.uint8)
        for x, y in blocks(index) if people else []:
            image[y : y + 40, x : x + 24] = 255
        return image

    return write_clip(path, [frame(index) for index in range(count)])


class BlockDetector:
    """Boxes of the blocks; remembers how many frames it was asked about."""

    name = "blocks"

    def __init__(self, every: int = 4) -> None:
        self.every, self.asked = every, 0

    def boxes(self, index: int, image_bgr: np.ndarray) -> np.ndarray:
        self.asked += 1
        _, _, stats, _ = cv2.connectedComponentsWithStats((image_bgr[..., 0] > 128).astype(np.uint8))
        return stats[1:, :4].astype(np.float64)

    def memory(self) -> Memory:
        return [[float(self.asked)]]

    def remember(self, memory: Memory) -> None:
        self.asked = int(memory[0][0])


class BoxTeacher:
    """Joints at fixed shares of the box, surer the further left it is; stops at the frame `stop_at` if asked to."""

    name = "boxes"

    def __init__(self, stop_at: int | None = None) -> None:
        self._boxes: list[np.ndarray] = []
        self._looked, self._stop_at = 0, stop_at

    def look(self, image_bgr: np.ndarray, boxes_xywh_px: np.ndarray) -> None:
        self._looked += 1
        if self._looked == self._stop_at:
            raise KeyboardInterrupt
        self._boxes += list(boxes_xywh_px)

    def ask(self) -> Ask:
        boxes = np.array(self._boxes).reshape(-1, 4)
        self._boxes = []
        points = boxes[:, None, :2] + SHARES * boxes[:, None, 2:]
        confidence = np.broadcast_to(1 - boxes[:, :1] / 300, (len(boxes), JOINTS)).copy()
        opinion = Opinion(points, confidence, np.zeros((len(boxes), JOINTS)))
        return lambda threads: opinion


def labeller(detector: BlockDetector | None = None, teacher: BoxTeacher | None = None, every: int = 1) -> Labeller:
    return Labeller((teacher or BoxTeacher(),), detector or BlockDetector(), None, PARAMS, every, "made")
