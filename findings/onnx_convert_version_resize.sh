#!/usr/bin/env bash
# onnx 1.23.2: version_converter moves what a bilinear Resize of opset 10, or an Upsample, enlarges.
#
# Expected: a file brought to a later opset gives the answers that it gave. Up to opset 10 an output pixel lies at x /
#   scale of the input; opset 11 calls that "asymmetric" and has "half_pixel" as its default, so the converter has to
#   write the attribute.
# Seen: it writes `mode` and nothing else, so half_pixel comes into force. A peak that lay at 14.0 px after enlarging
#   twice lies at 14.5 px, after enlarging four times at 29.5 instead of 28.0, halved at 3.25 instead of 3.5: (scale -
#   1) / 2 px, downwards and to the right. Upsample of opset 9 goes the same way. mode "nearest" by a whole number is
#   not affected. The checker is content, and shapes are equal.
# Why it matters: engines ask for a later opset than an old pose file has, and this is the tool that brings it there.
#   Three enlargements by two move every joint by 3.5 px of the last map, or 0.44 px of the map that was enlarged.
#   Set coordinate_transformation_mode to "asymmetric" by hand.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6

cat >"$work/measure.py" <<'PY'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper, version_converter

rows, columns = np.mgrid[:16, :16]
PEAK = np.exp(-((columns - 7) ** 2 + (rows - 7) ** 2) / 8).astype(np.float32)[None, None]


def network(operator, opset, mode, scale, times=1):
    names = ["x", *(f"x{number}" for number in range(1, times)), "y"]
    nodes = [helper.make_node(operator, [a, "scales"], [b], mode=mode) for a, b in zip(names, names[1:])]
    scales = numpy_helper.from_array(np.array([1, 1, scale, scale], np.float32), "scales")
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, None, None]) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "enlarge", ends[:1], ends[1:], [scales])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def place(model):
    """Column of the peak's centroid in what the network answers."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    answer = session.run(None, {"x": PEAK})[0][0, 0]
    return float((answer.sum(0) * np.arange(answer.shape[1])).sum() / answer.sum())


def moved(*case):
    model = network(*case)
    later = version_converter.convert_version(model, 17)
    onnx.checker.check_model(later)
    node = later.graph.node[-1]
    written = {one.name for one in node.attribute}
    assert node.op_type == "Resize" and "coordinate_transformation_mode" not in written, "changed: the converter writes the mode"
    before, after = place(model), place(later)
    by_hand = onnx.ModelProto.FromString(later.SerializeToString())
    for one in by_hand.graph.node:
        if one.op_type == "Resize":
            one.attribute.append(helper.make_attribute("coordinate_transformation_mode", "asymmetric"))
    print(f"{case}: {before:.2f} px, at opset 17 {after:.2f} px, with asymmetric written by hand {place(by_hand):.2f} px")
    assert case[2] == "nearest" or abs(place(by_hand) - before) < 1e-3
    return after - before


print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}: (operator, opset, mode, scale) and the peak's place")
for case, expected in {
    ("Resize", 10, "linear", 2): 0.5,
    ("Resize", 10, "linear", 4): 1.5,
    ("Resize", 10, "linear", 0.5): -0.25,
    ("Upsample", 9, "linear", 2): 0.5,
    ("Upsample", 9, "linear", 4): 1.5,
    ("Resize", 10, "nearest", 2): 0.0,
    ("Resize", 10, "linear", 2, 3): 3.5,
}.items():
    assert abs(moved(*case) - expected) < 0.05, "changed: the peak moves by another distance"
print("as described")
PY
"$work/venv/bin/python" "$work/measure.py"
