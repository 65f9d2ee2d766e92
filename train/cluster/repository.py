"""A model repository of NVIDIA Triton: an ensemble that takes a picture with boxes and answers with joints.

Three steps, each an ONNX graph that Triton's ONNX Runtime backend runs, so no Python runs in the server:
``<name>-crops`` cuts and normalises, ``<name>-network`` is the network, ``<name>-joints`` decodes. The network batches
people of different requests; the two around it see one request each. Triton checks shapes between a step with batches
and one without by the full shape, the batch first (its ensemble_utils.cc).
"""

import shutil
from pathlib import Path
from typing import Any

import onnx

from dataengine.errors import InputError
from dataengine.inference.exported import INPUT, ExportedModel
from dataengine.inference.in_graph import BOXES, OUTPUTS, PICTURE

from ..deploy.graph_feeding import picture_to_images
from ..deploy.graph_file import NETWORK_FILES
from ..deploy.graph_reading import PLACE, answer_to_joints
from .params import DeployParams
from .pbtxt import Word, as_text

CONFIG, VERSION, MODEL = "config.pbtxt", "1", "model.onnx"
TYPES: dict[int, Word] = {onnx.TensorProto.UINT8: Word("TYPE_UINT8"), onnx.TensorProto.FLOAT: Word("TYPE_FP32")}
EMPTY = "An ensemble has no file of its own; Triton asks for the folder of a version all the same.\n"


def write_repository(folder: Path, model: ExportedModel, params: DeployParams) -> None:
    """Write the ensemble and its three steps to `folder`, which must not exist.

    Raises:
        InputError: the network was adopted, or the export lacks the file that `params.network` names.
    """
    if model.is_adopted:
        raise InputError(f"{model.folder} was adopted", expected="an export, whose crops and head are known")
    network = model.folder / NETWORK_FILES[params.network]
    if not network.is_file():
        raise InputError(f"{network} is missing", fix="take another deploy.network, or export again")
    steps = {f"{params.name}-crops": picture_to_images(model.meta)}
    steps[f"{params.name}-network"] = onnx.load(str(network))
    steps[f"{params.name}-joints"] = answer_to_joints(model.meta, with_place=True)
    for name, graph in steps.items():
        version = folder / name / VERSION
        version.mkdir(parents=True)
        onnx.checker.check_model(graph, full_check=True)
        onnx.save(graph, str(version / MODEL))
        max_batch = params.max_batch if name.endswith("-network") else 0
        (folder / name / CONFIG).write_text(as_text(_step(name, graph, max_batch, params)), encoding="utf-8")
    shutil.copyfile(network, folder / f"{params.name}-network" / VERSION / MODEL)  # byte for byte as it was measured
    (folder / params.name / VERSION).mkdir(parents=True)
    (folder / params.name / VERSION / "EMPTY").write_text(EMPTY, encoding="utf-8")
    ensemble = _ensemble(params.name, model, steps)
    (folder / params.name / CONFIG).write_text(as_text(ensemble), encoding="utf-8")


def _step(name: str, graph: onnx.ModelProto, max_batch: int, params: DeployParams) -> dict[str, Any]:
    """The configuration of one graph; `max_batch` 0: each request by itself."""
    device = {"kind": Word("KIND_GPU")} if params.gpus else {"kind": Word("KIND_CPU")}
    config: dict[str, Any] = {
        "name": name,
        "backend": "onnxruntime",
        "max_batch_size": max_batch,
        "input": [_tensor(each, max_batch > 0) for each in graph.graph.input],
        "output": [_tensor(each, max_batch > 0) for each in graph.graph.output],
        "instance_group": [{"count": 1, **device}],
    }
    if max_batch:
        config["dynamic_batching"] = {"max_queue_delay_microseconds": params.queue_delay_us}
    return config


def _ensemble(name: str, model: ExportedModel, steps: dict[str, onnx.ModelProto]) -> dict[str, Any]:
    crops, network, joints = steps
    heads = list(model.meta.reader.outputs)
    asked = [_tensor(each, False) for each in steps[crops].graph.input]
    answered = [_tensor(each, False) for each in steps[joints].graph.output]
    return {
        "name": name,
        "platform": "ensemble",
        "max_batch_size": 0,
        "input": asked,
        "output": answered,
        "ensemble_scheduling": {
            "step": [
                _mapped(crops, {PICTURE: PICTURE, BOXES: BOXES}, {each: each for each in (INPUT, *PLACE)}),
                _mapped(network, {INPUT: INPUT}, {each: each for each in heads}),
                _mapped(joints, {each: each for each in (*heads, *PLACE)}, {each: each for each in OUTPUTS}),
            ]
        },
    }


def _mapped(model: str, inputs: dict[str, str], outputs: dict[str, str]) -> dict[str, Any]:
    """A step of the ensemble: tensors of the model -> tensors of the ensemble."""
    return {
        "model_name": model,
        "model_version": -1,  # the newest
        "input_map": [{"key": own, "value": shared} for own, shared in inputs.items()],
        "output_map": [{"key": own, "value": shared} for own, shared in outputs.items()],
    }


def _tensor(value: onnx.ValueInfoProto, batched: bool) -> dict[str, Any]:
    """Name, type and shape; sizes that vary are -1, and where Triton batches, the first axis is left out."""
    kind = value.type.tensor_type
    dims = [-1 if size.dim_param else size.dim_value for size in kind.shape.dim]
    return {"name": value.name, "data_type": TYPES[kind.elem_type], "dims": dims[1:] if batched else dims}
