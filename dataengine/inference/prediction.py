"""What prediction returns: `Prediction`, and `Results`, the arrays that batches are written into as they come."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dataengine.crops.spec import affine_scale, apply_affine, invert_affine
from dataengine.inference.sessions import Answer
from dataengine.keypoints import VISIBLE
from dataengine.nets.layout import Decoded
from dataengine.people import JOINTS, People


@dataclass(frozen=True, eq=False)
class Prediction:
    """Joints of n persons in image pixels, and how sure the network is of each."""

    keypoints_px: NDArray[np.float32]  # (n, 17, 2)
    confidence: NDArray[np.float32]  # (n, 17) probability that the joint lies near the place given, 0..1
    spread_px: NDArray[np.float32]  # (n, 17) standard deviation of the place, image pixels
    entropy: NDArray[np.float32]  # (n, 17) normalised entropy of the two distributions, 0 certain .. 1 no idea
    taught: NDArray[np.bool_] = field(default_factory=lambda: np.ones(JOINTS, dtype=bool))
    """(17,) joints that the network was taught; its answers for the others mean nothing."""

    @property
    def score(self) -> NDArray[np.float32]:
        """One confidence per person (n,): the mean over joints."""
        return np.asarray(self.confidence.mean(axis=1), dtype=np.float32)

    def as_people(self, people: People) -> People:
        """`people` with these joints, all marked visible, and the scores: the detections that OKS AP wants."""
        return people.replace(
            keypoints_px=self.keypoints_px,
            visibility=np.full(self.confidence.shape, VISIBLE, np.uint8),
            score=self.score,
        )


class Results:
    """Room for n persons, allocated once: a prediction for each view, and embeddings once their width is known."""

    def __init__(self, matrices: NDArray[np.float64], taught: NDArray[np.bool_], views: int) -> None:
        """`matrices` (n, 2, 3) map image pixels to crop pixels; `taught` (k,) says which joints the network knows."""
        self._matrices = matrices
        shape = (len(matrices), len(taught))
        self.views = [
            Prediction(_room(*shape, 2), _room(*shape), _room(*shape), _room(*shape), taught) for _ in range(views)
        ]
        self.features: NDArray[np.float32] = _room(0, 0)

    def write(self, rows: NDArray[np.int64], answer: Answer) -> None:
        """Put the answer for persons `rows` (b,) into its place, in image pixels."""
        for prediction, decoded in zip(self.views, answer.views, strict=True):
            _write(prediction, rows, decoded, self._matrices[rows])
        if answer.features is not None:
            if not len(self.features):
                self.features = _room(len(self._matrices), answer.features.shape[1])
            self.features[rows] = answer.features


def _write(prediction: Prediction, rows: NDArray[np.int64], decoded: Decoded, matrices: NDArray[np.float64]) -> None:
    prediction.keypoints_px[rows] = apply_affine(invert_affine(matrices), decoded.keypoints_px)
    prediction.confidence[rows] = decoded.confidence
    prediction.spread_px[rows] = decoded.spread_px / affine_scale(matrices)[:, None]
    prediction.entropy[rows] = decoded.entropy


def _room(*shape: int) -> NDArray[np.float32]:
    return np.zeros(shape, dtype=np.float32)
