"""What a part is worth besides AP: how well confidence is calibrated, and how well it tells joints outside the crop."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.crops.pixels import normalise
from dataengine.crops.training.augment import NO_AUGMENTATION
from dataengine.crops.training.samples import CropSamples
from dataengine.evaluation.analysis.roc import auroc
from dataengine.evaluation.ap.protocol import OksProtocol
from dataengine.inference.running.predict import BATCH, Runner, load_runner, predict_people
from dataengine.keypoints import UNLABELLED
from dataengine.nets.checkpoint import ModelMeta
from dataengine.nets.simcc_heads import PRESENCE
from dataengine.people import Images, People

from ..scores.measure import joint_figures
from ..scores.rules import Answers

CUTS = replace(NO_AUGMENTATION, shift=0.3, half_body_share=0.5)
"""How validation people are cut, so that joints lie outside: moved by up to 0.3 of the crop, half of them halved."""
CUT_SEED = 0


@dataclass(frozen=True)
class PartFigures:
    """One fit on the validation people."""

    ap: float
    ece_stated: float | None
    """Expected calibration error of a joint's confidence, mean over joints, as the network states it; None where no
    joint is labelled."""
    ece_by_curves: float | None
    """By curves for each joint that are learnt on the other half of the people; None where they have too few labels."""
    in_crop_by_confidence: float | None
    """Area under the ROC curve of "the joint lies in the crop", by confidence alone; `CUTS` cut the crops. None where
    all joints lie inside, or none."""
    in_crop_by_presence: float | None
    """By the network's presence; None where it has none, too."""
    in_crop_by_both: float | None
    """By their product, which is what predictions state."""


def part_figures(network: Path, ap: float, people: People, images: Images, protocol: OksProtocol) -> PartFigures:
    """The figures of the checkpoint `network`, whose AP is known, on labelled people."""
    runner, meta = load_runner(network)
    stated, by_curves = calibration_errors(runner, meta, people, images, protocol)
    confidence, presence, in_crop = cut_answers(runner, meta, people, images)
    alone = confidence if presence is None else confidence / np.maximum(presence, np.finfo(np.float64).tiny)
    scores = (alone, presence, None if presence is None else confidence)
    return PartFigures(ap, stated, by_curves, *(None if score is None else _area(score, in_crop) for score in scores))


def calibration_errors(
    runner: Runner, meta: ModelMeta, people: People, images: Images, protocol: OksProtocol
) -> tuple[float | None, float | None]:
    """Expected calibration errors as stated, and by curves: each half of the pictures by those of the other half.

    The first is None where nobody is labelled, the second where a half has too few labels to learn curves from.
    """
    uncalibrated = replace(meta, joint_confidence=None)
    found = predict_people(runner, uncalibrated, people, images, description="calibration")
    is_even = images.rows_of(people.image_id) % 2 == 0
    halves = [Answers(people.take(rows), found.take(rows), protocol) for rows in (is_even, ~is_even)]
    pairs = [(learn, test) for learn, test in (halves, halves[::-1]) if _has_labels(test)]
    figures = [joint_figures(*pair) for pair in pairs]
    stated, by_curves = ([each[name]["mean"] for each in figures if name in each] for name in ("stated", "per joint"))
    return (
        float(np.mean(stated)) if stated else None,
        float(np.mean(by_curves)) if len(by_curves) == len(halves) else None,
    )


def cut_answers(
    runner: Runner, meta: ModelMeta, people: People, images: Images
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None, NDArray[np.bool_]]:
    """Confidence (m,) as predictions state it, presence (m,) or None, and whether the joint lies in the cut crop (m,).

    Of the taught joints of which that is known, of everyone; without curves.
    """
    samples = CropSamples(people, images, meta.crop, CUTS)
    said: list[NDArray[np.float64]] = []
    for start in range(0, len(people), BATCH):
        rows = range(start, min(start + BATCH, len(people)))
        drawn = samples.draw(rows, [(CUT_SEED, row) for row in rows])
        crops_bgr = np.stack([sample.crop_rgb[..., ::-1] for sample in drawn])
        reader = meta.reader
        answer = reader.distributions(runner(normalise(crops_bgr, meta.mean, meta.std)))
        confidence = reader.decode(answer).confidence
        presence = answer[reader.outputs.index(PRESENCE)] if PRESENCE in reader.outputs else np.full_like(confidence, 1)
        in_crop = np.stack([sample.in_crop for sample in drawn])
        known = (in_crop >= 0) & meta.is_taught
        said.append(np.stack([part[known] for part in (confidence, presence, in_crop)]))
    confidence, presence, in_crop = np.concatenate(said, axis=1)
    return confidence, presence if PRESENCE in meta.reader.outputs else None, in_crop > 0


def _area(score: NDArray[np.float64], in_crop: NDArray[np.bool_]) -> float | None:
    area = auroc(score, in_crop)
    return None if np.isnan(area) else area


def _has_labels(answers: Answers) -> bool:
    labelled = (answers.people.visibility > UNLABELLED) & answers.prediction.person_score.taught
    return bool(labelled.any())
