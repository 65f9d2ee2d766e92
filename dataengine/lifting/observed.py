"""Tracks as a 2D estimator sees them, and its errors where the truth is known.

Errors are not modelled but replayed: whole stretches of a measured track's errors, with the confidence that came with
them, are laid over other people. So they keep how joints err together and for how long, and what confidence says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.keypoints import FLIP_INDEX
from dataengine.people import JOINTS

from .body import mirrored_joints
from .rays import normalised

LARGEST_ERROR = 3.0  # of a person's spread; further away all errors are alike


@dataclass(frozen=True, eq=False)
class RayTrack:
    """One person along f frames, as an estimator sees it."""

    time_s: NDArray[np.float64]
    """(f,) growing"""
    rays: NDArray[np.float64]
    """(f, 17, 2); NaN where it has no answer."""
    confidence: NDArray[np.float64]
    """(f, 17) 0..1"""

    def __post_init__(self) -> None:
        frames = len(self.time_s)
        if not frames or self.rays.shape != (frames, JOINTS, 2) or self.confidence.shape != (frames, JOINTS):
            got = f"{self.time_s.shape}, {self.rays.shape}, {self.confidence.shape}"
            raise InputError(
                "a track is malformed", expected="times (f,), rays (f, 17, 2), confidence (f, 17)", got=got
            )
        if not np.isfinite(self.time_s).all() or (np.diff(self.time_s) <= 0).any():
            raise InputError("the times of a track are malformed", expected="finite ones that grow")

    def __len__(self) -> int:
        return len(self.time_s)


@dataclass(frozen=True, eq=False)
class MeasuredErrors:
    """Errors of an estimator along t tracks, one after the other."""

    errors: NDArray[np.float32]
    """(frames of all, 17, 2) answer minus truth, in spreads of the true joints."""
    confidence: NDArray[np.float32]
    """(frames of all, 17); 0 where the truth is not known."""
    first: NDArray[np.int64]
    """(t + 1,) rows at which tracks begin, and the end."""

    @classmethod
    def of(cls, tracks: Sequence[RayTrack], truth: Sequence[NDArray[np.float64]]) -> Self:
        """Those of tracks whose true rays (f, 17, 2) are known; NaN where a joint's is not.

        Raises:
            InputError: there are no tracks.
        """
        if not tracks:
            raise InputError("no tracks to measure errors on", expected="films whose people are labelled")
        errors, confidence = [], []
        for track, true in zip(tracks, truth, strict=True):
            labelled = np.asarray(np.isfinite(true).all(axis=-1))
            known = np.asarray(labelled & np.isfinite(track.rays).all(axis=-1))
            spread = normalised(true[None], labelled[None].astype(np.float64)).spread[0]
            off = np.where(known[..., None], (track.rays - true) / spread[:, None, None], 0.0)
            errors.append(np.clip(np.nan_to_num(off), -LARGEST_ERROR, LARGEST_ERROR))
            confidence.append(np.where(known, np.nan_to_num(track.confidence), 0.0))
        first = np.concatenate([[0], np.cumsum([len(track) for track in tracks])]).astype(np.int64)
        return cls(np.concatenate(errors).astype(np.float32), np.concatenate(confidence).astype(np.float32), first)

    @classmethod
    def none(cls) -> Self:
        """An estimator without errors that is always sure."""
        return cls(np.zeros((1, JOINTS, 2), np.float32), np.ones((1, JOINTS), np.float32), np.array([0, 1]))

    def drawn(
        self, windows: int, frames: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Errors (n, f, 17, 2) and confidence (n, f, 17) of stretches drawn by length, half of them mirrored.

        A stretch that reaches the end of its track goes back along it.
        """
        lengths = np.diff(self.first)
        track = rng.choice(len(lengths), size=windows, p=lengths / lengths.sum())
        start = (rng.random(windows) * 2 * lengths[track]).astype(np.int64)
        period = np.maximum(2 * lengths[track] - 2, 1)[:, None]
        place = (start[:, None] + np.arange(frames)) % period
        rows = self.first[track][:, None] + np.minimum(place, period - place)
        errors, confidence = self.errors[rows], self.confidence[rows]
        mirror = rng.random(windows) < 0.5
        errors[mirror] = mirrored_joints(errors[mirror])
        confidence[mirror] = confidence[mirror][..., FLIP_INDEX]
        return errors, confidence
