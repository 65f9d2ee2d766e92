#!/usr/bin/env bash
# onnxslim 0.1.98: a window over the columns or rows of a heatmap becomes a factor of its channels, where there are as
#   many channels as columns.
#
# Expected: a factor behind a convolution can be folded into its weights if it has one value for each channel, which has
#   the shape C x 1 x 1; one of shape W, or H x 1, says another thing for each column or row and has to stay.
# Seen: shapes are not looked at. What has as many values as there are output channels is taken for theirs, so 64
#   channels of 64x48 that are multiplied by a Hann window down the rows lose the Mul, and channel 31 is multiplied by
#   what was meant for row 31: answers are off by nine tenths of the largest one. With 32 channels, with Div, or with
#   the window written as a whole map, nothing is changed. Convolutions and transposed ones alike; outputs keep their
#   shape, nothing warns.
# Why it matters: exporters of pose and detection networks run this over each file by default. Networks of 32, 48, 64 or
#   96 channels have maps of as many pixels, and windows, coordinates and masks by row or column are common in trackers
#   and integral regression; the same network at another input size comes out right.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip() { "$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check "$@"; }
pip onnxslim==0.1.98 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 sympy==1.14.0

cat >"$work/measure.py" <<'PY'
import logging

import numpy as np
import onnx
import onnxruntime
import onnxslim
from onnx import TensorProto, helper, numpy_helper

logging.disable(logging.WARNING)
HEIGHT, WIDTH = 64, 48
chance = np.random.default_rng(0)
features = chance.normal(size=(1, 4, HEIGHT, WIDTH)).astype(np.float32)
ROWS = np.hanning(HEIGHT + 2)[1:-1].reshape(HEIGHT, 1)
COLUMNS = np.hanning(WIDTH + 2)[1:-1]


def network(layer, channels, operator, window):
    """A layer that keeps the size of its maps, and a window over them."""
    shape = (channels, 4, 3, 3) if layer == "Conv" else (4, channels, 3, 3)
    arrays = {"weights": chance.normal(size=shape), "window": window}
    nodes = [
        helper.make_node(layer, ["features", "weights"], ["maps"], pads=[1, 1, 1, 1]),
        helper.make_node(operator, ["maps", "window"], ["windowed"]),
    ]
    inputs, outputs = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, depth, HEIGHT, WIDTH])]
        for name, depth in (("features", 4), ("windowed", channels))
    )
    values = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in arrays.items()]
    graph = helper.make_graph(nodes, "network", inputs, outputs, values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def run(model):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"features": features})[0]


def share_off(model):
    """The largest error of the slimmed network, as a share of the largest answer, and its operators."""
    slimmed = onnxslim.slim(model)
    before, after = run(model), run(slimmed)
    assert before.shape == after.shape, "changed: the shape of the answer"
    return float(np.abs(after - before).max() / np.abs(before).max()), [node.op_type for node in slimmed.graph.node]


CASES = (
    ("Conv", 64, "Mul", "rows", ROWS, True),
    ("ConvTranspose", 64, "Mul", "rows", ROWS, True),
    ("Conv", 48, "Mul", "columns", COLUMNS, True),
    ("Conv", 32, "Mul", "rows", ROWS, False),
    ("Conv", 48, "Mul", "rows", ROWS, False),
    ("Conv", 64, "Div", "rows", 1 / ROWS, False),
    ("Conv", 64, "Mul", "rows, written as a map", np.repeat(ROWS, WIDTH, axis=1), False),
    ("Conv", 64, "Mul", "channels", ROWS.reshape(64, 1, 1), False),
)
print(f"onnxslim {onnxslim.__version__}, maps of {HEIGHT}x{WIDTH}")
for layer, channels, operator, name, window, wrong in CASES:
    off, left = share_off(network(layer, channels, operator, window))
    print(f"{layer} to {channels} channels, {operator} by {name}: {left}, off by {off:.1%} of the largest answer")
    assert (off > 0.5) == wrong, "changed: what is folded"
    assert wrong or off < 1e-4, "changed: another one is off"
    assert not wrong or left == [layer], "changed: the Mul stays"
print("as described")
PY
"$work/venv/bin/python" "$work/measure.py"
