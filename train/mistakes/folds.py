"""Networks that have not seen the people they judge: the set in folds, a fit for each, and its maps read at places.

`scene_folds` divides, `fit_on` fits, `networks_witness` asks each network about the fold that it has not seen. A fit
continues where it was stopped, and one that is done is not repeated.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.crops.pixels import crop_people, normalise
from dataengine.crops.spec import apply_affine, crop_matrix
from dataengine.errors import InputError
from dataengine.evaluation.analysis.image_clusters import units_of
from dataengine.inference.held_crops import HeldCrops
from dataengine.inference.running.predict import Runner, load_runner, predict_people
from dataengine.keypoints import UNLABELLED
from dataengine.nets.checkpoint import META_NAME, ModelMeta
from dataengine.people import Images, People
from dataengine.terminal.progress import track

from ..fit.data import ValidationSet
from ..fit.learnt_from.training_set import TrainingSet
from ..fit.loop import fit
from ..fit.start import crop_spec
from .hypotheses import Floats, Questions
from .map_values import map_values
from .params import SECTION, FindMistakesParams
from .witness import Witness

NAME = "networks"
MOST_VALIDATED = 200  # people of a fold that its curve is drawn by; they decide nothing
_CROPS = 256  # in memory at a time


def scene_folds(people: People, images: Images, folds: int, seed: int) -> NDArray[np.int64]:
    """Fold (n,) of each person: scenes (a group, a video, else a picture) whole, each to the fold with fewest people.

    Raises:
        InputError: there are fewer scenes than folds.
    """
    cluster = units_of(images, "group")[0].clusters[images.rows_of(people.image_id)]
    scenes, scene, size = np.unique(cluster, return_inverse=True, return_counts=True)
    if len(scenes) < folds:
        fix = "set find-mistakes.folds lower, or name the pictures' scenes"
        raise InputError("too few scenes to divide", expected=f"{folds} or more", got=str(len(scenes)), fix=fix)
    shuffled = np.random.default_rng(seed).permutation(len(scenes))
    largest_first = shuffled[np.argsort(-size[shuffled], kind="stable")]
    fold, load = np.zeros(len(scenes), dtype=np.int64), np.zeros(folds, dtype=np.int64)
    for index in largest_first:
        fold[index] = load.argmin()
        load[fold[index]] += size[index]
    return fold[scene]


def fit_on(
    params: FindMistakesParams, people: People, images: Images, validated: People, out: Path, report: Path
) -> None:
    """Fit on `people`; the checkpoint goes to `out`. Whoever calls names `out` by all that decides the fit."""
    if (out / META_NAME).is_file():
        return
    training = training_set(people, images, params.seed)
    spec = crop_spec(params)
    shown = validated.take(np.linspace(0, len(validated) - 1, min(MOST_VALIDATED, len(validated))).round().astype(int))
    validation = ValidationSet(shown, images, HeldCrops.of(shown, images, spec))
    fit(SECTION, params, training, validation, out=out, report=report, files=[])


def training_set(people: People, images: Images, seed: int) -> TrainingSet:
    """Everybody who has a labelled joint, drawn evenly, whatever their source."""
    learnt = people.take((people.visibility > UNLABELLED).any(axis=1))
    learnt = learnt.replace(source=np.full(len(learnt), "real", dtype=people.source.dtype))
    return TrainingSet.of_one_source(learnt, images, seed)


def networks_witness(
    params: FindMistakesParams, people: People, images: Images, asked: Questions, fold: NDArray[np.int64], folder: Path
) -> Witness:
    """What networks fitted on the other folds say of everybody."""
    points, confidence = np.zeros(asked.places[:, :, 0].shape), np.zeros(asked.labelled.shape)
    density = np.zeros(asked.places.shape[:3])
    for held_out in range(params.folds):
        judged = np.flatnonzero(fold == held_out)
        mine = people.take(judged)
        out = folder / f"fold{held_out}"
        fit_on(params, people.take(fold != held_out), images, mine, out / "model", out / "report")
        runner, meta = load_runner(out / "model")
        prediction = predict_people(runner, meta, mine, images, flip_test=True, description=f"fold {held_out}")
        points[judged], confidence[judged] = prediction.keypoints_px, prediction.confidence
        density[judged] = maps_at(runner, meta, mine, images, asked.places[judged])
    return Witness(NAME, points, confidence, density)


def maps_at(runner: Runner, meta: ModelMeta, people: People, images: Images, places: Floats) -> Floats:
    """Log of the answer's value (n, 17, q) at places (n, 17, q, 2), image pixels, averaged with the mirrored crop's."""
    matrices = crop_matrix(people.bbox_xywh_px, meta.crop)
    found = np.zeros(places.shape[:3])
    starts = range(0, len(people), _CROPS)
    for start in track(starts, "answers", unit="batch") if len(starts) > 4 else starts:
        rows = np.arange(start, min(start + _CROPS, len(people)))
        crops, _ = crop_people(people.take(rows), images, meta.crop, matrices[rows])
        inputs = normalise(crops, meta.mean, meta.std)
        reader = meta.reader
        plain = reader.distributions(runner(inputs))
        turned = reader.mirrored(reader.distributions(runner(np.ascontiguousarray(inputs[..., ::-1]))))
        answer = tuple((a + b) / 2 for a, b in zip(plain, turned, strict=True))
        in_crop = apply_affine(matrices[rows], places[rows].reshape(len(rows), -1, 2)).reshape(places[rows].shape)
        found[rows] = np.log(map_values(reader, answer, in_crop))
    return found
