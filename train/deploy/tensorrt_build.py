"""TensorRT engines built from ONNX files; `dataengine.inference.shipped` runs them.

`engine_library` says which library builds, and for which GPUs. Networks are strongly typed (the only kind
since TensorRT 11): precision is what the ONNX file says, FP16 weights or Q/DQ pairs.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dataengine.errors import EnvironmentFault, InputError
from dataengine.files import atomic_path
from dataengine.inference.exported import INPUT
from dataengine.inference.shipped import engine_library
from dataengine.inference.shipped.engine_runner import check_plan, engine_notes
from dataengine.nets.checkpoint import ModelMeta


def build_engine(
    onnx_path: Path,
    path: Path,
    meta: ModelMeta,
    *,
    typical_batch: int,
    max_batch: int,
    capabilities: Sequence[str] = (),
) -> dict[str, Any]:
    """Compile `onnx_path` for batches of 1 to `max_batch`, fastest at `typical_batch`; return how it was built.

    `capabilities` are the compute capabilities to build for; empty: this machine's GPU, or the library's own choice.

    Raises:
        ParamsError: the library does not serve one of `capabilities`.
        EnvironmentFault: no library is installed, or it cannot build on this machine (`tensorrt` needs a GPU).
        InputError: the library does not understand the network.
    """
    gpu = engine_library.gpu_capability()
    library = engine_library.find_library(gpu)
    targets = engine_library.engine_targets(library, capabilities, gpu)
    notes = engine_notes(library.module)
    try:
        shapes = _profile_shapes(meta, typical_batch, max_batch)
        engine = _compile(library, notes, onnx_path, shapes=shapes, targets=targets)
    except (RuntimeError, TypeError) as error:  # pybind reports a builder that could not start as a TypeError
        raise EnvironmentFault(f"{library.name} cannot build here", got=str(error), fix=_FIX) from error
    if engine is None:
        raise EnvironmentFault(f"{library.name} built no engine", got=notes.said(), fix=_FIX)
    with atomic_path(path) as partial:
        partial.write_bytes(engine)
    check_plan(path, library.name)
    return {
        "builder": library.name,
        "version": library.version,
        "built_from": onnx_path.name,
        "capabilities": list(targets),  # empty: the library's own choice
        "batch": {"min": 1, "typical": typical_batch, "max": max_batch},
    }


_FIX = "build on a machine with a GPU, install tensorrt-rtx-cu13, or set export.engine to false"


def _profile_shapes(meta: ModelMeta, typical: int, largest: int) -> list[tuple[int, int, int, int]]:
    return [(batch, 3, meta.input_height_px, meta.input_width_px) for batch in (1, typical, largest)]


def _compile(
    library: engine_library.EngineLibrary,
    notes: Any,
    onnx_path: Path,
    *,
    shapes: list[tuple[int, int, int, int]],
    targets: Sequence[str],
) -> bytes | None:
    trt = library.module
    builder = trt.Builder(notes)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, notes)
    if not parser.parse(onnx_path.read_bytes()):
        faults = "; ".join(str(parser.get_error(i)) for i in range(parser.num_errors))
        raise InputError(f"TensorRT cannot read {onnx_path}", got=faults)
    profile = builder.create_optimization_profile()
    profile.set_shape(INPUT, *shapes)
    config = builder.create_builder_config()
    config.add_optimization_profile(profile)
    if library.served and targets:
        config.num_compute_capabilities = len(targets)
        for index, capability in enumerate(targets):
            config.set_compute_capability(getattr(trt.ComputeCapability, "SM" + capability.replace(".", "")), index)
    engine = builder.build_serialized_network(network, config)
    return None if engine is None else bytes(engine)
