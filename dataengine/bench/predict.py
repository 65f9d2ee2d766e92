"""What predicting on people costs compared with the network alone: time, memory and, on a GPU, its launches.

The network is the default student (128x128) with random weights, as time does not depend on them. ``predict.share_*``
set people a second through `predict_people`, from files to joints, against the same network on batches that lie ready;
they take turns, and the median of the pairs' ratios counts. In ``predict.share_of_network`` many people stand in each
of a few pictures, so that cropping, normalising and decoding of joints are what is measured; in
``predict.share_of_network_photo`` every person has a photograph of 256x256 of their own, which is decoded, too.

``predict.memory_mb`` is the peak memory of a process that predicts 50,000 people, which takes minutes. Its peer
cuts all crops first; as its peak is reached by then, it predicts only some of them.

``predict.cuda_ms`` and ``predict.cuda_crops_per_s`` are HRNet-W32 at 192x256 in FP16, from uint8 crops in ordinary
memory to keypoints; their peer is the same without CUDA graphs.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from dataengine.bench.loader_sets import SMALL_PX, drawn_set, small_set
from dataengine.bench.record import Figure, Missing
from dataengine.crops.pixels import crop_people
from dataengine.hardware.memory import peak_bytes
from dataengine.inference.running.device_reading import cast_weights
from dataengine.inference.running.predict import BATCH, predict_crops, predict_people, torch_runner
from dataengine.inference.running.sessions import Asked, Session, in_turn
from dataengine.inference.running.torch_session import TorchSession
from dataengine.nets.checkpoint import ModelMeta
from dataengine.people import Images, People
from dataengine.terminal.speech import answer

PEOPLE, PICTURES = 50_000, 20
PEER_PREDICTS = 512
TIMED_PEOPLE, PAIRS = 1024, 5
STUDENT = ModelMeta("residual")
HRNET = ModelMeta("hrnet-w32", input_width_px=192, input_height_px=256, head="heatmap")
ONE_CROP_RUNS, BATCHES, CUDA_BATCH = 200, 60, 64
_MB = 1e6


def run(people: int = PEOPLE, timed_people: int = TIMED_PEOPLE, pairs: int = PAIRS) -> Iterator[Figure | Missing]:
    """The shares, the memory, then the GPU's figures or one line that says there is none."""
    with tempfile.TemporaryDirectory() as folder:
        sets = {
            "predict.share_of_network": crowd(Path(folder) / "crowd", timed_people),
            "predict.share_of_network_photo": small_set(Path(folder) / "photo", timed_people),
        }
        for name, data in sets.items():
            ours, network = people_per_second(*data, pairs)
            yield Figure(name, ours, "people/s", network)
    yield Figure("predict.memory_mb", peak_mb("stream", people), "MB", peak_mb("held", people))
    yield from cuda_figures()


def crowd(folder: Path, people: int, pictures: int = PICTURES) -> tuple[People, Images]:
    """`people` persons of about 150 px in a few pictures."""
    some, images = drawn_set(folder, pictures, SMALL_PX)
    return some.take(np.sort(np.arange(people) % pictures)), images


def people_per_second(people: People, images: Images, pairs: int) -> tuple[float, float]:
    """Through the stream, and through the network alone; their ratio is the median of the pairs' ratios."""
    torch.manual_seed(0)
    net = STUDENT.build().eval().to(memory_format=torch.channels_last)
    runner = torch_runner(net, device="cpu")
    ready = torch.rand(BATCH, 3, STUDENT.input_height_px, STUDENT.input_width_px).to(memory_format=torch.channels_last)

    def alone() -> None:
        with torch.inference_mode():
            for start in range(0, len(people), BATCH):
                net(ready[: min(BATCH, len(people) - start)])

    def streamed() -> None:
        predict_people(runner, STUDENT, people, images)

    alone()
    streamed()
    seconds = [(_seconds(streamed), _seconds(alone)) for _ in range(pairs)]
    network = len(people) / statistics.median(taken for _, taken in seconds)
    return network * statistics.median(taken / ours for ours, taken in seconds), network


def peak_mb(way: str, people: int) -> float:
    """Peak memory of a separate process, in MB."""
    command = [sys.executable, "-m", "dataengine.bench.predict", way, str(people)]
    return float(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout))


def stream_way(people: People, images: Images) -> None:
    """Predict everyone in a stream."""
    predict_people(torch_runner(STUDENT.build(), device="cpu"), STUDENT, people, images)


def held_way(people: People, images: Images) -> None:
    """Cut all crops, then predict some."""
    crops, matrices = crop_people(people, images, STUDENT.crop)
    some = slice(0, PEER_PREDICTS)
    predict_crops(torch_runner(STUDENT.build(), device="cpu"), STUDENT, crops[some], matrices[some])


WAYS = {"stream": stream_way, "held": held_way}


def cuda_figures() -> Iterator[Figure | Missing]:
    """One crop's time and a full batch's rate, with graphs and without."""
    names = ("predict.cuda_ms", "predict.cuda_crops_per_s")
    if not torch.cuda.is_available():
        yield from (Missing(name, "a GPU: PyTorch sees none here") for name in names)
        return
    device = torch.device("cuda", torch.cuda.current_device())
    card = torch.cuda.get_device_name(device)
    full = HRNET.build().eval().to(device=device, memory_format=torch.channels_last)
    half = cast_weights(full, torch.float16)

    def session(batch: int, in_buckets: bool) -> Session:
        return TorchSession(
            net=half,
            full=full,
            meta=HRNET,
            asked=Asked(),
            batch=batch,
            device=device,
            dtype=torch.float16,
            in_buckets=in_buckets,
        )

    yield Figure(names[0], one_crop_ms(session(1, True)), f"ms/crop_on_{_word(card)}", one_crop_ms(session(1, False)))
    graphed, eager = (crops_per_second(session(CUDA_BATCH, in_buckets)) for in_buckets in (True, False))
    yield Figure(names[1], graphed, f"crops/s_on_{_word(card)}", eager)


def one_crop_ms(session: Session, runs: int = ONE_CROP_RUNS) -> float:
    """Median time of one crop, from memory to joints, one after the other."""
    crop = _crops(1)
    for _ in range(10):
        session.submit(crop)()
    return 1000 * statistics.median(_seconds(lambda: session.submit(crop)()) for _ in range(runs))


def crops_per_second(session: Session, batches: int = BATCHES, batch: int = CUDA_BATCH) -> float:
    """Rate of full batches, one in flight while the one before is collected."""
    buffers = [session.buffer((batch, HRNET.input_height_px, HRNET.input_width_px, 3)) for _ in range(2)]
    for buffer in buffers:
        buffer[:] = _crops(batch)
    rows = np.arange(batch)

    def all_of(count: int) -> None:
        for _ in in_turn(session, ((rows, buffers[number % 2]) for number in range(count))):
            pass

    all_of(10)
    return batch * batches / _seconds(lambda: all_of(batches))


def _crops(count: int) -> np.ndarray:
    shape = (count, HRNET.input_height_px, HRNET.input_width_px, 3)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def _word(card: str) -> str:
    return card.replace(" ", "_")


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        WAYS[sys.argv[1]](*crowd(Path(scratch), int(sys.argv[2])))
    answer(json.dumps(peak_bytes() / _MB))
