"""The report of a fit: DVCLive curves and metrics, and a picture of the validation people with their predictions."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from dvclive import Live
from scmrepo.exceptions import SCMError

from dataengine.crops.spec import apply_affine
from dataengine.draw import contact_sheet, draw_people
from dataengine.errors import EnvironmentFault
from dataengine.evaluation.figures import Figures, figures_of
from dataengine.evaluation.jittered_boxes import BoxJitter, in_jittered_boxes
from dataengine.files import atomic_path
from dataengine.geometry.pixel_grid import resized
from dataengine.inference.running.predict import Prediction, Runner, predict_people
from dataengine.keypoints import VISIBLE
from dataengine.nets.checkpoint import ModelMeta
from dataengine.people import JOINTS, People
from dataengine.pictures.encoding import encode_picture

from .data import ValidationSet

PICTURE_NAME = "val_predictions.jpg"
PICTURE_PEOPLE, PICTURE_COLUMNS, TILE_PX = 24, 6, 256
TRUTH_COLOR = (255, 255, 255)


def validation_figures(validation: ValidationSet, prediction: Prediction) -> dict[str, float]:
    """OKS AP and PCK@0.2 of a prediction on the validation people."""
    figures = _figures(validation, validation.people, prediction)
    return {"val_oks_ap": figures.ap, "val_oks_ap50": figures.ap50, "val_pck_02": figures.pck_02}


def jittered_figures(
    validation: ValidationSet, runner: Runner, meta: ModelMeta, jitter: BoxJitter, *, batch: int
) -> dict[str, float]:
    """OKS AP on the validation people where they are looked for in jittered boxes."""
    people, images = in_jittered_boxes(validation.people, jitter), validation.images
    prediction = predict_people(runner, meta, people, images, batch=batch, description="jittered boxes")
    return {"val_oks_ap_jittered": _figures(validation, people, prediction).ap}


def _figures(validation: ValidationSet, boxes: People, prediction: Prediction) -> Figures:
    """Figures of what is found in the boxes of `boxes`, row by row."""
    return figures_of(validation.people, validation.images, prediction.as_people(boxes), validation.protocol)


def write_curves(folder: Path, history: Sequence[Mapping[str, float]], final: Mapping[str, float | str]) -> None:
    """The history as DVCLive plots, and the final figures as its metrics.json.

    Written each time from the history in the resume state, so a run that was killed and resumed shows one unbroken
    curve.

    Raises:
        EnvironmentFault: git has no commit yet, which DVCLive asks for even where it is to save no experiment.
    """
    try:
        live = Live(dir=str(folder), save_dvc_exp=False, dvcyaml=None)
    except SCMError as fault:
        fix = "git commit --allow-empty -m start; the fit goes on where it is"
        raise EnvironmentFault("DVCLive cannot read the git repository", got=str(fault), fix=fix) from fault
    with live:
        for figures in history:
            for name, value in figures.items():
                live.log_metric(name, value)
            live.next_step()
        for name, last in final.items():
            live.log_metric(name, last, plot=False)


def write_picture(path: Path, validation: ValidationSet, prediction: Prediction) -> None:
    """A JPEG of validation crops, evenly spaced over the set: predictions in colours, labels in white."""
    count = min(PICTURE_PEOPLE, len(validation.people))
    rows = np.linspace(0, len(validation.people) - 1, count).round().astype(int)
    crops = validation.crops.take(rows)
    tiles = [_tile(crop, validation, prediction, int(row)) for crop, row in zip(crops, rows, strict=True)]
    scores = prediction.scores(validation.people.bbox_xywh_px)
    captions = [f"score {scores[row]:.2f}" for row in rows]
    sheet = contact_sheet(tiles, columns=PICTURE_COLUMNS, tile=(TILE_PX, TILE_PX), captions=captions)
    with atomic_path(path) as partial:
        partial.write_bytes(encode_picture(sheet, path.suffix))


def _tile(crop_bgr: np.ndarray, validation: ValidationSet, prediction: Prediction, row: int) -> np.ndarray:
    scale = TILE_PX / crop_bgr.shape[1]
    crop = np.asarray(cv2.resize(crop_bgr, None, fx=scale, fy=scale), dtype=np.uint8)
    person = validation.people.take([row])
    guess = person.replace(
        keypoints_px=prediction.keypoints_px[[row]], visibility=np.full((1, JOINTS), VISIBLE, np.uint8)
    )
    truth = draw_people(crop, _in_crop(person, validation.crops.matrices[row], scale), TRUTH_COLOR)
    return draw_people(truth, _in_crop(guess, validation.crops.matrices[row], scale))


def _in_crop(person: People, matrix: np.ndarray, scale: float) -> People:
    points = resized(apply_affine(matrix, person.keypoints_px.astype(np.float64)), scale)
    return person.replace(keypoints_px=points.astype(np.float32))
