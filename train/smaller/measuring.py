"""Size, products, time and AP of networks, all measured on the same people and in turns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dataengine.crops.pixels import normalise
from dataengine.evaluation.analysis.bootstrap import interval_of, paired_intervals
from dataengine.evaluation.analysis.interval import Interval
from dataengine.evaluation.ap.matching import Matches, average_precision, paired
from dataengine.evaluation.ap.protocol import OksProtocol
from dataengine.inference.exported import ONNX_FP32, ONNX_INT8, ONNX_INT8_TRT
from dataengine.inference.held_crops import HeldCrops
from dataengine.inference.running.predict import Runner, onnx_runner
from dataengine.nets.checkpoint import ModelMeta
from dataengine.nets.network import KeypointNetwork
from dataengine.people import Images, People
from dataengine.terminal.progress import track

from ..deploy.accuracy import LEVEL, RESAMPLES, film_clusters, latencies_ms
from ..deploy.calibration_crops import network_inputs
from ..deploy.onnx_files import write_fp32
from ..deploy.quantise import write_int8
from .removing import count, empty_channels


@dataclass(frozen=True, eq=False)
class Measuring:
    """What all networks are measured with."""

    people: People
    images: Images
    calibration: tuple[People, Images]
    """Training people whose crops INT8 ranges are taken from."""
    protocol: OksProtocol
    runs: int
    """Least number of timed runs of each file, by one thread: two wait for each other where the machine is busy."""
    seed: int = 0


@dataclass(frozen=True)
class Sized:
    """One row of the table."""

    name: str
    macs: int
    params: int
    fp32_bytes: int
    int8_bytes: int
    fp32_ms: float
    """Fastest run of one crop by itself, FP32: what else the machine does only adds to it."""
    int8_ms: float
    ap: Interval
    gain: Interval
    """In AP over the first network of the table, the same pictures resampled for both."""
    int8_ap: float
    empty_channels: int


def sizes(networks: Mapping[str, tuple[KeypointNetwork, ModelMeta]], given: Measuring, scratch: Path) -> list[Sized]:
    """A row for each network, the first of which the others are compared with; files lie in the folder `scratch`."""
    fp32, int8, matches, int8_ap = {}, {}, {}, {}
    for number, (name, (net, meta)) in enumerate(track(networks.items(), "measure networks", unit="network")):
        folder = scratch / str(number)
        folder.mkdir(parents=True)
        fp32[name], int8[name] = _files(net, meta, folder, given)
        held = HeldCrops.of(given.people, given.images, meta.crop)
        matches[name] = _matches(fp32[name], meta, held, given)
        int8_ap[name] = average_precision(_matches(int8[name], meta, held, given))
    milliseconds = _in_turns(networks, fp32, int8, given)
    base = matches[next(iter(networks))]
    clusters = film_clusters(base, given.images)
    table = []
    for number, (name, (net, meta)) in enumerate(networks.items()):
        folder, counts = scratch / str(number), count(net, meta)
        table.append(
            Sized(
                name=name,
                macs=counts["macs"],
                params=counts["params"],
                fp32_bytes=(folder / ONNX_FP32).stat().st_size,
                int8_bytes=(folder / ONNX_INT8).stat().st_size,
                fp32_ms=milliseconds[name, "fp32"],
                int8_ms=milliseconds[name, "int8"],
                ap=_interval(matches[name], clusters, given.seed),
                gain=_gain(matches[name], base, clusters, given.seed),
                int8_ap=int8_ap[name],
                empty_channels=empty_channels(net),
            )
        )
    return table


def pareto(rows: Sequence[Sized]) -> list[bool]:
    """Whether no other network has fewer products and at least its AP, or as many products and more AP."""

    def beaten(row: Sized) -> bool:
        return any(
            other.macs <= row.macs
            and other.ap.value >= row.ap.value
            and (other.macs, -other.ap.value) != (row.macs, -row.ap.value)
            for other in rows
        )

    return [not beaten(row) for row in rows]


def _files(net: KeypointNetwork, meta: ModelMeta, folder: Path, given: Measuring) -> tuple[Runner, Runner]:
    write_fp32(net, meta, folder / ONNX_FP32)
    crops = network_inputs(HeldCrops.of(*given.calibration, meta.crop), meta)
    paths = {"onnx_runtime": folder / ONNX_INT8, "tensorrt": folder / ONNX_INT8_TRT}
    write_int8(folder / ONNX_FP32, crops, "minmax", **paths)
    return onnx_runner(folder / ONNX_FP32, threads=1), onnx_runner(folder / ONNX_INT8, threads=1)


def _matches(runner: Runner, meta: ModelMeta, held: HeldCrops, given: Measuring) -> Matches:
    prediction = held.predict(runner, meta)
    return paired(given.people, given.images, prediction.as_people(given.people), given.protocol).match()


def _in_turns(
    networks: Mapping[str, tuple[KeypointNetwork, ModelMeta]],
    fp32: Mapping[str, Runner],
    int8: Mapping[str, Runner],
    given: Measuring,
) -> dict[tuple[str, str], float]:
    """Milliseconds of one crop; networks of one size of crop are timed in turns."""
    found: dict[tuple[str, str], float] = {}
    for size in sorted({(meta.input_height_px, meta.input_width_px) for _, meta in networks.values()}):
        names = [n for n, (_, meta) in networks.items() if (meta.input_height_px, meta.input_width_px) == size]
        runners = {f"{kind} {n}": of[n] for n in names for kind, of in (("fp32", fp32), ("int8", int8))}
        first = HeldCrops.of(given.people.take([0]), given.images, networks[names[0]][1].crop)
        taken = latencies_ms(runners, normalise(first.take(np.arange(1))), given.runs)
        found |= {(n, kind): float(taken[f"{kind} {n}"]["best"]) for n in names for kind in ("fp32", "int8")}
    return found


def _interval(matches: Matches, clusters: np.ndarray, seed: int) -> Interval:
    return interval_of(matches, clusters, resamples=RESAMPLES, level=LEVEL, rng=np.random.default_rng(seed))


def _gain(matches: Matches, base: Matches, clusters: np.ndarray, seed: int) -> Interval:
    rng = np.random.default_rng(seed)
    return paired_intervals(matches, base, clusters, resamples=RESAMPLES, level=LEVEL, rng=rng).difference
