"""Export the student: ONNX in three precisions, a TensorRT engine, the sidecar, and what each file loses.

`run` writes the files (`_write_files`), measures each against PyTorch (`_measure`), then refuses what fell too far.
Adding a precision: write it in `_write_files`, give it a line in `_PRECISION` and a limit in `MaxApDrop`.
"""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from torch import nn

from dataengine.bench.record import machine
from dataengine.coco_json import read_project_people
from dataengine.crops.pixels import crop_people, normalise
from dataengine.errors import InputError
from dataengine.files import fresh_folder, sha256_file, write_json
from dataengine.inference.exported import (
    ENGINE,
    ONNX_FP16,
    ONNX_FP32,
    ONNX_INT8,
    file_record,
    load_exported,
    write_sidecar,
)
from dataengine.inference.predict import Runner, onnx_runner, torch_runner
from dataengine.nets.checkpoint import WEIGHTS_NAME, ModelMeta, load_checkpoint
from dataengine.params import load_section
from dataengine.people import People
from dataengine.progress import track

from .deploy.accuracy import Ruler, distance_px, latency_ms
from .deploy.onnx_files import write_fp16, write_fp32
from .deploy.quantise import CalibrationMethod, count_quantised, write_int8
from .deploy.tensorrt_build import build_engine, engine_runner, gpu_present

_PRECISION = {"fp32": ONNX_FP32, "fp16": ONNX_FP16, "int8": ONNX_INT8, "engine": ENGINE}


@dataclass(frozen=True)
class MaxApDrop:
    """How much AP (0..1) each file may lose against PyTorch on the validation set."""

    fp32: float
    fp16: float
    int8: float
    engine: float


@dataclass(frozen=True)
class ExportParams:
    """Section `export` of params.yaml."""

    calibration_crops: int
    """Real training crops that INT8 ranges are taken from."""
    calibration_method: CalibrationMethod
    """How a range follows from what was seen."""
    engine: bool
    """Build a TensorRT engine."""
    typical_batch: int
    """Batch that the engine is tuned for, and that latency is measured at beside 1."""
    max_batch: int
    """Largest batch that the engine takes."""
    max_ap_drop: MaxApDrop
    latency_runs: int
    threads: int
    """Of ONNX Runtime."""
    seed: int
    """Chooses the calibration crops."""


def command(
    student: Annotated[Path, typer.Option(help="Checkpoint folder of the model to export.")],
    calibration: Annotated[Path, typer.Option(help="COCO JSON with the training people INT8 is calibrated on.")],
    val: Annotated[Path, typer.Option(help="COCO JSON that the files are measured on.")],
    out: Annotated[Path, typer.Option(help="Folder for model*.onnx, model.engine and model.json.")],
    report: Annotated[Path, typer.Option(help="Folder for metrics.json.")],
    params: Annotated[Path, typer.Option(help="File with section `export`.")] = Path("params.yaml"),
) -> None:
    """Write ONNX (FP32, FP16, INT8) and a TensorRT engine, and measure each against PyTorch.

    model.json beside the files says how to feed and read them, where they come from, and their checksums. A file
    whose AP falls more than export.max_ap_drop below PyTorch's fails the stage. Without a TensorRT library set
    export.engine to false; the engine itself is run only where there is a GPU.

    Example: dataengine export --student models/fit-student --calibration data/mix/train.json
    --val data/ingest/val.json --out models/export --report reports/export
    """
    run(load_section(params, "export", ExportParams), student, calibration, val, out, report)


def run(params: ExportParams, student: Path, calibration: Path, val: Path, out: Path, report: Path) -> None:
    """Export `student` to `out`; write the accuracy of every file to `report`. Raises `InputError` on a lossy file."""
    net, meta = load_checkpoint(student)
    people, images = read_project_people(val)
    ruler = Ruler.of(meta, people, images)
    with fresh_folder(out) as folder:
        facts = _write_files(params, student, net, meta, calibration, folder)
        facts |= {"lineage": _lineage(student, meta, {"calibration": calibration, "val": val})}
        metrics = _measure(params, net, ruler, folder)
        write_sidecar(folder, meta, _file_records(folder, metrics), facts | {"measured_on": machine()})
        write_json(report / "metrics.json", metrics)
        _refuse_lossy(metrics, params.max_ap_drop)
    load_exported(out)


def _write_files(
    params: ExportParams, student: Path, net: nn.Module, meta: ModelMeta, calibration: Path, folder: Path
) -> dict[str, Any]:
    """Write every file; return the sidecar's facts of how INT8 and the engine were made."""
    shutil.copyfile(student / WEIGHTS_NAME, folder / WEIGHTS_NAME)  # batch norm is gone from the other files
    write_fp32(net, meta, folder / ONNX_FP32)
    write_fp16(folder / ONNX_FP32, folder / ONNX_FP16)
    crops = _calibration_crops(calibration, meta, params.calibration_crops, np.random.default_rng(params.seed))
    write_int8(folder / ONNX_FP32, folder / ONNX_INT8, crops, params.calibration_method)
    facts: dict[str, Any] = {
        "calibration": {
            "crops": len(crops),
            "method": params.calibration_method,
            "data_sha256": sha256_file(calibration),
            "nodes": count_quantised(folder / ONNX_INT8),
        }
    }
    if params.engine:
        facts["engine"] = build_engine(
            folder / ONNX_FP16,
            folder / ENGINE,
            meta,
            typical_batch=params.typical_batch,
            max_batch=params.max_batch,
        )
    return facts


def _calibration_crops(path: Path, meta: ModelMeta, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Normalised crops of real people, drawn without replacement; of others only where nobody is real."""
    people, images = read_project_people(path)
    real = np.flatnonzero(people.source == "real")
    rows = real if len(real) else np.arange(len(people))
    chosen: People = people.take(np.sort(rng.permutation(rows)[:count]))
    return normalise(crop_people(chosen, images, meta.crop)[0], meta.mean, meta.std)


def _file_records(folder: Path, metrics: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What the sidecar says of each file. Its latency stands there for the gate, which measures none itself."""
    weights = {WEIGHTS_NAME: file_record(folder / WEIGHTS_NAME, precision="fp32", use="to fine-tune from")}
    return weights | {
        name: file_record(
            folder / name, precision="fp16" if name == ENGINE else precision, latency_ms=_median_ms(metrics, precision)
        )
        for precision, name in _PRECISION.items()
        if (folder / name).exists()
    }


def _median_ms(metrics: Mapping[str, Any], precision: str) -> dict[str, float]:
    """Median time of one crop by batch size; empty where the file was not run."""
    measured = metrics.get(precision, {}).get("latency_ms_per_crop", {})
    return {str(record["batch"]): record["median"] for record in measured.values()}


def _lineage(student: Path, meta: ModelMeta, data: Mapping[str, Path]) -> dict[str, Any]:
    return {
        "student_sha256": sha256_file(student / WEIGHTS_NAME),
        "student": dict(meta.lineage),
        "data_sha256": {name: sha256_file(path) for name, path in data.items()},
        "code_revision": code_revision(),
    }


def code_revision() -> str:
    """Commit of the working folder, with ``+`` where tracked files differ from it; "" outside git."""
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        status = ["git", "status", "--porcelain", "--untracked-files=no"]
        changed = subprocess.run(status, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head + ("+" if changed else "")


def _measure(params: ExportParams, net: nn.Module, ruler: Ruler, folder: Path) -> dict[str, Any]:
    """Figures of PyTorch and of every file on the same crops."""
    plain = torch_runner(net, device="auto")
    reference = ruler.predict(plain, "PyTorch")
    metrics: dict[str, Any] = {
        "people": len(ruler.people),
        "torch": ruler.figures(reference) | _latencies(plain, ruler, params),
    }
    for precision, runner in track(_runners(params, folder).items(), "measure exported files", unit="file"):
        prediction = ruler.predict(runner, precision)
        figures = ruler.figures(prediction)
        metrics[precision] = figures | {
            "AP_drop": metrics["torch"]["AP"] - figures["AP"],
            "keypoint_distance_px": distance_px(prediction, reference),
            "bytes": (folder / _PRECISION[precision]).stat().st_size,
            **_latencies(runner, ruler, params),
        }
    return metrics


def _runners(params: ExportParams, folder: Path) -> dict[str, Runner]:
    names = {precision: name for precision, name in _PRECISION.items() if name != ENGINE}
    runners = {precision: onnx_runner(folder / name, params.threads) for precision, name in names.items()}
    return runners | ({"engine": engine_runner(folder / ENGINE)} if params.engine and gpu_present() else {})


def _latencies(runner: Runner, ruler: Ruler, params: ExportParams) -> dict[str, Any]:
    batches = {"one": 1, "typical": params.typical_batch}
    return {
        "latency_ms_per_crop": {
            name: latency_ms(runner, ruler.inputs(size), params.latency_runs) for name, size in batches.items()
        }
    }


def _refuse_lossy(metrics: Mapping[str, Any], limits: MaxApDrop) -> None:
    for precision, limit in asdict(limits).items():
        drop = metrics.get(precision, {}).get("AP_drop", 0.0)
        if drop > limit:
            raise InputError(
                f"{_PRECISION[precision]} loses too much AP against PyTorch",
                expected=f"at most {limit:g}",
                got=f"{drop:.4f}",
                mend="calibrate on more crops, fit longer, or raise export.max_ap_drop." + precision,
            )
