"""Multi-peak entropy: among how many places a network hesitates, however narrow or wide each of them is.

Entropy and spread grow with the width of a single peak, too: with blur, or a small person. Here a distribution is cut
at its valleys, and the entropy is that of the masses of the pieces: 0 with one peak, ln 2 with two of equal mass. Both
axes are looked at, since two places may share a row or a column; the more divided one counts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.crops.pixels import normalise
from dataengine.inference.running.crop_stream import CropStream
from dataengine.inference.running.predict import BATCH, load_runner
from dataengine.nets.heatmap import BACKGROUND_SHARE
from dataengine.people import Images, People
from dataengine.terminal.progress import track

Floats = NDArray[np.floating[Any]]


def student_peaks(student: Path, people: People, images: Images) -> NDArray[np.float64]:
    """Multi-peak entropy (n, 17) of the checkpoint's answer to people.

    A pass of its own, because distributions are too large to be kept with the joints.

    Raises:
        InputError: the checkpoint or an image is damaged.
    """
    runner, meta = load_runner(student)
    found = np.zeros(people.visibility.shape)
    stream = CropStream(people, images, meta.crop, batch=BATCH)
    with stream:
        for rows, crops in track(stream, "peaks", total=-(-len(people) // BATCH), unit="batch"):
            answer = runner(normalise(crops, meta.mean, meta.std))
            found[rows] = np.max([peak_entropy(axis) for axis in axes(meta.reader.distributions(answer))], axis=0)
    return found


def axes(distributions: tuple[Floats, ...]) -> list[Floats]:
    """Distributions (n, k, bins) over columns and over rows, of SimCC's pair or of heatmaps (n, k, h, w).

    What is background of a heatmap, as its decoder sees it, is cut off.
    """
    if len(distributions) > 1:
        return list(distributions[:2])  # a head may say more of each joint besides
    maps = np.where(np.isfinite(distributions[0]), distributions[0], 0.0)
    highest = maps.max(axis=(-2, -1), keepdims=True)
    mass = np.where((maps >= BACKGROUND_SHARE * highest) & (maps > 0), maps, 0.0)
    return [mass.sum(axis=-2), mass.sum(axis=-1)]


def peak_entropy(distribution: Floats) -> NDArray[np.float64]:
    """Entropy (...), in nats, of the masses between the valleys of distributions (..., bins), of whatever sum.

    A valley's lowest bin, on level ground the last, belongs to the piece behind it. Without any mass it is 0.
    """
    p = np.asarray(distribution, dtype=np.float64).reshape(-1, distribution.shape[-1])
    starts = np.zeros(p.shape, dtype=bool)
    rises = p[:, 1:] > p[:, :-1]
    starts[:, 1:-1] = ~rises[:, :-1] & rises[:, 1:]
    piece = np.cumsum(starts, axis=1) + np.arange(len(p))[:, None] * p.shape[1]
    mass = np.bincount(piece.ravel(), weights=p.ravel(), minlength=p.size).reshape(p.shape)
    share = mass / np.maximum(mass.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    entropy = -(share * np.log(np.where(share > 0, share, 1.0))).sum(axis=1)
    return np.abs(entropy).reshape(distribution.shape[:-1])
