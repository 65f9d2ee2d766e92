"""The people whose crops INT8 ranges are taken from, and those crops as a network takes them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.coco_json import read_project_people
from dataengine.crops.pixels import normalise
from dataengine.inference.held_crops import HeldCrops
from dataengine.nets.checkpoint import ModelMeta

from .params import ExportParams


def calibration_people(path: Path, meta: ModelMeta, params: ExportParams) -> HeldCrops:
    """Real people of a COCO JSON, drawn without replacement; others only if none is real."""
    people, images = read_project_people(path)
    real = np.flatnonzero(people.source == "real")
    rows = real if len(real) else np.arange(len(people))
    drawn = np.random.default_rng(params.seed).permutation(rows)[: params.calibration_crops]
    return HeldCrops.of(people.take(np.sort(drawn)), images, meta.crop)


def network_inputs(held: HeldCrops, meta: ModelMeta) -> NDArray[np.float32]:
    """All of their crops (n, 3, H, W), normalised."""
    return normalise(held.take(np.arange(len(held.people))), meta.mean, meta.std)
