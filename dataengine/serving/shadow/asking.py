"""The candidate in a thread of its own, behind a queue that is never waited for.

`Shadow.offer` takes note of a request and returns; the champion's answer has been made by then. The thread has the
lowest priority, and ONNX Runtime one thread in it, so the candidate takes what the champion leaves. What does not
fit the queue is dropped, and whatever goes wrong here is counted, never raised.

Outcomes of people: dropped (no room), not drawn (`shadow.share`), failed, unsure (no joint counts), agreed, and, where
the two differ, those of `keeping.py` and "no head" (faces are to be blurred, and no joint says where).
"""

import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.boxes import clip_boxes
from dataengine.crops.spec import crop_matrix, extract_crop
from dataengine.inference.running.prediction import Prediction
from dataengine.terminal.speech import say

from ..asked.crops import AskedCrops
from ..asked.metrics import ServingMetrics
from ..asked.served_model import ServedModel
from .answers import answer_of, one_of
from .differing import Compared, compare_answers
from .faces import head_circles
from .figures import AgreementBook, ShadowAgreement
from .folder import Disagreement
from .keeping import Keeper
from .params import ShadowParams

NOT_DRAWN, DROPPED, FAILED, UNSURE, AGREED, NO_HEAD = "not drawn", "dropped", "failed", "unsure", "agreed", "no head"
LOWEST_PRIORITY = 19
FIGURES_EVERY_S = 10.0


@dataclass(frozen=True, eq=False)
class _Offered:
    """People of a picture whom the champion has answered."""

    request_id: str
    picture_bgr: NDArray[np.uint8]
    boxes_xywh_px: NDArray[np.float64]
    champion: Prediction


class Shadow:
    """A candidate next to a champion."""

    def __init__(
        self, champion: ServedModel, candidate: ServedModel, folder: Path, params: ShadowParams, metrics: ServingMetrics
    ) -> None:
        self._champion, self._candidate, self._params, self._metrics = champion, candidate, params, metrics
        self._keeper = Keeper(folder, params)
        self._book = AgreementBook(folder, champion.id, candidate.id, params.differ_below)
        self._waiting: deque[_Offered] = deque()
        self._bytes, self._owed, self._stopping = 0, 0.0, False
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="shadow", daemon=True)
        self._thread.start()

    @property
    def figures(self) -> ShadowAgreement:
        """What was counted up to now."""
        with self._change:
            return self._book.figures

    def offer(self, request_id: str, asked: AskedCrops, champion: Prediction) -> None:
        """Take note of what the champion answered; never waits, never raises."""
        self._owed += self._params.share
        if self._owed < 1:
            self._count(NOT_DRAWN, len(asked))
            return
        self._owed -= 1
        for offered in self._offered(request_id, asked, champion):
            size = offered.picture_bgr.nbytes
            with self._change:
                fits = not self._stopping and self._bytes + size <= self._params.queue_mb * 1e6
                if fits:
                    self._waiting.append(offered)
                    self._bytes += size
                    self._change.notify()
            if not fits:
                self._count(DROPPED, len(offered.boxes_xywh_px))

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Wait until nobody waits for the candidate; whether that came true in time."""
        with self._change:
            return self._change.wait_for(lambda: not self._bytes, timeout_s)

    def close(self) -> None:
        """End the thread, count those still waiting as dropped, and write the figures."""
        with self._change:
            self._stopping = True
            left = list(self._waiting)
            self._waiting.clear()
            self._change.notify_all()
        self._thread.join()
        for offered in left:
            self._count(DROPPED, len(offered.boxes_xywh_px))
        try:
            self._write_figures()
        finally:
            self._keeper.close()

    def _write_figures(self) -> None:
        with self._change:
            record = self._book.record()
        self._book.write(record)  # outside the lock, which the champion's side takes, too

    def _offered(self, request_id: str, asked: AskedCrops, champion: Prediction) -> Iterator[_Offered]:
        if asked.picture_bgr is not None:
            yield _Offered(request_id, asked.picture_bgr, asked.boxes_xywh_px, champion)
            return
        spec = self._champion.open.meta.crop
        size = np.array([spec.width_px, spec.height_px])
        inner = size / spec.padding  # the box that this crop was cut around
        for row, crop in enumerate(asked.crops_bgr):
            box = np.concatenate([(size - inner) / 2, inner])[None]
            yield _Offered(request_id, crop, box, one_of(champion, row))

    def _count(self, outcome: str, people: int = 1) -> None:
        self._metrics.shadow.labels(outcome).inc(people)
        with self._change:
            self._book.count(outcome, people)

    def _work(self) -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWEST_PRIORITY)
        written, failed = time.monotonic(), False
        while True:
            with self._change:
                self._change.wait_for(lambda: self._waiting or self._stopping)
                if self._stopping:
                    return
                offered = self._waiting.popleft()
            try:
                self._answer(offered)
                if time.monotonic() - written >= FIGURES_EVERY_S:
                    self._write_figures()
                    written = time.monotonic()
            except Exception as error:  # nothing that goes wrong here may reach the champion
                if not failed:
                    say(f"shadow: {type(error).__name__}: {error}; later faults are only counted")
                failed = True
                self._count(FAILED, len(offered.boxes_xywh_px))
            finally:
                with self._change:
                    self._bytes -= offered.picture_bgr.nbytes
                    self._change.notify_all()

    def _answer(self, offered: _Offered) -> None:
        spec = self._candidate.open.meta.crop
        matrices = crop_matrix(offered.boxes_xywh_px, spec)
        crops = np.stack([extract_crop(offered.picture_bgr, matrix, spec) for matrix in matrices])
        candidate = self._candidate.predict(crops, matrices)
        params = self._params
        compared = compare_answers(offered.champion, candidate, offered.boxes_xywh_px, params.least_confidence)
        for row in range(len(crops)):
            if not compared.known[row]:
                self._count(UNSURE)
                continue
            agrees = bool(compared.oks[row] >= params.differ_below)
            by_joint = {name: value >= params.differ_below for name, value in compared.by_joint(row).items()}
            with self._change:
                self._book.compared(agrees, by_joint)
            self._count(AGREED if agrees else self._kept(row, offered, candidate, compared))

    def _kept(self, row: int, offered: _Offered, candidate: Prediction, compared: Compared) -> str:
        """Keep a person on whom the two differ; the outcome."""
        box, margin = offered.boxes_xywh_px[row], self._params.margin
        wide = np.concatenate([box[:2] - margin * box[2:], box[2:] * (1 + 2 * margin)])
        inside = clip_boxes(wide, offered.picture_bgr.shape[1::-1], least_px=1)
        left, top = np.floor(inside[:2]).astype(int)
        right, bottom = np.ceil(inside[:2] + inside[2:]).astype(int)
        part, shift = offered.picture_bgr[top:bottom, left:right], np.array([left, top])
        circles = np.empty((0, 3))
        if self._params.blur_faces:
            answers = (offered.champion, candidate)
            found = [head_circles(a.keypoints_px, a.person_score.taught, offered.boxes_xywh_px) for a in answers]
            circles = np.concatenate(found) - [left, top, 0]
            if not len(circles):
                return NO_HEAD

        def record(picture: str, sha256: str, perceptual_hash: str, now: str) -> Disagreement:
            x, y, width, height = [float(value) for value in (*(box[:2] - shift), *box[2:])]
            return Disagreement(
                picture=picture,
                picture_sha256=sha256,
                box_xywh_px=(x, y, width, height),
                champion=answer_of(self._champion, offered.champion, row, shift, box),
                candidate=answer_of(self._candidate, candidate, row, shift, box),
                oks=float(compared.oks[row]),
                joint_oks=compared.by_joint(row),
                reason=compared.reason(row, self._params.differ_below),
                time=now,
                request_id=offered.request_id,
                perceptual_hash=perceptual_hash,
                blurred=bool(len(circles)),
            )

        return self._keeper.keep(part, circles, record)
