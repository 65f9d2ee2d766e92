"""The order of moments: of three crops of a person, which lies between the other two in time.

Lee et al., "Unsupervised representation learning by sorting sequences" (ICCV 2017): the order of frames up to its
direction, since most motion can be played backwards. For three moments that is which one lies in the middle. As there,
features are compared in pairs, and triples with much motion are drawn more often (also Misra et al., "Shuffle and
learn", ECCV 2016, section 3.1).
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .blocks import PersonTrack, middles
from .params import PretrainParams

CHANCE = 1 / 3
TRIES = 4  # triples drawn for each that is kept, of which the one with the most motion is likeliest
WIDTH = 128


class OrderHead(nn.Module):
    """Says which of three crops lies in the middle; crops that change places change the answer's places and no more."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(features, WIDTH), nn.ReLU(inplace=True))
        self.judge = nn.Sequential(nn.Linear(2 * WIDTH, WIDTH), nn.ReLU(inplace=True), nn.Linear(WIDTH, 1))

    def forward(self, features: Tensor) -> Tensor:
        """Logits (b, 3) of features (3 b, f), three of a person after each other."""
        embedded = self.embed(features).unflatten(0, (-1, 3))
        sides = embedded[:, [1, 2, 0]], embedded[:, [2, 0, 1]]
        ends = (sides[0] - sides[1]).abs()
        near = (embedded - sides[0]).abs() + (embedded - sides[1]).abs()
        judged: Tensor = self.judge(torch.cat([ends, near], dim=2)).squeeze(2)
        return judged


def draw_triples(
    tracks: Sequence[PersonTrack],
    crops: NDArray[np.uint8],
    params: PretrainParams,
    count: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows (count, 3) of `crops`, in an order that is drawn, and which of the three (count,) lies in the middle."""
    sizes = np.array([len(track.rows) for track in tracks], dtype=np.float64)
    rows = np.empty((count, 3), dtype=np.int64)
    for number in range(count):
        track = tracks[rng.choice(len(tracks), p=sizes / sizes.sum())]
        tries = [_triple(track, params, rng) for _ in range(TRIES)]
        motion = np.array([_motion(crops, each) for each in tries]) + 1e-6
        rows[number] = tries[rng.choice(TRIES, p=motion / motion.sum())]
    order = rng.permuted(np.tile(np.arange(3), (count, 1)), axis=1)
    return np.take_along_axis(rows, order, axis=1), np.argmax(order == 1, axis=1)


def order_loss(logits: Tensor, middle: Tensor) -> Tensor:
    """Mean cross-entropy, nats, of logits (b, 3) against the places (b,) of the middle."""
    return nn.functional.cross_entropy(logits, middle)


def _triple(track: PersonTrack, params: PretrainParams, rng: np.random.Generator) -> tuple[int, int, int]:
    """Rows of three moments in order; each gap is drawn, and lies within the track."""
    low, high = params.order_gap_s
    middle = int(rng.choice(middles(track, low)))
    at = track.time_s[middle]
    most = min(high, at - track.time_s[0]), min(high, track.time_s[-1] - at)
    before, after = (rng.uniform(low, max(low, each)) for each in most)
    first = int(np.abs(track.time_s - (at - before)).argmin())
    last = int(np.abs(track.time_s - (at + after)).argmin())
    first, last = (
        min(first, middle - 1),
        max(last, middle + 1),
    )  # where frames are rare, the nearest is the middle's own
    return int(track.rows[first]), int(track.rows[middle]), int(track.rows[last])


def _motion(crops: NDArray[np.uint8], rows: tuple[int, int, int]) -> float:
    """Mean change of grey from the first to the last crop, by every fourth pixel."""
    first, last = (crops[row][::4, ::4].astype(np.int16) for row in (rows[0], rows[2]))
    return float(np.abs(first - last).mean())
