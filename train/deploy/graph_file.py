"""`model_graph.onnx`: a network's file with normalising, and by choice cropping, before it and decoding behind it.

Three graphs are joined by the names of their tensors: `graph_feeding` from pixels to the network's input, the file as
it is (FP32, FP16 or INT8), and `graph_reading` from its answer to joints.
"""

from pathlib import Path

import onnx

from dataengine.inference.exported import INPUT, ONNX_FP16, ONNX_FP32, ONNX_GRAPH, ONNX_INT8
from dataengine.inference.in_graph import CROPS, OUTPUTS, Takes
from dataengine.nets.checkpoint import ModelMeta

from .graph_feeding import crops_to_images, picture_to_images
from .graph_reading import PLACE, answer_to_joints
from .params import GraphNetwork

NETWORK_FILES: dict[GraphNetwork, str] = {"fp32": ONNX_FP32, "fp16": ONNX_FP16, "int8": ONNX_INT8}


def write_graph(folder: Path, meta: ModelMeta, takes: Takes, network: GraphNetwork) -> None:
    """Write it next to the network's file, which lies in `folder`."""
    onnx.save(graph_around(folder / NETWORK_FILES[network], meta, takes), str(folder / ONNX_GRAPH))


def graph_around(network: Path, meta: ModelMeta, takes: Takes) -> onnx.ModelProto:
    """The file `network` with what stands before and behind it."""
    middle = onnx.load(str(network))
    makes = crops_to_images if takes == CROPS else picture_to_images
    before = _like(makes(meta), middle, "feed/")
    fed = onnx.compose.merge_models(before, middle, [(INPUT, INPUT)])
    return _read(fed, meta, () if takes == CROPS else PLACE)


def network_to_joints(network: Path, meta: ModelMeta) -> onnx.ModelProto:
    """The file `network` with decoding behind it: normalised images (batch, 3, H, W) to `OUTPUTS` in crop pixels."""
    return _read(onnx.load(str(network)), meta, ())


def _read(network: onnx.ModelProto, meta: ModelMeta, place: tuple[str, ...]) -> onnx.ModelProto:
    behind = _like(answer_to_joints(meta, with_place=bool(place)), network, "read/")
    carried = [(name, name) for name in (*meta.reader.outputs, *place)]
    whole = onnx.compose.merge_models(network, behind, carried, outputs=list(OUTPUTS))
    onnx.checker.check_model(whole, full_check=True)
    return whole


def _like(part: onnx.ModelProto, other: onnx.ModelProto, prefix: str) -> onnx.ModelProto:
    """A part in the versions of `other`, its tensors inside renamed so that none has two meanings."""
    part.ir_version = other.ir_version
    del part.opset_import[:]
    part.opset_import.extend(other.opset_import)
    return onnx.compose.add_prefix(part, prefix, rename_inputs=False, rename_outputs=False)
