"""Whether two models say the same of a person: OKS between their answers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.boxes import Boxes
from dataengine.evaluation.ap.oks_formula import joint_similarities, mean_similarity
from dataengine.inference.running.prediction import Prediction
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.person_scale import area_of_boxes

JOINTS_NAMED = 3  # of those that differ most, in a reason


@dataclass(frozen=True, eq=False)
class Compared:
    """Two answers about n people, held against each other."""

    oks: NDArray[np.float64]  # (n,); 0 where no joint counts
    similarity: NDArray[np.float64]  # (n, 17) of each joint
    counts: NDArray[np.bool_]  # (n, 17) joints that count

    @property
    def known(self) -> NDArray[np.bool_]:
        """Whose (n,) answers have a joint that counts."""
        return np.asarray(self.counts.any(axis=1))

    def by_joint(self, row: int) -> dict[str, float]:
        """The similarity of a person's joints that count, by name."""
        return {COCO_KEYPOINTS[joint]: float(self.similarity[row, joint]) for joint in np.flatnonzero(self.counts[row])}

    def reason(self, row: int, differ_below: float) -> str:
        """Why a person is kept, in words.

        >>> similarity = np.r_[0.1, np.ones(16)][None]
        >>> Compared(np.array([0.1]), similarity, np.eye(17, dtype=bool)[:1]).reason(0, 0.75)
        'OKS 0.10 between the two answers is below 0.75: nose 0.10'
        """
        worst = sorted(self.by_joint(row).items(), key=lambda item: item[1])[:JOINTS_NAMED]
        joints = ", ".join(f"{name} {value:.2f}" for name, value in worst if value < differ_below)
        return f"OKS {self.oks[row]:.2f} between the two answers is below {differ_below:g}: {joints}"


def compare_answers(
    champion: Prediction, candidate: Prediction, bbox_xywh_px: Boxes, least_confidence: float
) -> Compared:
    """Hold two answers about the people in boxes (n, 4) against each other.

    A joint counts where both models were taught it and one of them is sure of it, `least_confidence` or more: where
    both are unsure, as of a joint outside the picture, their guesses differ without meaning anything. The person's
    area is 0.53 of the box.
    """
    taught = champion.person_score.taught & candidate.person_score.taught
    sure = np.maximum(champion.confidence, candidate.confidence) >= least_confidence
    counts = taught & sure
    similarity = joint_similarities(candidate.keypoints_px, champion.keypoints_px, area_of_boxes(bbox_xywh_px))
    return Compared(mean_similarity(similarity, counts), similarity, counts)
