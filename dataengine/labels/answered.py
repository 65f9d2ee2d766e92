"""Which frames people have answered already: those are neither asked about again nor labelled by teachers.

A frame is answered if it is

1. the same file as a labelled picture: SHA-256 of its bytes; or
2. a frame of the same film, fewer than some frames from a labelled one, that also looks like it. So a frame that was
   decoded again at another size is known, and so is its neighbour that shows the same moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.labels.kept_pictures import refuse_changed
from dataengine.labels.label_file import LabelFile
from dataengine.leakage.film_names import film_key
from dataengine.leakage.perceptual_hash import correlations, hamming, perceptual_hashes
from dataengine.leakage.picture_facts import inspect_pictures
from dataengine.people import Images

ALIKE_BITS, ALIKE_CORRELATION = 10, 0.75
"""Near duplicates by the values of `ingest.checks`: perceptual hashes differ in at most 10 of 64 bits, and thumbnails
correlate by at least 0.75."""


@dataclass(frozen=True, eq=False)
class AnsweredFrames:
    """Pictures that people have answered, those confirmed to show nobody included."""

    images: Images
    sha256: NDArray[np.str_]  # (m,) of the pictures

    @classmethod
    def of(cls, parts: Iterable[tuple[Images, Sequence[str]]]) -> AnsweredFrames:
        """All pictures of one or more tables, with their hashes."""
        tables, hashes = [], list[str]()
        for images, sha256 in parts:
            tables.append(images.replace(id=len(hashes) + np.arange(len(images))))
            hashes += sha256
        nothing = Images.build(id=np.empty(0), path=[], width=[], height=[])
        return cls(Images.concat(tables) if tables else nothing, np.array(hashes, dtype="<U64"))

    @classmethod
    def of_files(cls, files: Iterable[LabelFile]) -> AnsweredFrames:
        """All that label files answer, superseded ones included: who labelled again answered again."""
        return cls.of((file.images, file.sha256.tolist()) for file in files)

    def among(self, images: Images, sha256: NDArray[np.str_], *, gap_frames: int = 1) -> NDArray[np.bool_]:
        """Which of `images` (m,), whose files have these hashes, are answered.

        `gap_frames` is the least distance at which a frame of the same film is another moment; 1: only that very frame.

        Raises:
            InputError: a picture that has to be compared is missing or changed.
        """
        answered = np.isin(sha256, self.sha256)
        rows, others = self._near(images, np.flatnonzero(~answered), gap_frames)
        answered[rows[self._alike(images, rows, others)]] = True
        return answered

    def _near(
        self, images: Images, rows: NDArray[np.int64], gap_frames: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pairs: of `rows` a frame, and the row of a labelled frame of the same film that is nearer than the gap."""
        pairs = [np.empty((2, 0), dtype=np.int64)]
        film, labelled_film = _films(images), _films(self.images)
        for video in set(film[rows].tolist()) - {""}:
            mine = rows[(film[rows] == video) & (images.frame[rows] >= 0)]
            theirs = np.flatnonzero((labelled_film == video) & (self.images.frame >= 0))
            near = np.abs(images.frame[mine][:, None] - self.images.frame[theirs]) < gap_frames
            first, second = np.nonzero(near)
            pairs.append(np.stack([mine[first], theirs[second]]))
        both = np.concatenate(pairs, axis=1)
        return both[0], both[1]

    def _alike(self, images: Images, rows: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each of `images[rows]` looks like the labelled picture in the same place of `others`."""
        if not len(rows):
            return np.empty(0, dtype=bool)
        kept = np.unique(others)
        refuse_changed(zip(self.images.path[kept].tolist(), self.sha256[kept].tolist(), strict=True), "the label store")
        first, seen = _thumbnails(self.images, others)
        second, looked_at = _thumbnails(images, rows)
        thumbnails = np.concatenate([first, second])
        hashes = perceptual_hashes(thumbnails)
        a, b = seen, len(first) + looked_at
        alike = hamming(hashes[a], hashes[b]) <= ALIKE_BITS
        return np.asarray(alike & (correlations(thumbnails, a, b) >= ALIKE_CORRELATION), dtype=bool)


def _films(images: Images) -> NDArray[np.str_]:
    """(m,) what names the film of each picture, also where its file was called otherwise in another round."""
    return np.array([film_key(video) for video in images.video.tolist()], dtype=str)


def _thumbnails(images: Images, rows: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Thumbnails (k, 32, 32) of the pictures in `rows`, each read once, and the number of each row's thumbnail."""
    wanted, number = np.unique(rows, return_inverse=True)
    found = []
    for path, facts in zip(images.path[wanted].tolist(), inspect_pictures(images.path[wanted].tolist()), strict=True):
        if isinstance(facts, str):
            raise InputError(f"image {Path(path)}: {facts}", fix="rerun the stage that wrote it")
        found.append(facts.thumbnail)
    return np.array(found, dtype=np.uint8), number.astype(np.int64)
