"""How fast the file chosen for this CPU runs, relative to the FP32 file, both in ONNX Runtime.

The default student and HRNet-W32 at 256x192, with random weights, at the batch the engine is tuned for. The stage's
own code writes the files, takes the latencies in turns and chooses by them; then both are timed again, so that the
choice and the figure do not rest on the same sample. On a CPU with VNNI the choice is INT8; where it is FP32 the
ratio is 1.
"""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dataengine.bench.record import Figure
from dataengine.inference.cpu_file import choose_cpu_file
from dataengine.inference.exported import ONNX_FP32, ONNX_INT8, ONNX_INT8_TRT
from dataengine.inference.running.predict import Runner, onnx_runner
from dataengine.nets.checkpoint import ModelMeta
from dataengine.params import load_section

from ..deploy.accuracy import latencies_ms
from ..deploy.onnx_files import write_fp32
from ..deploy.params import ExportParams
from ..deploy.quantise import write_int8

NETWORKS = {
    "": ModelMeta("residual"),
    "_hrnet_w32": ModelMeta("hrnet-w32", input_width_px=192, input_height_px=256, head="heatmap"),
}
"""Ending of the figure's name -> network."""
TURNS, SECONDS_A_TURN = 9, 0.4


def run(networks: dict[str, ModelMeta] | None = None, params: Path = Path("params.yaml")) -> Iterator[Figure]:
    """``export.int8_speedup`` of the default student and of HRNet-W32: crops/s of the chosen file, and of FP32."""
    section = load_section(params, "export", ExportParams)
    for ending, meta in (networks or NETWORKS).items():
        with tempfile.TemporaryDirectory() as folder:
            ours, fp32 = _crops_per_second(meta, section, Path(folder))
        yield Figure(f"export.int8_speedup{ending}", ours, "crops/s", fp32)


def write_files(meta: ModelMeta, folder: Path) -> NDArray[np.float32]:
    """FP32 and both INT8 files of a network with fresh weights; the random crops they are calibrated on."""
    torch.manual_seed(0)
    crops = np.random.default_rng(0).normal(size=(8, 3, meta.input_height_px, meta.input_width_px)).astype(np.float32)
    write_fp32(meta.build(), meta, folder / ONNX_FP32)
    paths = {"onnx_runtime": folder / ONNX_INT8, "tensorrt": folder / ONNX_INT8_TRT}
    write_int8(folder / ONNX_FP32, crops, "minmax", **paths)
    return crops


def _crops_per_second(meta: ModelMeta, section: Any, folder: Path) -> tuple[float, float]:
    crops = write_files(meta, folder)
    runners = {name: onnx_runner(folder / name, section.threads) for name in (ONNX_FP32, ONNX_INT8)}
    batch = np.resize(crops, (section.typical_batch, *crops.shape[1:]))
    measured = {size: latencies_ms(runners, batch[:size], 20) for size in (1, len(batch))}
    fp32, int8 = ({str(size): by[name]["median"] for size, by in measured.items()} for name in runners)
    file = choose_cpu_file(fp32, int8).file
    if file == ONNX_FP32:
        rate = rates_in_turns({ONNX_FP32: runners[ONNX_FP32]}, batch)[ONNX_FP32]
        return rate, rate
    rates = rates_in_turns(runners, batch)
    return rates[file], rates[ONNX_FP32]


def rates_in_turns(runners: dict[str, Runner], batch: NDArray[np.float32]) -> dict[str, float]:
    """Crops a second of each runner: the median over the turns that they take."""
    taken: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(TURNS):
        for name, runner in runners.items():
            taken[name].append(rate(runner, batch))
    return {name: statistics.median(rates) for name, rates in taken.items()}


def rate(runner: Runner, batch: NDArray[np.float32]) -> float:
    """Crops a second of a runner that is shown a batch again and again for `SECONDS_A_TURN`."""
    runner(batch)
    count, start = 0, time.perf_counter()
    while (seconds := time.perf_counter() - start) < SECONDS_A_TURN:
        runner(batch)
        count += len(batch)
    return count / seconds
