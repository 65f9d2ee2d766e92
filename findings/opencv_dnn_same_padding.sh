#!/usr/bin/env bash
# opencv-python-headless 5.0.0.93: cv2.dnn pads SAME_UPPER on the wrong side; 4.14.0.94 does so with SAME_LOWER. With each
#   layer of stride 2 the picture moves on.
#
# Expected: auto_pad=SAME_UPPER puts the odd pixel of padding at the right and at the bottom, SAME_LOWER at the left and the
#   top, in every version, as ONNX says and ONNX Runtime does.
# Seen: in 5.0.0.93 both are at the left and the top, for Conv, depthwise Conv and MaxPool; in 4.14.0.94 both are at
#   the right and the bottom. Where the padding is even (stride 1 with odd kernels, odd sizes), nothing shows. The same
#   network with its pads written out is right in both.
# Why it matters: SAME is how networks of TensorFlow and Keras pad (MoveNet, BlazePose, EfficientNet), and each halving
#   doubles the error: five layers of stride 2 look 31 pixels further to the left and up than they were trained to. The
#   answer is a pose with plausible scores that lies off, or a weaker network; an upgrade from 4.14 is enough.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip() { "$work/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
pip numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0

cat >"$work/measure.py" <<'PY'
"""A picture whose pixels say where they are, through layers that pass on the middle of their window."""

import cv2
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

SIDE = 128
PADS = {"SAME_UPPER": [0, 0, 1, 1], "SAME_LOWER": [1, 1, 0, 0]}


def answers(kind, layers, padding):
    """ONNX Runtime's and OpenCV's answer to the picture, whose channels are x and y."""
    middle = np.zeros((2, 1 if kind == "depthwise" else 2, 3, 3), np.float32)
    for channel in range(2):
        middle[channel, 0 if kind == "depthwise" else channel, 1, 1] = 1
    nodes = []
    for layer in range(layers):
        names = [f"t{layer}", f"t{layer + 1}"]
        if kind == "MaxPool":
            nodes.append(helper.make_node(kind, names[:1], names[1:], kernel_shape=[3, 3], strides=[2, 2], **padding))
        else:
            group = 2 if kind == "depthwise" else 1
            nodes.append(helper.make_node("Conv", [names[0], "w"], names[1:], strides=[2, 2], group=group, **padding))
    side = SIDE >> layers
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "layers",
            [helper.make_tensor_value_info("t0", TensorProto.FLOAT, (1, 2, SIDE, SIDE))],
            [helper.make_tensor_value_info(f"t{layers}", TensorProto.FLOAT, (1, 2, side, side))],
            [] if kind == "MaxPool" else [numpy_helper.from_array(middle, "w")],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    onnx.checker.check_model(model, full_check=True)
    written = model.SerializeToString()
    picture = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE)))[None].astype(np.float32)
    reference = onnxruntime.InferenceSession(written, providers=["CPUExecutionProvider"]).run(None, {"t0": picture})[0]
    net = cv2.dnn.readNetFromONNX(np.frombuffer(written, np.uint8))
    net.setInput(picture, "t0")
    return reference, net.forward()


new = int(cv2.__version__.split(".")[0]) >= 5
print(f"OpenCV {cv2.__version__}: pixels by which an answer comes from elsewhere, (x, y), by layers of stride 2")
for kind in ("Conv", "depthwise", "MaxPool"):
    for name, pads in PADS.items():
        for padding in ({"auto_pad": name}, {"pads": pads}):
            off = []
            for layers in (1, 3, 5):
                reference, seen = answers(kind, layers, padding)
                assert seen.shape == reference.shape
                off.append((seen - reference).astype(float)[0, :, 1:, 1:].reshape(2, -1).mean(1).round(2).tolist())
            print(f"  {kind} {padding}: 1: {off[0]}, 3: {off[1]}, 5: {off[2]}")
            wrong = np.abs(off).max() > 0
            if "pads" in padding:
                assert not wrong, "changed: explicit pads"
            elif new:
                assert wrong == (name == "SAME_UPPER"), f"changed: {kind} {name}"
            else:
                assert wrong == (name == "SAME_LOWER"), f"changed: {kind} {name}"
            if new and kind != "MaxPool" and padding == {"auto_pad": "SAME_UPPER"}:
                assert off[2] == [-31.0, -31.0], "changed: five layers"
PY
for version in 4.14.0.94 5.0.0.93; do
    pip opencv-python-headless==$version
    "$work/venv/bin/python" "$work/measure.py"
done
echo "as described"
