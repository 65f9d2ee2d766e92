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
    place = () if takes == CROPS else PLACE
    before, behind = makes(meta), answer_to_joints(meta, with_place=bool(place))
    for part in (before, behind):
        part.ir_version = middle.ir_version
        del part.opset_import[:]
        part.opset_import.extend(middle.opset_import)
    before = onnx.compose.add_prefix(before, "feed/", rename_inputs=False, rename_outputs=False)
    behind = onnx.compose.add_prefix(behind, "read/", rename_inputs=False, rename_outputs=False)
    fed = onnx.compose.merge_models(before, middle, [(INPUT, INPUT)])
    carried = [(name, name) for name in (*meta.reader.outputs, *place)]
    whole = onnx.compose.merge_models(fed, behind, carried, outputs=list(OUTPUTS))
    onnx.checker.check_model(whole, full_check=True)
    return whole
