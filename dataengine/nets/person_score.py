"""One confidence for a person out of what a network says of its joints: what a detection is ranked by in AP.

AP rewards whoever ranks people by the OKS that they will have, and a score that is that OKS is calibrated too (Gu et
al., "On the Calibration of Human Pose Estimation", ICML 2024). The mean confidence of joints is neither, least of all
with joints that nobody taught the network. So only taught joints count, and where a fit has learnt `ExpectedOks` on
its validation people the score is the expected OKS: a logistic function of three means over those joints.
`dataengine compare-scores` measures this and other scores; docs/results/scores.md has its figures.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from dataengine.boxes import Boxes
from dataengine.keypoints import COCO_KEYPOINTS

FEATURES = ("confidence", "log_spread", "entropy")
LEAST_SPREAD = 1e-3  # share of the box's size, added before the logarithm is taken
Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class ExpectedOks:
    """Weights of a score that is the OKS to expect.

    score = 1 / (1 + exp(-z)), z = bias + the weighted sum of the means over taught joints.
    """

    confidence: float
    """The weight of the joints' confidence."""
    log_spread: float
    """The weight of log(spread / sqrt(box area) + `LEAST_SPREAD`)."""
    entropy: float
    """The weight of the normalised entropy of their distributions."""
    bias: float

    def of(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score (n,) from the `FEATURES` (n, 3)."""
        return np.asarray(expit(features @ [self.confidence, self.log_spread, self.entropy] + self.bias))


@dataclass(frozen=True, eq=False)
class PersonScore:
    """How a network's people are scored."""

    taught: NDArray[np.bool_] = field(default_factory=lambda: np.ones(len(COCO_KEYPOINTS), dtype=bool))
    """(k,) joints that training people had labelled; where none was, all of them count."""
    weights: ExpectedOks | None = None
    """None: the mean confidence of the joints that count."""

    @property
    def counted(self) -> NDArray[np.bool_]:
        """(k,) joints that count."""
        return self.taught if self.taught.any() else np.ones_like(self.taught)

    def of(self, confidence: Floats, spread_px: Floats, entropy: Floats, bbox_xywh_px: Boxes) -> NDArray[np.float32]:
        """Score (n,) in 0..1 of people looked for in boxes (n, 4), from what is said of their joints, each (n, k)."""
        features = self.features(confidence, spread_px, entropy, bbox_xywh_px)
        scores = features[:, 0] if self.weights is None else self.weights.of(features)
        return np.asarray(scores, dtype=np.float32)

    def features(
        self, confidence: Floats, spread_px: Floats, entropy: Floats, bbox_xywh_px: Boxes
    ) -> NDArray[np.float64]:
        """The means over the joints that count: `FEATURES`, (n, 3)."""
        size = np.sqrt(np.asarray(bbox_xywh_px, dtype=np.float64)[:, 2:].prod(axis=1))[:, None]
        columns = (confidence, np.log(spread_px / size + LEAST_SPREAD), entropy)
        return np.stack([column.astype(np.float64)[:, self.counted].mean(axis=1) for column in columns], axis=1)
