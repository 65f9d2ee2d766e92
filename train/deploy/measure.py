"""What each exported file costs and loses here: `measure` runs them all on the same crops and compares with PyTorch.

FP32 and INT8 run in ONNX Runtime on the CPU, which decides the file that a CPU should use; FP16 runs on CUDA if ONNX
Runtime has it. The engine and PyTorch on CUDA run if this machine can run them. TensorRT's INT8 file, node by node, and
the file with cropping and decoding inside run on the CPU for their accuracy alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from torch import nn

from dataengine.errors import EnvironmentFault, InputError
from dataengine.evaluation.analysis.interval import Interval
from dataengine.inference.choose_runner import try_candidate
from dataengine.inference.cpu_file import CpuFile, choose_cpu_file
from dataengine.inference.exported import (
    ENGINE,
    ONNX_FP16,
    ONNX_FP32,
    ONNX_GRAPH,
    ONNX_INT8,
    ONNX_INT8_TRT,
    ExportedModel,
)
from dataengine.inference.in_graph import RECORD, PictureGraph, open_graph
from dataengine.inference.running.predict import Runner, onnx_runner, torch_runner
from dataengine.inference.shipped.runners import candidates
from dataengine.nets.checkpoint import WEIGHTS_NAME
from dataengine.person_scale import scale_words
from dataengine.terminal.progress import track

from .accuracy import Ruler, distance_px, latencies_ms
from .onnx_files import exact_runner
from .params import ExportParams, MaxApDrop

REFERENCE = "reference"  # name of what runs a file for its accuracy alone
FILES = {
    "fp32": ONNX_FP32,
    "fp16": ONNX_FP16,
    "int8": ONNX_INT8,
    "int8_trt": ONNX_INT8_TRT,
    "engine": ENGINE,
    "torch_cuda": WEIGHTS_NAME,
    "graph": ONNX_GRAPH,
}
"""Key in metrics.json -> file."""


_INT8_FIX = "calibrate on more crops, raise export.int8.most_in_float, "
_FIXES = {"int8": _INT8_FIX, "int8_trt": _INT8_FIX, "graph": "let export.graph take crops, "}


@dataclass(frozen=True)
class Measured:
    """What ran, and what came out."""

    metrics: dict[str, Any]
    """The content of metrics.json."""
    cpu: CpuFile
    """The file that a CPU like this machine's should use."""
    runner: str
    """The first runner that runs here, which `auto` would take."""
    not_run: dict[str, str]
    """Runner -> why it does not run here."""
    ran_by: dict[str, str] = field(default_factory=dict)
    """Key of `FILES` -> the runner that it was measured with."""


def measure(params: ExportParams, net: nn.Module, ruler: Ruler, model: ExportedModel) -> Measured:
    """Figures of PyTorch and of every file of `model` on the same crops."""
    answers = {each.name: try_candidate(each, [model]) for each in candidates(params.threads)}
    runners_here = {name: answer[0] for name, answer in answers.items() if not isinstance(answer, str)}
    if "onnx-cpu" not in runners_here:
        raise EnvironmentFault("the exported ONNX file does not run", got=str(answers["onnx-cpu"]))
    ran_by, runners = _assign(params, model, runners_here)
    plain = torch_runner(net, device="auto")
    reference = ruler.predict(plain, "PyTorch")
    timed_runners: dict[str, Runner] = {"torch": plain}
    for key, runner in runners.items():
        if ran_by[key] != REFERENCE and not isinstance(runner, PictureGraph):
            timed_runners[key] = runner
    latency = _latencies(params, ruler, timed_runners)
    metrics: dict[str, Any] = {
        "people": len(ruler.people),
        "oks_scale": scale_words(ruler.people),
        "oks_sigmas": ruler.protocol.sigmas_name,
        "torch": ruler.figures(reference) | latency["torch"],
    }
    for key, runner in track(runners.items(), "measure exported files", unit="file"):
        prediction = ruler.predict(runner, key)
        figures = ruler.figures(prediction)
        metrics[key] = figures | {
            "AP_drop": metrics["torch"]["AP"] - figures["AP"],
            "AP_drop_interval": _drop_interval(ruler.gain(prediction, reference)),
            "ECE_rise": figures["ECE"] - metrics["torch"]["ECE"],
            "keypoint_distance_px": distance_px(prediction, reference),
            "bytes": (model.folder / FILES[key]).stat().st_size,
            **latency.get(key, {}),
        }
    return Measured(
        metrics=metrics,
        cpu=choose_cpu_file(median_ms(metrics, "fp32"), median_ms(metrics, "int8")),
        runner=next(iter(runners_here)),
        not_run={name: answer for name, answer in answers.items() if isinstance(answer, str)},
        ran_by=ran_by,
    )


def median_ms(metrics: Mapping[str, Any], key: str) -> dict[str, float]:
    """Median time of one crop by batch size; empty if the file was not timed."""
    measured = metrics.get(key, {}).get("latency_ms_per_crop", {})
    return {str(record["batch"]): record["median"] for record in measured.values()}


def refuse_lossy(
    metrics: Mapping[str, Any], limits: MaxApDrop, int8_layers: Sequence[str] = (), graph_network: str = "fp32"
) -> None:
    """Raise `InputError` if a file loses more AP than its limit; both INT8 files have the same one.

    `int8_layers` are those that the error of INT8 comes from, the worst first, for the message; `graph_network` is the
    file whose network `ONNX_GRAPH` holds, and with which it is compared.
    """
    of_files: dict[str, float] = asdict(limits)
    for key, limit in (of_files | {"int8_trt": limits.int8}).items():
        drop = metrics.get(key, {}).get("AP_drop", 0.0)
        if key == "graph" and key in metrics:
            drop -= metrics[graph_network]["AP_drop"]
        if drop > limit:
            raise InputError(
                f"{FILES[key]} loses too much AP against {FILES[graph_network] if key == 'graph' else 'PyTorch'}",
                expected=f"at most {limit:g}",
                got=_loss(drop, metrics[key]["keypoint_distance_px"])
                + (_blame(int8_layers) if key.startswith("int8") else ""),
                fix=_FIXES.get(key, "fit longer, ") + f"or raise export.max_ap_drop.{key.removesuffix('_trt')}",
            )


def _drop_interval(gain: Interval) -> list[float] | None:
    """The 95 % interval of the AP that is lost; None where all people belong together, so that nothing is known."""
    return [-gain.high, -gain.low] if np.isfinite([gain.low, gain.high]).all() else None


def _loss(drop: float, moved: Mapping[str, Any]) -> str:
    return f"{drop:.4f}; {moved['worst_joint']} moves most, by {moved['worst_joint_mean']:.2g} px"


def _blame(layers: Sequence[str]) -> str:
    return f"; most of it comes from {', '.join(layers[:3])}" if layers else ""


def _assign(
    params: ExportParams, model: ExportedModel, runners_here: Mapping[str, Runner]
) -> tuple[dict[str, str], dict[str, Runner | PictureGraph]]:
    """The runner of each file: its name, and the runner itself."""
    path, threads = model.folder, params.threads
    half = "onnx-cuda" if "onnx-cuda" in runners_here else "onnx-cpu"
    runs: dict[str, tuple[str, Runner | PictureGraph]] = {
        "fp32": ("onnx-cpu", onnx_runner(path / ONNX_FP32, threads)),
        "fp16": (half, runners_here[half]),
        "int8": ("onnx-cpu", onnx_runner(path / ONNX_INT8, threads)),
        "int8_trt": (REFERENCE, exact_runner(path / ONNX_INT8_TRT, threads)),
    }
    if RECORD in model.sidecar:
        runs["graph"] = (REFERENCE, open_graph(model, threads))
    for key, name in (("engine", "engine"), ("torch_cuda", "torch-cuda")):
        if name in runners_here:
            runs[key] = (name, runners_here[name])
    return {key: name for key, (name, _) in runs.items()}, {key: runner for key, (_, runner) in runs.items()}


def _latencies(params: ExportParams, ruler: Ruler, runners: Mapping[str, Runner]) -> dict[str, dict[str, Any]]:
    batches = {"one": 1, "typical": params.typical_batch}
    by_batch = {name: latencies_ms(runners, ruler.inputs(size), params.latency_runs) for name, size in batches.items()}
    return {key: {"latency_ms_per_crop": {name: by_batch[name][key] for name in batches}} for key in runners}
