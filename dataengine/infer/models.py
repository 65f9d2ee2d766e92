"""Whatever is named as a model, opened: a checkpoint, an export, one file of an export, a network that was adopted."""

from dataclasses import dataclass
from pathlib import Path

from dataengine.adopted.runner import load_adopted_runner
from dataengine.errors import EnvironmentFault, InputError
from dataengine.hardware.threads import available_cores
from dataengine.inference.choose_runner import choose_runner, open_named
from dataengine.inference.exported import ENGINE, ONNX_FP32, ONNX_GRAPH, SIDECAR, ExportedModel, load_exported
from dataengine.inference.in_graph import PictureGraph, open_graph
from dataengine.inference.running.devices import Device, choose_device
from dataengine.inference.running.predict import Runner, load_runner, onnx_runner
from dataengine.inference.shipped.runners import candidates
from dataengine.nets.checkpoint import META_NAME, ModelMeta

EXPECTED = "a fit's checkpoint, an export, one of its .onnx files or its engine, or what `dataengine adopt` wrote"


@dataclass(frozen=True, eq=False)
class OpenModel:
    """A network that can be asked about crops."""

    runner: Runner | PictureGraph
    meta: ModelMeta
    line: str
    """What runs it, in words; "" where that has been said."""


def open_model(path: Path, device: Device = "auto", threads: int | None = None) -> OpenModel:
    """Open the model in the folder, or the file of an export, `path`.

    An export runs by the first of its runners for a GPU that works; on a CPU, by the file that its sidecar recommends,
    with as many `threads` of ONNX Runtime (None: a thread for each core).

    Raises:
        InputError: `path` holds no model, or a damaged one.
        EnvironmentFault: the device that is asked for is not there, or does not run it.
    """
    if path.is_file() and (path.parent / SIDECAR).is_file():
        return _file_of_export(path, device, threads)
    if not (path / META_NAME).is_file():
        got = "nothing there" if not path.exists() else f"no {META_NAME} in it" if path.is_dir() else "a lone file"
        raise InputError(f"{path} is not a model", expected=EXPECTED, got=got)
    if not (path / ONNX_FP32).is_file():
        runner, meta = load_runner(path, device)
        return OpenModel(runner, meta, "")
    exported = load_exported(path)
    if exported.is_adopted:
        return _adopted(path, threads)
    if choose_device(device).type == "cuda":
        chosen = choose_runner(candidates(available_cores())[:-1], [exported])
        return OpenModel(chosen.runners[0], exported.meta, chosen.line())
    recommended = exported.sidecar.get("cpu") or {}
    return _on_cpu(exported, str(recommended.get("file", ONNX_FP32)), threads)


def _file_of_export(path: Path, device: Device, threads: int | None) -> OpenModel:
    exported = load_exported(path.parent)
    if path.name not in exported.sha256:
        raise InputError(
            f"{path} is not a file of the export", expected=", ".join(sorted(exported.sha256)), got=path.name
        )
    if path.name == ENGINE:
        engine = next(one for one in candidates(available_cores()) if one.file == ENGINE)
        return OpenModel(open_named(engine, [exported]).runners[0], exported.meta, f"{path} runs by {engine.words}")
    if path.suffix != ".onnx":
        raise InputError(f"{path} is not run by itself", expected="an .onnx file or the engine", fix="give its folder")
    if device == "cuda":
        fix = "give the export's folder, which takes what runs there, or --device cpu"
        raise EnvironmentFault(f"{path.name} is run on the CPU", fix=fix)
    if exported.is_adopted:
        return _adopted(path.parent, threads)
    if path.name == ONNX_GRAPH:
        line = f"{path} predicts with ONNX Runtime on the CPU, and decodes by itself"
        return OpenModel(open_graph(exported, threads or available_cores()), exported.meta, line)
    return _on_cpu(exported, path.name, threads)


def _adopted(folder: Path, threads: int | None) -> OpenModel:
    runner, meta = load_adopted_runner(folder, threads or available_cores())
    return OpenModel(runner, meta, f"{folder}, adopted, predicts with ONNX Runtime on the CPU")


def _on_cpu(exported: ExportedModel, file: str, threads: int | None) -> OpenModel:
    runner = onnx_runner(exported.folder / file, threads or available_cores())
    return OpenModel(runner, exported.meta, f"{exported.folder / file} predicts with ONNX Runtime on the CPU")
