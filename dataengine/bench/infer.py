"""What running a model on a film costs compared with its network alone, and how long each step takes.

The film is that of `dataengine fetch`, 230 frames of 1768x994 px in which up to two people are found. ``infer.share_*``
set frames a second from the file to people.json against the network on crops that lie ready, as many as people were
found: in ``share_of_network`` by the defaults of `dataengine infer` with no overlay, and the starter (a network of the
default student's size); in ``share_of_network_every_frame`` with the detector asked about each frame, in
``share_of_network_overlay`` with the overlay film, in ``share_of_network_hrnet_w32`` by a network of a size that people
deploy, with random weights, as time does not depend on them.

Without a GPU the network shares its cores with the decoder, so a small network can have no large share:
``infer.share_of_decoding_and_network`` sets the same frames a second as ``share_of_network`` against decoding the film,
then running the network, each with all cores for itself. ``infer.possible_share`` is how large ``share_of_network``
can be where nothing but decoding and the network takes time and no core ever waits: frames a second of CPU time, both
together against the network. It hardly depends on what else the machine does.

``infer.STEP_p50_ms`` and so on are milliseconds of a picture in each step, all steps at once; of ``detect`` per picture
that the detector was asked about.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dataengine.bench.record import Figure, Missing
from dataengine.infer.infer import DETECT_EVERY
from dataengine.infer.infer import run as infer
from dataengine.inference.running.predict import BATCH, load_runner, predict_crops
from dataengine.nets.checkpoint import ModelMeta, save_checkpoint
from dataengine.starter import FOLDER
from dataengine.video.decoding import decoded_frames

FETCHED, FILM = Path("data/fetch"), Path("data/fetch/sports2d/demo.mp4")
HRNET = ModelMeta("hrnet-w32", input_width_px=192, input_height_px=256, head="heatmap")
RUNS = 3
WAYS: dict[str, dict[str, Any]] = {
    "share_of_network": {},
    "share_of_network_every_frame": {"detect_every": 1},
    "share_of_network_overlay": {"overlay": True},
}


def run(film: Path = FILM, runs: int = RUNS, large: ModelMeta = HRNET) -> Iterator[Figure | Missing]:
    """The figures; without the fetched data a line that says what is missing."""
    if not film.is_file():
        yield Missing("infer", f"{film}: run `dataengine fetch`")
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, options in WAYS.items():
            summary, network = _against_network(FOLDER, film, folder, runs, **options)
            rate = summary["pictures_per_s"]
            yield Figure(f"infer.{name}", rate, "frames/s", network)
            if not options:
                both = 1 / (1 / network + decoding_seconds(film) / summary["pictures"])
                yield Figure("infer.share_of_decoding_and_network", rate, "frames/s", both)
                yield _possible_share(film, summary["people"])
                for step, of_step in summary["step_ms"].items():
                    for share, ms in of_step.items():
                        yield Figure(f"infer.{step.replace(' ', '_')}_{share}_ms", ms, "ms")
        torch.manual_seed(0)
        save_checkpoint(folder / "large", large.build(), large)
        summary, network = _against_network(folder / "large", film, folder, 1)
        yield Figure("infer.share_of_network_hrnet_w32", summary["pictures_per_s"], "frames/s", network)


def network_seconds(checkpoint: Path, people: int, clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds by the `clock` for that many crops that lie ready, once."""
    runner, meta = load_runner(checkpoint)
    crops = np.zeros((people, meta.input_height_px, meta.input_width_px, 3), dtype=np.uint8)
    matrices = np.tile(np.eye(2, 3), (people, 1, 1))
    predict_crops(runner, meta, crops[:BATCH], matrices[:BATCH])
    started = clock()
    predict_crops(runner, meta, crops, matrices)
    return clock() - started


def decoding_seconds(film: Path) -> float:
    """Seconds to decode the film, and nothing else."""
    started = time.perf_counter()
    for _ in decoded_frames(film, tell=lambda line: None):
        pass
    return time.perf_counter() - started


def _possible_share(film: Path, people: int) -> Figure:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several wait for each other, which counts as CPU time
    try:
        network = network_seconds(FOLDER, max(people, 1), clock=time.process_time)
    finally:
        torch.set_num_threads(threads)
    started, frames = time.process_time(), sum(1 for _ in decoded_frames(film, tell=lambda line: None))
    both = network + time.process_time() - started
    return Figure("infer.possible_share", frames / both, "frames/CPU s", frames / network)


def _against_network(
    model: Path, film: Path, folder: Path, runs: int, *, detect_every: int = DETECT_EVERY, overlay: bool = False
) -> tuple[dict[str, Any], float]:
    """The summary of the run with the median share, and the network's frames a second just after it."""
    pairs = []
    for _ in range(runs):
        with redirect_stdout(StringIO()):  # its summary, where figures are printed
            summary = infer(
                model, str(film), folder / "out", fetched=FETCHED, detect_every=detect_every, overlay=overlay
            )
        pairs.append((summary, summary["pictures"] / network_seconds(model, max(summary["people"], 1))))
    shares = [summary["pictures_per_s"] / network for summary, network in pairs]
    return pairs[shares.index(statistics.median_low(shares))]
