#!/usr/bin/env bash
# onnxruntime 1.32.0: quantised per channel, an output channel pruned to zero loses its bias.
#
# Expected: a channel whose weights are all zero gives its bias, a constant, which int32 holds with ease. Per-channel
#   scales are finer than one scale for all, never coarser.
# Seen: the channel's weight scale becomes 1.0, and since the bias is stored in steps of input scale times weight
#   scale, it is rounded to whole steps of the INPUT. For a first layer that takes pixels of 0 to 255 (normalisation
#   folded into it) the step is 1.0: a bias of 0.30 becomes 0.00 and 0.60 becomes 1.00, 25 times the error of
#   the other channels. Per tensor, or with 1e-9 in place of 0, the bias is kept to half a step of the output.
# Why it matters: structured pruning, and channels that died in training, leave such zeros in pose backbones; batch
#   norm folded into the convolution leaves them a bias. The next layer sees a constant offset over the whole picture,
#   so the int8 engine is off everywhere though the weights round without any error.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6 sympy==1.14.0

cat >"$work/measure.py" <<'PY'
import logging
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

logging.disable(logging.WARNING)
work, PRUNED = Path(sys.argv[1]), 2
pictures = np.random.default_rng(1).uniform(0, 255, (8, 1, 3, 16, 16)).astype(np.float32)


def save_layer(path, weight, bias):
    """Conv and ReLU on pixels of 0 to 255, one channel with every weight `weight` and bias `bias`."""
    rng = np.random.default_rng(0)
    weights, biases = rng.normal(0, 0.3 / 255, (8, 3, 3, 3)), rng.normal(0, 0.1, 8)
    weights[PRUNED], biases[PRUNED] = weight, bias
    arrays = [numpy_helper.from_array(v.astype(np.float32), n) for n, v in (("w", weights), ("b", biases))]
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=[1] * 4), helper.make_node("Relu", ["c"], ["y"])]
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, c, 16, 16]) for n, c in (("x", 3), ("y", 8)))
    graph = helper.make_graph(nodes, "layer", [x], [y], arrays)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)


class Pictures(CalibrationDataReader):
    def __init__(self):
        self.left = [{"x": picture} for picture in pictures]

    def get_next(self):
        return self.left.pop() if self.left else None


def run(path):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": pictures[0]})[0][0]


def measure(bias, weight, per_channel):
    """Output of the pruned channel and the largest error of the others, quantised."""
    save_layer(work / "float.onnx", weight, bias)
    quantize_static(
        work / "float.onnx",
        work / "int8.onnx",
        Pictures(),
        per_channel=per_channel,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
    )
    exact, rounded = run(work / "float.onnx"), run(work / "int8.onnx")
    others = np.abs(np.delete(exact - rounded, PRUNED, axis=0)).max()
    scale = {i.name: numpy_helper.to_array(i) for i in onnx.load(work / "int8.onnx").graph.initializer}["w_scale"]
    pruned = float(rounded[PRUNED].mean())
    print(
        f"bias {bias:.2f}, weights {weight:g}, {'per channel' if per_channel else 'per tensor '}: weight scale "
        f"{np.broadcast_to(scale, 8)[PRUNED]:.2g}, channel gives {pruned:.3f}; others are off by {others:.3f} at most"
    )
    return pruned, others


print(f"onnxruntime {onnxruntime.__version__}")
for bias, lost in ((0.3, 0.0), (0.6, 1.0)):
    pruned, others = measure(bias, 0.0, True)
    assert abs(pruned - lost) < 0.02 and others < 0.03, "a pruned channel's bias is rounded differently now"
    for weight, per_channel in ((0.0, False), (1e-9, True)):
        assert abs(measure(bias, weight, per_channel)[0] - bias) < 0.02, "the bias is lost here too now"
PY
"$work/venv/bin/python" "$work/measure.py" "$work"
