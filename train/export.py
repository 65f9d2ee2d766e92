"""Export the student: ONNX in three precisions, a TensorRT engine, the sidecar, and what each file loses.

`run` writes the files (`_write_files`), measures each against PyTorch (`deploy.measure`), and refuses lossy ones.
Adding a file: write it in `_write_files`, give it a line in `_FILE_FACTS` and `deploy.measure.FILES`, and a limit in
`MaxApDrop`.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from torch import nn

from dataengine.coco_json import read_project_people
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.files import fresh_folder, sha256_file, write_json
from dataengine.hardware.machine import code_revision, machine
from dataengine.inference.exported import (
    ENGINE,
    ONNX_FP16,
    ONNX_FP32,
    ExportedModel,
    file_record,
    load_exported,
    write_sidecar,
)
from dataengine.inference.in_graph import RECORD, describe
from dataengine.nets.checkpoint import WEIGHTS_NAME, ModelMeta, load_checkpoint
from dataengine.nets.learnt_pictures import LEARNT_NAME
from dataengine.params import load_section
from dataengine.terminal.folders import folder_option, out_folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import say

from .deploy.accuracy import Ruler
from .deploy.calibration_crops import calibration_people
from .deploy.graph_file import NETWORK_FILES, write_graph
from .deploy.int8_files import Int8Files, write_int8_files
from .deploy.int8_page import PAGE, write_page
from .deploy.measure import FILES, REFERENCE, Measured, measure, median_ms, refuse_lossy
from .deploy.onnx_files import write_fp16, write_fp32
from .deploy.out_folder import refuse_foreign
from .deploy.params import ExportParams
from .deploy.tensorrt_build import build_engine

_FILE_FACTS = {
    "torch_cuda": ("fp32", "to fine-tune from, and PyTorch"),
    "fp32": ("fp32", "ONNX Runtime, any device"),
    "fp16": ("fp16", "ONNX Runtime on CUDA; the engine is built from it"),
    "int8": ("int8", "ONNX Runtime on a CPU: the same keypoints with and without VNNI"),
    "int8_trt": ("int8", "TensorRT, explicit quantisation; not for ONNX Runtime, which saturates without VNNI"),
    "engine": ("fp16", "the TensorRT library and GPUs that `engine` names"),
    "graph": ("", "ONNX Runtime: pixels in, joints out, as `graph` says"),
}
"""Key of `FILES` -> precision ("": that of the network inside, which the sidecar's `graph` names), and its use."""


def command(
    student: Annotated[Path, folder_option(help="Checkpoint folder of the model to export.")],
    calibration: Annotated[Path, typer.Option(help="COCO JSON with training people, to calibrate INT8 on.")],
    val: Annotated[Path, typer.Option(help="COCO JSON with validation people, to measure the files on.")],
    out: Annotated[
        Path,
        out_folder_option(
            help="Folder for model*.onnx, model.engine and model.json, which are replaced together.",
        ),
    ],
    report: Annotated[Path, out_folder_option(help="Folder for metrics.json and int8_layers.md.")],
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Write ONNX (FP32, FP16, INT8) and a TensorRT engine, and measure each against PyTorch.

    Writes model.safetensors (PyTorch), model.onnx (FP32), model_fp16.onnx, model_int8.onnx (for ONNX Runtime on a CPU),
    model_int8_trt.onnx (for TensorRT), model.engine, and model.json, which says how to feed and read the files, what
    each is for, which one a CPU like this machine's should use, where they come from, and their checksums. With
    export.graph.takes, model_graph.onnx too: one of the networks with normalising (and cropping) and decoding inside.

    Where INT8 loses more than export.int8.aim_ap_drop, the layers that its error comes from are left in float, at most
    export.int8.most_in_float blocks of them; report/int8_layers.md names them.

    A file whose AP falls more than export.max_ap_drop below PyTorch's fails the stage. export.engine_capabilities names
    the GPUs to build the engine for, [7.5, 8.6] for example; empty means this machine's. The engine is measured if it
    runs here; if not, the reason is recorded. Without a TensorRT library set export.engine to false.

    Example: dataengine export --student models/fit-student --calibration data/mix/train.json --val data/ingest/val.json --out models/export --report reports/export
    """  # noqa: E501  an example is one line to copy
    section = load_section(params, "export", ExportParams)
    protocol = load_protocol(params)
    run(section, student=student, calibration=calibration, val=val, out=out, report=report, protocol=protocol)


def run(
    params: ExportParams,
    *,
    student: Path,
    calibration: Path,
    val: Path,
    out: Path,
    report: Path,
    protocol: OksProtocol = COCO,
) -> None:
    """Export `student` to `out`; write the accuracy of every file to `report`.

    Raises:
        InputError: a file loses too much, or `out` holds what no export has written.
    """
    refuse_foreign(out)
    net, meta = load_checkpoint(student)
    people, images = read_project_people(val)
    ruler = Ruler.of(meta, people, images, protocol)
    with fresh_folder(out) as folder:
        facts, int8 = _write_files(params, net, ruler, student=student, calibration=calibration, folder=folder)
        measured = measure(params, net, ruler, ExportedModel(folder, "", meta, facts))
        facts |= {"lineage": _lineage(student, meta, {"calibration": calibration, "val": val})}
        facts |= {"cpu": measured.cpu.as_json(), "runner": measured.runner, "not_run": measured.not_run}
        write_sidecar(folder, meta, _file_records(folder, measured), facts | {"measured_on": machine()})
        write_json(report / "metrics.json", measured.metrics)
        write_page(report / PAGE, int8, params.int8, meta, people=len(people))
        blamed = [each.block.name for each in int8.blamed]
        refuse_lossy(measured.metrics, params.max_ap_drop, blamed, params.graph.network)
    load_exported(out)
    say(f"runner here: {measured.runner}" + "".join(f"; {name}: {why}" for name, why in measured.not_run.items()))
    say(f"on this CPU ({measured.cpu.int8_instructions}) use {measured.cpu.file}: {measured.cpu.why}")


def _write_files(
    params: ExportParams, net: nn.Module, ruler: Ruler, *, student: Path, calibration: Path, folder: Path
) -> tuple[dict[str, Any], Int8Files]:
    """Write every file; returns the sidecar's facts about how INT8 and the engine were made, and more about INT8."""
    shutil.copyfile(student / WEIGHTS_NAME, folder / WEIGHTS_NAME)  # batch norm is gone from the other files
    if (student / LEARNT_NAME).is_file():
        shutil.copyfile(student / LEARNT_NAME, folder / LEARNT_NAME)
    meta = ruler.meta
    write_fp32(net, meta, folder / ONNX_FP32)
    clipped = write_fp16(folder / ONNX_FP32, folder / ONNX_FP16)
    crops = calibration_people(calibration, meta, params)
    int8 = write_int8_files(params, ruler, crops, folder)
    facts: dict[str, Any] = {
        "fp16_weights_cut_off": clipped,
        "calibration": int8.facts | {"data_sha256": sha256_file(calibration)},
    }
    if params.graph.takes != "nothing":
        write_graph(folder, meta, params.graph.takes, params.graph.network)
        facts[RECORD] = describe(meta, params.graph.takes, NETWORK_FILES[params.graph.network])
    if params.engine:
        facts["engine"] = build_engine(
            folder / ONNX_FP16,
            folder / ENGINE,
            meta,
            typical_batch=params.typical_batch,
            max_batch=params.max_batch,
            capabilities=[str(capability) for capability in params.engine_capabilities],
        )
    return facts, int8


def _file_records(folder: Path, measured: Measured) -> dict[str, dict[str, Any]]:
    """What the sidecar says about each file, with its latency for the gate, which does not measure any itself."""
    records: dict[str, dict[str, Any]] = {}
    for key, (precision, use) in _FILE_FACTS.items():
        path = folder / FILES[key]
        if not path.exists():
            continue
        facts: dict[str, Any] = {"precision": precision, "use": use} if precision else {"use": use}
        if key in measured.ran_by and measured.ran_by[key] != REFERENCE:
            facts |= {"runner": measured.ran_by[key], "latency_ms": median_ms(measured.metrics, key)}
        records[path.name] = file_record(path, **facts)
    if (folder / LEARNT_NAME).is_file():
        records[LEARNT_NAME] = file_record(folder / LEARNT_NAME, use="the gate: which pictures the network learnt from")
    return records


def _lineage(student: Path, meta: ModelMeta, data: Mapping[str, Path]) -> dict[str, Any]:
    return {
        "student_sha256": sha256_file(student / WEIGHTS_NAME),
        "student": dict(meta.lineage),
        "data_sha256": {name: sha256_file(path) for name, path in data.items()},
        "code_revision": code_revision(),
    }
