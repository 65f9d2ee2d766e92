"""What each network of the chain costs: products, parameters, time of a crop. None of it depends on the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from dataengine.errors import InputError
from dataengine.inference.exported import ONNX_FP32
from dataengine.inference.running.predict import onnx_runner
from dataengine.nets.checkpoint import ModelMeta
from dataengine.terminal.progress import track

from ...deploy.accuracy import latencies_ms
from ...deploy.onnx_files import write_fp32
from ...smaller.removing import count


@dataclass(frozen=True)
class NetworkCost:
    """What one crop costs a network."""

    macs: int
    params: int
    ms: float
    """Fastest run in ONNX Runtime, FP32, one thread: what else the machine does only adds to it."""


def network_costs(metas: Mapping[str, ModelMeta], scratch: Path, runs: int) -> dict[str, NetworkCost]:
    """Costs by label, all files timed in turns with a crop of noise; they lie in the folder `scratch`.

    All networks see crops of one size, or they could not teach each other.
    """
    runners, counts = {}, {}
    for label, meta in track(metas.items(), "count and export networks", unit="network"):
        net = meta.build()
        counts[label] = count(net, meta)
        path = scratch / label / ONNX_FP32
        path.parent.mkdir(parents=True, exist_ok=True)
        write_fp32(net, meta, path)
        runners[label] = onnx_runner(path, threads=1)
    first = next(iter(metas.values()))
    crop = np.random.default_rng(0).normal(size=(1, 3, first.input_height_px, first.input_width_px)).astype(np.float32)
    taken = latencies_ms(runners, crop, runs)
    return {
        label: NetworkCost(counts[label]["macs"], counts[label]["params"], round(float(taken[label]["best"]), 3))
        for label in metas
    }


def refuse_ascent(costs: Mapping[str, NetworkCost]) -> None:
    """Raise `InputError` where a network is larger than the one before it, which is to teach it."""
    for (teacher, above), (label, below) in pairwise(costs.items()):
        if below.macs > above.macs and below.params > above.params:
            got = f"{teacher} with {above.macs / 1e6:.1f} M products before {label} with {below.macs / 1e6:.1f} M"
            raise InputError("--network does not make a chain", expected="the largest network first", got=got)
