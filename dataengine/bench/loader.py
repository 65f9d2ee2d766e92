"""How many crops per second one core prepares for training, and whether training has to wait for them.

Peers (`loader_peers.py`) make the same crops with the same augmentations from the same pictures. All run on one thread,
without OpenCV's and PyTorch's own threads, and are compared by the processor's time, so that other work on the machine
counts for little; ours and the peers' passes take turns and the best pass of each counts. The crops are 128x128.

Ours keeps the decoded surroundings of people, the peers decode every time, so there are two kinds of figures. In the
*first epoch* everything is decoded; *later* epochs come from memory, as all but the first of a fit that looks at each
person dozens of times. ``loader.vs_cv2`` and ``loader.vs_mmpose`` are those of later epochs; the first epoch's are
given next to them, on small pictures (about 250 px: the decoder has little to save) and on pictures of a camera's size.
"""

import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from dataengine.bench.loader_peers import PlainPipeline, PoseChain, simcc_targets
from dataengine.bench.loader_sets import CAMERA_PX, drawn_set, small_set
from dataengine.bench.record import Figure
from dataengine.crops.spec import CropSpec
from dataengine.crops.training.augment import AugmentParams
from dataengine.crops.training.loader import WaitClock, collate, epoch_batches
from dataengine.crops.training.samples import CropSamples
from dataengine.nets.checkpoint import ModelMeta
from dataengine.people import Images, People

SMALL_PEOPLE, CAMERA_PEOPLE = 1024, 96
BATCH, PASSES = 32, 5
TRAINING_STEPS, WARM_UP_STEPS = 60, 5
SPEC = CropSpec()
# The strengths of params.yaml that all three have in common.
AUGMENT = AugmentParams(
    rotation_deg=30,
    rotation_share=0.5,
    scale=0.25,
    shift=0.06,
    flip_share=0.5,
    photometric_share=0.3,
    dropout_share=0.15,
)
Pass = Callable[[], None]


def run() -> Iterator[Figure]:
    """Crops a second of one core, in the first and in later epochs, against both peers; then the share of waiting."""
    with tempfile.TemporaryDirectory() as folder:
        small = small_set(Path(folder) / "small", SMALL_PEOPLE)
        with one_thread():
            yield from _figures(small, "loader.", later_is_plain=True)
            yield from _figures(drawn_set(Path(folder) / "camera", CAMERA_PEOPLE, CAMERA_PX), "loader.camera_")
        threads, processes = two_threads(small), two_processes(small)
        yield Figure("loader.two_threads_vs_processes", threads, "crops/s", processes)
        yield from _training(small)


@contextmanager
def one_thread() -> Iterator[None]:
    """No threads of OpenCV and PyTorch within the block: those that wait busily would count as work."""
    before = cv2.getNumThreads(), torch.get_num_threads()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before[0])
        torch.set_num_threads(before[1])


def _figures(data: tuple[People, Images], prefix: str, later_is_plain: bool = False) -> Iterator[Figure]:
    rates = crops_per_second(*data)
    unit = "crops/s/core"
    if later_is_plain:
        yield Figure(f"{prefix}crops_per_s_core", rates["later"], unit)
    yield Figure(f"{prefix}first_epoch_crops_per_s_core", rates["first"], unit)
    if later_is_plain:
        yield Figure(f"{prefix}vs_cv2", rates["later"], unit, rates["cv2"])
        yield Figure(f"{prefix}vs_mmpose", rates["later_targets"], unit, rates["mmpose"])
    yield Figure(f"{prefix}first_epoch_vs_cv2", rates["first"], unit, rates["cv2"])
    yield Figure(f"{prefix}first_epoch_vs_mmpose", rates["first_targets"], unit, rates["mmpose"])


def crops_per_second(people: People, images: Images, passes: int = PASSES) -> dict[str, float]:
    """Crops per second of processor time, by way: ours in the first and in later epochs, and the two peers'.

    Ours is also measured with the targets that the chain makes. Best of `passes` passes over all people, in turns.
    """
    groups = [np.arange(start, min(start + BATCH, len(people))) for start in range(0, len(people), BATCH)]
    warm = CropSamples(people, images, SPEC, AUGMENT)
    plain, chain = PlainPipeline(people, images, SPEC, AUGMENT), PoseChain(people, images, SPEC, AUGMENT)
    ways: dict[str, Pass] = {
        "first": lambda: _ours(CropSamples(people, images, SPEC, AUGMENT), groups, targets=False),
        "later": lambda: _ours(warm, groups, targets=False),
        "first_targets": lambda: _ours(CropSamples(people, images, SPEC, AUGMENT), groups, targets=True),
        "later_targets": lambda: _ours(warm, groups, targets=True),
        "cv2": lambda: _each(plain.batch, groups),
        "mmpose": lambda: _each(chain.batch, groups),
    }
    for way in ways.values():  # fills the disk cache, the patches and albumentations' lazy imports
        way()
    seconds = dict.fromkeys(ways, float("inf"))
    for _ in range(passes):
        for name, way in ways.items():
            started = time.process_time()
            way()
            seconds[name] = min(seconds[name], time.process_time() - started)
    return {name: len(people) / taken for name, taken in seconds.items()}


def _ours(samples: CropSamples, groups: list[NDArray[np.int64]], *, targets: bool) -> None:
    for rows in groups:
        batch = collate(samples.draw(rows, [(0, 0, int(row)) for row in rows]), rows)
        torch.from_numpy(batch.images)
        if targets:
            for labels in simcc_targets(batch.keypoints_px, batch.joint_weight, SPEC):
                torch.from_numpy(labels)


def _each(make: Callable[[NDArray[np.int64]], Any], groups: list[NDArray[np.int64]]) -> None:
    for rows in groups:
        make(rows)


def two_threads(data: tuple[People, Images], passes: int = PASSES) -> float:
    """Crops a second by the clock, of two threads in a later epoch."""
    samples = CropSamples(*data, SPEC, AUGMENT)
    order = np.arange(len(samples))
    seconds = []
    for epoch in range(passes + 1):
        started = time.perf_counter()
        for _ in epoch_batches(samples, order, BATCH, 0, epoch, workers=2):
            pass
        seconds.append(time.perf_counter() - started)
    return len(order) // BATCH * BATCH / min(seconds[1:])


def two_processes(data: tuple[People, Images], passes: int = PASSES) -> float:
    """The same for two processes, each with its own patches; the time to hand batches over is not even counted."""
    starts = range(0, len(data[0]) - BATCH + 1, BATCH)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context, initializer=_prepare_process, initargs=data) as pool:
        seconds = []
        for _ in range(passes + 1):
            started = time.perf_counter()
            list(pool.map(_make_and_forget, starts))
            seconds.append(time.perf_counter() - started)
    return len(starts) * BATCH / min(seconds[1:])


_process_samples: list[CropSamples] = []  # of a process of `two_processes`


def _prepare_process(people: People, images: Images) -> None:
    cv2.setNumThreads(1)
    samples = CropSamples(people, images, SPEC, AUGMENT)
    for row in range(len(people)):
        samples.sample(row, (0, row))
    _process_samples.append(samples)


def _make_and_forget(start: int) -> None:
    rows = np.arange(start, start + BATCH)
    collate(_process_samples[0].draw(rows, [(0, 0, int(row)) for row in rows]), rows)


def _training(data: tuple[People, Images]) -> Iterator[Figure]:
    """``loader.wait_share`` of training steps of the default network, and of them the first epoch's."""
    for name, epochs in (("loader.first_epoch_wait_share", 1), ("loader.wait_share", 2)):
        samples = CropSamples(*data, SPEC, AUGMENT)
        if epochs > 1:
            _ours(samples, [np.arange(len(samples))], targets=False)
        yield Figure(name, wait_share(samples), "of training time")


def wait_share(
    samples: CropSamples, steps: int = TRAINING_STEPS, network_kwargs: Mapping[str, Any] | None = None
) -> float:
    """Share of the wall time of `steps` training steps, of batches of 32, that is spent waiting for a batch."""
    network = (
        ModelMeta(network="residual-simcc", network_kwargs=dict(network_kwargs or {}))
        .build()
        .to(memory_format=torch.channels_last)
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    order = np.arange((steps + WARM_UP_STEPS) * BATCH) % len(samples)
    clock, started = WaitClock(), 0.0
    for number, batch in enumerate(epoch_batches(samples, order, BATCH, 0, 0, waited=clock)):
        if number == WARM_UP_STEPS:
            started, clock.seconds = time.perf_counter(), 0.0
        images = torch.from_numpy(batch.images).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            answer = network(images)
        loss = sum(part.float().logsumexp(dim=-1).mean() for part in answer)  # as costly as a real loss, near enough
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    return clock.seconds / (time.perf_counter() - started)
