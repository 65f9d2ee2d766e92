"""One source from its first picture to the files: read, detected, estimated and written in threads of their own."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataengine.files import write_json
from dataengine.terminal.progress import track
from dataengine.terminal.speech import count

from .detecting import Looking
from .estimating import Estimator, answered_boxes, answered_film, one_opencv_thread
from .lines import Ahead
from .shown import Answered, Shown
from .sinks import CocoSink, OverlayFilm, OverlayPictures, Sink, results_folder
from .sources import Source
from .step_times import StepTimes

SUMMARY = "summary.json"
AHEAD = 3  # pictures that wait before each step: a film's are large
FINISHING = b"\ninfer: stopping with what has been read; Ctrl-C again leaves nothing\n"


@dataclass(frozen=True, eq=False)
class Inference:
    """All that decides the answers about a source."""

    estimator: Estimator
    looking: Looking
    follows: bool
    """Whether boxes between detections come from the joints."""

    def answered(self, pictures: Iterable[Shown], source: Source, times: StepTimes) -> Iterator[Answered]:
        """The pictures, some with the detector's boxes, with their people."""
        if self.follows:
            frames = {"frames": 1} if source.is_live else {}
            return answered_film(pictures, self.estimator, self.looking, times, **frames)
        return answered_boxes(pictures, self.estimator, times, is_film=bool(source.video))


def infer_source(
    source: Source, inference: Inference, out: Path, facts: dict[str, Any], *, overlay: bool
) -> dict[str, Any]:
    """Write people.json, the overlay if it is wanted, and summary.json into `out`; the summary is returned.

    `facts` go into the files.

    Raises:
        InputError: nothing of the source can be read.
        EnvironmentFault: `out` cannot be written.
    """
    times, people, tracks, pictures = StepTimes(), 0, -1, 0
    info = dict(facts)
    with results_folder(out) as folder, ExitStack() as opened, one_opencv_thread(), _stopped_by_ctrl_c() as stop:
        sinks: list[Sink] = [CocoSink(folder, source.video, info)]
        if overlay:
            sinks.append(OverlayFilm(folder) if source.video else OverlayPictures(folder))
        for sink in sinks:
            opened.callback(sink.close)
        started = time.perf_counter()
        with Ahead(AHEAD) as ahead:
            read = ahead.step(lambda: times.each("decode", _until(stop, source)), "decode")
            looked = ahead.step(lambda: inference.looking.ahead(read, times), "detect")
            answered = ahead.step(lambda: inference.answered(looked, source, times), "estimate")
            ahead.start()
            for one in track(answered, source.name, total=source.total, unit="frame" if source.video else "picture"):
                with times.of("write"):
                    for sink in sinks:
                        sink.add(one)
                pictures, people = pictures + 1, people + len(one.people)
                tracks = max([tracks, *one.people.track_id.tolist()])
        info["stopped"] = stop.is_set()
        for sink in sinks:
            sink.finish()
        seconds = time.perf_counter() - started
        summary = {
            **facts,
            "pictures": pictures,
            "people": people,
            "tracks": tracks + 1,
            "refused": list(source.refused),
            "stopped": stop.is_set(),
            "seconds": round(seconds, 3),
            "pictures_per_s": round(pictures / seconds, 3),
            "step_ms": times.percentiles(),
        }
        write_json(folder / SUMMARY, summary)
    return summary


def summary_lines(summary: dict[str, Any], written: Sequence[Path]) -> Iterator[str]:
    """The summary in words."""
    refused = f", {len(summary['refused'])} not read" if summary["refused"] else ""
    tracks = f" on {count(summary['tracks'], 'track')}" if summary["tracks"] else ""
    people = count(summary["people"], "person", "people")
    yield (
        f"{summary['source']}: {count(summary['pictures'], 'picture')}{refused}, {people}{tracks}, "
        f"{summary['pictures_per_s']:.1f} pictures/s{', stopped' if summary['stopped'] else ''}"
    )
    steps = (f"{step} " + "/".join(f"{ms:.3g}" for ms in of.values()) for step, of in summary["step_ms"].items())
    yield "ms a picture, p50/p95/p99: " + ", ".join(steps)
    yield "written: " + ", ".join(map(str, written))


def _until(stop: threading.Event, pictures: Iterable[Shown]) -> Iterator[Shown]:
    """The pictures until somebody stops."""
    for shown in pictures:
        if stop.is_set():
            return
        yield shown


@contextmanager
def _stopped_by_ctrl_c() -> Iterator[threading.Event]:
    """The first Ctrl-C sets the event, so that nothing is written by halves; the second ends the work at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def handle(*_: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, FINISHING)

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
