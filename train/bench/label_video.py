"""What labelling a film costs: its time against the network's alone, its memory, and today's way by pictures.

The film is the pool film of `dataengine fetch`, two people in 230 frames of 1768x994 px; BlazePose's detector is asked
about every fourth frame, the network, the default student with random weights, about everybody in each.

``video.share_of_network``: frames a second from the file to accepted labels, against the network on crops that lie
ready, as many as the film has people, each looked at once; labelling a film looks at each twice, plain and mirrored, so
that half is the most it can be. ``video.share_of_two_looks``: the same against the network looking twice, too.
``video.vs_plain``: against decoding all frames to JPEG files and labelling those
as the stage `pseudo-label` does, with the same network. ``video.memory_mb``: by how much the peak memory of a process
grows from a film of 920 frames, when the decoder has filled its buffers, to one of 4,600; its peer is the memory that
the frames in between take, decoded.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import torch

from dataengine.bench.infer import network_seconds
from dataengine.bench.record import Figure, Missing
from dataengine.films.detectors import BlazePoseDetector
from dataengine.hardware.memory import peak_bytes
from dataengine.inference.network_files import MODELS
from dataengine.inference.running.predict import load_runner
from dataengine.nets.checkpoint import ModelMeta, save_checkpoint
from dataengine.params import load_section
from dataengine.people import Images
from dataengine.pictures.encoding import write_picture
from dataengine.terminal.speech import answer
from dataengine.video.decoding import iter_frames

from ..film.label_film import LABELS, Labeller, label_film
from ..film.teachers import NetworkTeacher
from ..pseudo.params import PseudoLabelParams
from ..pseudo.teachers import ask_models

FETCHED, FILM, PARAMS = Path("data/fetch"), Path("data/fetch/sports2d/demo.mp4"), Path("params.yaml")
STUDENT = ModelMeta("residual")
TIMES, DETECT_EVERY = (4, 20), 4
_MB = 1e6


def run(film: Path = FILM, times: tuple[int, int] = TIMES) -> Iterator[Figure | Missing]:
    """The four figures; without the fetched data one line each that says what is missing."""
    if not film.is_file():
        names = ("video.share_of_network", "video.share_of_two_looks", "video.vs_plain", "video.memory_mb")
        yield from (Missing(name, f"{film}: run `dataengine fetch`") for name in names)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        torch.manual_seed(0)
        save_checkpoint(folder / "net", STUDENT.build(), STUDENT)
        seconds, metrics = stream_seconds(film, folder)
        frames, people = metrics["frames"], max(metrics["people_found"], 1)
        for name, looks in (("share_of_network", 1), ("share_of_two_looks", 2)):
            network = frames / network_seconds(folder / "net", looks * people)
            yield Figure(f"video.{name}", frames / seconds, "frames/s", network)
        yield Figure("video.vs_plain", frames / seconds, "frames/s", frames / plain_seconds(film, folder))
        short, long = (peak_mb(repeated(film, folder / f"{n}.mp4", n), folder) for n in times)
        more_frames = (times[1] - times[0]) * frames
        yield Figure("video.memory_mb", long - short, "MB", more_frames * _frame_bytes(film) / _MB)


def stream_seconds(film: Path, folder: Path) -> tuple[float, dict[str, Any]]:
    """Seconds from the file to labels.json, and its metrics; models are loaded before."""
    labeller = _labeller(folder)
    started = time.perf_counter()
    metrics = label_film(film, folder / "stream", labeller)
    return time.perf_counter() - started, metrics


def plain_seconds(film: Path, folder: Path) -> float:
    """Seconds by way of pictures: every frame to a file, then people and opinions as the stage asks for them."""
    started = time.perf_counter()
    rows = []
    for frame in iter_frames(film):
        path = folder / f"{frame.index:06d}.jpg"
        write_picture(path, frame.image_bgr)
        rows.append((frame.index, str(path), frame.image_bgr.shape[1], frame.image_bgr.shape[0], frame.pts_s))
    index, paths, width, height, time_s = zip(*rows, strict=True)
    images = Images.build(id=index, path=paths, width=width, height=height, video=film.stem, frame=index, time_s=time_s)
    params = load_section(PARAMS, "pseudo-label", PseudoLabelParams)
    ask_models(images, FETCHED / MODELS, [str(folder / "net")], max_gap=params.max_gap)
    return time.perf_counter() - started


def repeated(film: Path, path: Path, times: int) -> Path:
    """The film's packets over and over, without decoding them."""
    with av.open(str(path), "w") as out:
        stream, shift = None, 0
        for _ in range(times):
            with av.open(str(film)) as source:
                video = source.streams.video[0]
                stream = stream or out.add_stream_from_template(video)
                length = 0
                for packet in source.demux(video):
                    if packet.dts is None or packet.pts is None:
                        continue
                    length = max(length, packet.pts + (packet.duration or 1))
                    packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, stream
                    out.mux(packet)
                shift += length
    return path


def peak_mb(film: Path, folder: Path) -> float:
    """Peak memory of a separate process that labels the film, in MB."""
    command = [sys.executable, "-m", "dataengine.train.bench.label_video", str(film), str(folder)]
    return float(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout))


def _labeller(folder: Path) -> Labeller:
    params = load_section(PARAMS, "pseudo-label", PseudoLabelParams)
    teacher = NetworkTeacher("net", *load_runner(folder / "net"))
    detector = BlazePoseDetector(FETCHED / MODELS, DETECT_EVERY, threads=1)
    return Labeller((teacher,), detector, None, params, every=1, decides="bench")


def _frame_bytes(film: Path) -> int:
    return next(iter_frames(film, stop=1)).image_bgr.nbytes


if __name__ == "__main__":
    film, folder = Path(sys.argv[1]), Path(sys.argv[2])
    label_film(film, folder / f"peak-{film.stem}", _labeller(folder))
    assert (folder / f"peak-{film.stem}" / LABELS).is_file()
    answer(json.dumps(peak_bytes() / _MB))
