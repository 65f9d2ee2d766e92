"""Exports of random networks, pictures and boxes, and a service that runs in a thread of the test."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from dataengine.inference.exported import ONNX_FP32, file_record, write_sidecar
from dataengine.inference.in_graph import PictureGraph
from dataengine.inference.running.predict import Runner
from dataengine.nets.checkpoint import ModelMeta, save_checkpoint
from dataengine.pictures.encoding import encode_picture
from dataengine.serving.asked.metrics import ServingMetrics
from dataengine.serving.asked.served_model import ServedModel, served_model
from dataengine.serving.params import ServeParams
from dataengine.serving.running import RunningService, running_service
from dataengine.serving.shadow.asking import Shadow
from dataengine.train.deploy.onnx_files import write_fp32

META = ModelMeta("residual-simcc", {"channels": [8, 8], "blocks": [1, 1]}, input_width_px=32, input_height_px=32)
PARAMS = ServeParams(address="127.0.0.1:0", metrics_address="127.0.0.1:0", batch=4, wait_ms=1.0, grace_s=20.0)
LIMITS: dict[str, Any] = {"most_people": 32, "largest_mpx": 50.0}
BOXES = [[5.0, 5.0, 60.0, 80.0], [30.0, 10.0, 50.0, 50.0]]


def export_of(folder: Path, seed: int, meta: ModelMeta = META) -> Path:
    """An export of a network with random weights."""
    torch.manual_seed(seed)
    net = meta.build().eval()
    folder.mkdir(parents=True)
    write_fp32(net, meta, folder / ONNX_FP32)
    write_sidecar(folder, meta, {ONNX_FP32: file_record(folder / ONNX_FP32)}, {})
    save_checkpoint(folder.with_name(f"{folder.name}_checkpoint"), net, meta)
    return folder


def runner_of(model: ServedModel) -> Runner:
    """What runs its network."""
    assert not isinstance(model.open.runner, PictureGraph)
    return model.open.runner


def picture(seed: int = 0, width: int = 120, height: int = 90) -> np.ndarray:
    """Bright and dark patches (height, width, 3), BGR, without edges, so that JPEG changes little."""
    coarse = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def png(seed: int = 0, **size: int) -> bytes:
    """The bytes of `picture`, without loss."""
    return encode_picture(picture(seed, **size), ".png")


@contextmanager
def service(
    model: ServedModel | Path,
    params: ServeParams = PARAMS,
    shadow: Shadow | None = None,
    metrics: ServingMetrics | None = None,
) -> Iterator[RunningService]:
    """The service in an event loop of its own; leaving the block ends it and raises what it ended with."""
    opened = served_model(model, "cpu", threads=1) if isinstance(model, Path) else model
    started, ready, faults = threading.Event(), list[RunningService](), list[BaseException]()
    ends: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        ends.append((asyncio.get_running_loop(), asyncio.Event()))
        async with running_service(opened, params, shadow, metrics) as running:
            ready.append(running)
            started.set()
            await ends[0][1].wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as fault:
            faults.append(fault)
        finally:
            started.set()

    thread = threading.Thread(target=run)
    thread.start()
    started.wait()
    try:
        if faults:
            raise faults[0]
        yield ready[0]
    finally:
        if ready:
            loop, ended = ends[0]
            loop.call_soon_threadsafe(ended.set)
        thread.join()
    if faults:
        raise faults[0]


def limited(**values: object) -> ServeParams:
    """`PARAMS` with other values."""
    return replace(PARAMS, **values)  # type: ignore[arg-type]
