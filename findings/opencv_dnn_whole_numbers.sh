#!/usr/bin/env bash
# opencv-python-headless 4.13.0.92 and 4.14.0.94: cv2.dnn divides whole numbers as fractions and leaves out a pool's padding;
#   5.0.0.93 does both right.
#
# Expected: a file that loads without an error answers as ONNX defines it: a quotient of int64 is cut to a whole number,
#   Cast to int64 cuts as well, and AveragePool with count_include_pad=1 divides by the whole window.
# Seen: the usual end of a heatmap network, ArgMax over height * width, row = index / width, column = index - row * width,
#   gives rows with a fraction (5.58 for 5, 10.92 for 10) and column 0 for every joint, as everything is computed in float32
#   and no cast cuts. Mod and Floor are right. An average of ones over a padded border is 1 instead of 4/9 and 2/3, as
#   count_include_pad is not looked at.
# Why it matters: both are what PyTorch's exporters write: `index // width` becomes an int64 Div, and nn.AvgPool2d counts
#   its padding by default. Rows look like sub-pixel answers and lie half a cell too far down on average; a pooled border
#   is too bright in every layer behind it. ONNX Runtime, with which the export was checked, shows neither.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip() { "$work/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
pip numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0

cat >"$work/measure.py" <<'PY'
import cv2
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

JOINTS = [(5, 7), (10, 11), (3, 0)]  # row, column
HEIGHT, WIDTH = 16, 12


def answers(nodes, value, shape, **constants):
    """What ONNX Runtime and OpenCV make of a small network."""
    graph = helper.make_graph(
        nodes,
        "part",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, value.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(np.asarray(number), name) for name, number in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    written = model.SerializeToString()
    reference = onnxruntime.InferenceSession(written, providers=["CPUExecutionProvider"]).run(None, {"x": value})[0]
    net = cv2.dnn.readNetFromONNX(np.frombuffer(written, np.uint8))
    net.setInput(value, "x")
    return reference, np.asarray(net.forward()).reshape(reference.shape)


heatmaps = np.zeros((1, len(JOINTS), HEIGHT, WIDTH), np.float32)
for joint, (row, column) in enumerate(JOINTS):
    heatmaps[0, joint, row, column] = 1
node = helper.make_node
decoder = [
    node("Reshape", ["x", "flat"], ["rows"]),
    node("ArgMax", ["rows"], ["index"], axis=2, keepdims=0),
    node("Div", ["index", "width"], ["row"]),
    node("Mul", ["row", "width"], ["start"]),
    node("Sub", ["index", "start"], ["column"]),
    node("Mod", ["index", "width"], ["rest"]),
]
numbers = {"flat": np.array([1, len(JOINTS), -1], np.int64), "width": np.array(WIDTH, np.int64)}
new = int(cv2.__version__.split(".")[0]) >= 5
print(f"OpenCV {cv2.__version__}")
rows, columns = (list(one) for one in zip(*JOINTS, strict=True))
for name, true, steps in (("row", rows, 3), ("column", columns, 5), ("rest", columns, 6)):
    cast = node("Cast", [name], ["y"], to=TensorProto.FLOAT)
    reference, seen = answers([*decoder[:steps], cast], heatmaps, (1, len(JOINTS)), **numbers)
    rounded = [round(float(one), 2) for one in seen[0]]
    print(f"  {name}: true {true}, ONNX Runtime {reference[0].tolist()}, OpenCV {rounded}")
    assert reference[0].tolist() == true, "the reference is wrong"
    assert np.allclose(seen, reference) == (new or name == "rest"), f"changed: {name}"

pool = [node("AveragePool", ["x"], ["y"], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4, count_include_pad=1)]
reference, seen = answers(pool, np.ones((1, 1, 8, 8), np.float32), (1, 1, 4, 4))
print(f"  first row of a padded average of ones: ONNX Runtime {reference[0, 0, 0].round(3)}, OpenCV {seen[0, 0, 0].round(3)}")
assert np.allclose(reference[0, 0, 0], [4 / 9, 2 / 3, 2 / 3, 2 / 3])
assert np.allclose(seen, reference if new else 1), "changed: the pool"
PY
for version in 4.13.0.92 4.14.0.94 5.0.0.93; do
    pip opencv-python-headless==$version
    "$work/venv/bin/python" "$work/measure.py"
done
echo "as described"
