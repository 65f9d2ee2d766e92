"""Which of the people on whom the two models differ are kept: not too many, not too often, nobody twice."""

import fcntl
import hashlib
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dataengine.errors import InputError
from dataengine.pictures.encoding import encode_picture

from .faces import blur_circles
from .folder import DISAGREEMENTS, PICTURES, Disagreement, append_disagreement, drop_torn_line, read_disagreements
from .params import ShadowParams

KEPT, DUPLICATE, TOO_OFTEN, FOLDER_FULL = "kept", "duplicate", "too often", "folder full"
QUALITY = 95  # of JPEG
SECONDS_OF_BURST = 60.0


class Keeper:
    """The folder of one shadow; a second one on the same folder is refused while this one is open."""

    def __init__(self, folder: Path, params: ShadowParams, clock: Callable[[], float] = time.monotonic) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._params, self._clock = folder, params, clock
        self._lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            raise InputError(f"{folder} belongs to a shadow that runs", fix="take another --shadow-out") from error
        try:
            drop_torn_line(folder)
            known = read_disagreements(folder) if (folder / DISAGREEMENTS).is_file() else []
        except BaseException:
            self.close()
            raise
        self._hashes = [int(record.perceptual_hash, 16) for record in known]
        pictures = folder / PICTURES
        self._bytes = sum(path.stat().st_size for path in pictures.iterdir()) if pictures.is_dir() else 0
        self._allowed, self._at = params.most_per_minute, clock()

    def close(self) -> None:
        """Leave the folder to others."""
        os.close(self._lock)

    def keep(
        self,
        part_bgr: NDArray[np.uint8],
        circles: NDArray[np.float64],
        record: Callable[[str, str, str, str], Disagreement],
    ) -> str:
        """Keep the part (h, w, 3) of a picture; the outcome is `KEPT`, or why not.

        `circles` (m, 3) are blurred; `record` makes the line of a picture's name, SHA-256, hash and the time.
        """
        seen = imagehash.phash(Image.fromarray(np.ascontiguousarray(part_bgr[..., ::-1])))
        number = int(str(seen), 16)
        if any((number ^ other).bit_count() < self._params.duplicate_bits for other in self._hashes):
            return DUPLICATE
        if not self._is_allowed():
            return TOO_OFTEN
        shown = blur_circles(part_bgr, circles) if len(circles) else part_bgr
        content = encode_picture(shown, ".jpg", quality=QUALITY)
        if self._bytes + len(content) > self._params.most_mb * 1e6:
            return FOLDER_FULL
        sha256 = hashlib.sha256(content).hexdigest()
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = record(f"{PICTURES}/{sha256}.jpg", sha256, str(seen), now)
        append_disagreement(self._folder, line, content)
        self._allowed -= 1
        self._bytes += len(content)
        self._hashes.append(number)
        return KEPT

    def _is_allowed(self) -> bool:
        """A bucket that holds a minute's worth and fills evenly."""
        now, most = self._clock(), self._params.most_per_minute
        self._allowed = min(most, self._allowed + (now - self._at) * most / SECONDS_OF_BURST)
        self._at = now
        return self._allowed >= 1
