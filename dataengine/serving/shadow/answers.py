"""One person's answer out of a batch, as the shadow's folder keeps it."""

import numpy as np
from numpy.typing import NDArray

from dataengine.inference.running.prediction import Prediction

from ..asked.served_model import ServedModel
from .folder import ShadowAnswer


def one_of(found: Prediction, row: int) -> Prediction:
    """The answer about one person alone."""
    rows = slice(row, row + 1)
    return Prediction(
        found.keypoints_px[rows], found.confidence[rows], found.spread_px[rows], found.entropy[rows], found.person_score
    )


def answer_of(
    model: ServedModel, found: Prediction, row: int, shift: NDArray[np.int64], box: NDArray[np.float64]
) -> ShadowAnswer:
    """What a model said of the person in `row`, whose box is `box`; `shift` (2,) is the corner of the kept part."""
    one = one_of(found, row)
    confidence = np.where(found.person_score.taught, one.confidence[0], 0)
    return ShadowAnswer(
        model=model.id,
        keypoints_px=tuple((float(x), float(y)) for x, y in one.keypoints_px[0] - shift),
        confidence=tuple(confidence.tolist()),
        score=float(one.scores(box[None])[0]),
    )
