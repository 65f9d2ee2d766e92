"""What prediction returns: `Prediction`, and `Results`, the arrays that batches are written into as they come."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dataengine.boxes import Boxes
from dataengine.crops.spec import affine_scale, apply_affine, invert_affine
from dataengine.inference.running.sessions import Answer
from dataengine.keypoints import VISIBLE
from dataengine.nets.checkpoint import ModelMeta
from dataengine.nets.layout import Decoded
from dataengine.nets.person_score import PersonScore
from dataengine.people import People


@dataclass(frozen=True, eq=False)
class Prediction:
    """Joints of n persons in image pixels, and how sure the network is of each."""

    keypoints_px: NDArray[np.float32]  # (n, 17, 2)
    confidence: NDArray[np.float32]  # (n, 17) probability that the joint lies near the place given, 0..1: calibrated
    # where the network has learnt that
    spread_px: NDArray[np.float32]  # (n, 17) standard deviation of the place, image pixels
    entropy: NDArray[np.float32]  # (n, 17) normalised entropy of the two distributions, 0 certain .. 1 no idea
    person_score: PersonScore = field(default_factory=PersonScore)
    """How the network's people are scored, and which joints it was taught; of the others it knows nothing."""

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Self:
        """The answer to some of the people."""
        return replace(
            self,
            keypoints_px=self.keypoints_px[rows],
            confidence=self.confidence[rows],
            spread_px=self.spread_px[rows],
            entropy=self.entropy[rows],
        )

    def scores(self, bbox_xywh_px: Boxes) -> NDArray[np.float32]:
        """One confidence per person (n,), 0..1, of people who were looked for in these boxes (n, 4)."""
        return self.person_score.of(self.confidence, self.spread_px, self.entropy, bbox_xywh_px)

    def score_features(self, bbox_xywh_px: Boxes) -> NDArray[np.float64]:
        """What a score is learnt from (n, 3)."""
        return self.person_score.features(self.confidence, self.spread_px, self.entropy, bbox_xywh_px)

    def as_people(self, people: People) -> People:
        """`people` with these joints, all marked visible, and the scores: the detections that OKS AP wants."""
        return people.replace(
            keypoints_px=self.keypoints_px,
            visibility=np.full(self.confidence.shape, VISIBLE, np.uint8),
            score=self.scores(people.bbox_xywh_px),
        )


def joined(parts: Sequence[Prediction], rows: NDArray[np.int64] | None = None) -> Prediction:
    """Several predictions of one network as one; `rows` (n,) are the places of their people in it, in order if None."""
    order = slice(None) if rows is None else np.argsort(rows)

    def stacked(name: str) -> NDArray[np.float32]:
        return np.concatenate([getattr(part, name) for part in parts])[order]

    return Prediction(
        keypoints_px=stacked("keypoints_px"),
        confidence=stacked("confidence"),
        spread_px=stacked("spread_px"),
        entropy=stacked("entropy"),
        person_score=parts[0].person_score,
    )


class Results:
    """Room for n persons, allocated once: a prediction for each view, and embeddings once their width is known."""

    def __init__(self, matrices: NDArray[np.float64], meta: ModelMeta, views: int) -> None:
        """`matrices` (n, 2, 3) map image pixels to crop pixels; `meta` is the network's that answers."""
        self._matrices, self._meta = matrices, meta
        shape = (len(matrices), len(meta.keypoints))
        self.views = [
            Prediction(_room(*shape, 2), _room(*shape), _room(*shape), _room(*shape), meta.person_score)
            for _ in range(views)
        ]
        self.features: NDArray[np.float32] = _room(0, 0)

    def write(self, rows: NDArray[np.int64], answer: Answer) -> None:
        """Put the answer for persons `rows` (b,) into its place, in image pixels."""
        for prediction, decoded in zip(self.views, answer.views, strict=True):
            _write(prediction, rows, decoded, self._matrices[rows])
            prediction.confidence[rows] = self._meta.calibrated(decoded)
        if answer.features is not None:
            if not len(self.features):
                self.features = _room(len(self._matrices), answer.features.shape[1])
            self.features[rows] = answer.features


def _write(prediction: Prediction, rows: NDArray[np.int64], decoded: Decoded, matrices: NDArray[np.float64]) -> None:
    prediction.keypoints_px[rows] = apply_affine(invert_affine(matrices), decoded.keypoints_px)
    prediction.spread_px[rows] = decoded.spread_px / affine_scale(matrices)[:, None]
    prediction.entropy[rows] = decoded.entropy


def _room(*shape: int) -> NDArray[np.float32]:
    return np.zeros(shape, dtype=np.float32)
