"""Joints of people: the functions that every stage predicts with.

`predict_people` streams people through any runner, `predict_both_ways` asks for the mirrored answer and an embedding in
the same pass, `predict_crops` takes crops that are already cut. All return joints in image pixels, in the order of
people.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.inference.running.crop_stream import CropStream
from dataengine.inference.running.prediction import Prediction, Results
from dataengine.inference.running.runners import load_runner, onnx_runner, torch_runner
from dataengine.inference.running.sessions import Answer, Asked, Runner, Session, in_turn, open_session, slices
from dataengine.nets.checkpoint import ModelMeta
from dataengine.people import Images, People
from dataengine.terminal.progress import track

__all__ = [
    "BothWays",
    "Prediction",
    "Runner",
    "load_runner",
    "onnx_runner",
    "predict_both_ways",
    "predict_crops",
    "predict_people",
    "torch_runner",
]

BATCH = 64
_QUIET_BELOW_PEOPLE = 500  # fewer than these take under a few seconds: no bar


@dataclass(frozen=True, eq=False)
class BothWays:
    """What a network says of n people and of their mirror images."""

    plain: Prediction
    mirrored: Prediction
    """Its answer to the mirrored crops, mirrored back: the further from the plain answer, the less sure the network."""
    features: NDArray[np.float32]  # (n, d) the backbone's features averaged over the crop; (0, 0) where not asked for


def predict_people(
    runner: Runner,
    meta: ModelMeta,
    people: People,
    images: Images,
    *,
    batch: int = BATCH,
    flip_test: bool = False,
    description: str = "predict",
) -> Prediction:
    """Joints of every person in `people`, found inside their boxes. `flip_test` averages with the mirrored crop.

    Raises:
        InputError: an image cannot be read, a box is empty, or an image is not in the table.
    """
    asked = Asked(("averaged",) if flip_test else ("plain",))
    results = _streamed(runner, meta, people, images, asked=asked, batch=batch, description=description)
    return results.views[0]


def predict_both_ways(
    runner: Runner,
    meta: ModelMeta,
    people: People,
    images: Images,
    *,
    features: bool = False,
    batch: int = BATCH,
    description: str = "predict",
) -> BothWays:
    """The plain and the mirrored answer in one pass; with `features` (PyTorch only) the plain crop's embedding, too.

    Raises:
        InputError: as `predict_people`.
        EnvironmentFault: `features` from a runner that gives none.
    """
    asked = Asked(("plain", "mirrored"), features)
    results = _streamed(runner, meta, people, images, asked=asked, batch=batch, description=description)
    plain, mirrored = results.views
    return BothWays(plain, mirrored, results.features)


def predict_crops(
    runner: Runner,
    meta: ModelMeta,
    crops_bgr: NDArray[np.uint8],
    matrices: NDArray[np.float64],
    *,
    batch: int = BATCH,
    flip_test: bool = False,
    mirrored: bool = False,
    description: str = "predict",
) -> Prediction:
    """Joints on crops (n, H, W, 3) that `matrices` (n, 2, 3) map image pixels into.

    `mirrored` shows the network the mirrored crops only and mirrors its answer back. `flip_test` averages the two
    answers' distributions.
    """
    asked = Asked(("averaged",) if flip_test else ("mirrored",) if mirrored else ("plain",))
    session = open_session(runner, meta, asked, batch)
    results = Results(matrices, meta, 1)
    batches = slices(crops_bgr, batch)
    _fill(results, session, batches, people=len(crops_bgr), batch=batch, description=description)
    return results.views[0]


def _streamed(
    runner: Runner,
    meta: ModelMeta,
    people: People,
    images: Images,
    *,
    asked: Asked,
    batch: int,
    description: str,
) -> Results:
    session = open_session(runner, meta, asked, batch)
    stream = CropStream(people, images, meta.crop, batch=batch, allocate=session.buffer)
    results = Results(stream.matrices, meta, len(asked.views))
    with stream:
        _fill(results, session, stream, people=len(people), batch=batch, description=description)
    return results


def _fill(
    results: Results,
    session: Session,
    batches: Iterable[tuple[NDArray[np.int64], NDArray[np.uint8]]],
    *,
    people: int,
    batch: int,
    description: str,
) -> None:
    answers: Iterable[tuple[NDArray[np.int64], Answer]] = in_turn(session, batches)
    if people >= _QUIET_BELOW_PEOPLE:
        answers = track(answers, description, total=-(-people // batch), unit="batch")
    for rows, answer in answers:
        results.write(rows, answer)
