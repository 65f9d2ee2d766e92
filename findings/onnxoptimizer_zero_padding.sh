#!/usr/bin/env bash
# onnxoptimizer 0.4.2: zeros that are padded before a maximum are taken away, and a Reshape that keeps a length keeps
#   another one.
#
# Expected: what `optimize` does with its default passes leaves answers as they are. MaxPool's own padding counts as
#   minus infinity, so zeros around a map of negative values are another thing; a 0 in Reshape's target keeps the length
#   of its own input, so two Reshapes in a row are one only if the 0 is worked out first.
# Seen: fuse_pad_into_pool makes MaxPool's padding of a Pad by zero. Behind ReLU that is the same; behind SiLU, GELU or
#   a batch norm each place of the border where all is negative changes: a ninth of a map of 12x12, where features are
#   mostly negative as they are on background. With fuse_consecutive_reshapes the 0 takes the length of the first
#   Reshape's input: (4, 81) and (0, 9, 9) on 1x4x9x9 ask for 1x9x9 and fail when they are run; (0, -1, 27) and (3, 0,
#   -1) give 3x4x27 instead of 3x12x9, without a word. With MaxPool's own padding, or a length for the 0, nothing is
#   changed.
# Why it matters: layers that pad and then pool without padding are what Keras' backbones export to, and backbones of
#   today have SiLU where those of its time had ReLU. Joints near the border of a crop are off a little, in no test
#   picture that has its person in the middle.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip() { "$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check "$@"; }
pip onnxoptimizer==0.4.2 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 sympy==1.14.0

cat >"$work/measure.py" <<'PY'
from importlib.metadata import version

import numpy as np
import onnx
import onnxoptimizer
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def network(nodes, given, answer, **arrays):
    inputs, outputs = (
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s)] for n, s in (("x", given), ("y", answer))
    )
    values = [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in arrays.items()]
    graph = helper.make_graph(
        [helper.make_node(*node, **more) for *node, more in nodes], "network", inputs, outputs, values
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def pool(activation, padded_before):
    silu = [("Sigmoid", ["x"], ["s"], {}), ("Mul", ["x", "s"], ["a"], {})]
    first = silu if activation == "SiLU" else [("Relu", ["x"], ["a"], {})]
    window = {"kernel_shape": [3, 3], "strides": [2, 2]}
    if padded_before:
        last = [("Pad", ["a", "around"], ["b"], {}), ("MaxPool", ["b"], ["y"], window)]
        return network([*first, *last], [1, 16, 24, 24], [1, 16, 12, 12], around=[0, 0, 1, 1, 0, 0, 1, 1])
    return network(
        [*first, ("MaxPool", ["a"], ["y"], {**window, "pads": [1, 1, 1, 1]})], [1, 16, 24, 24], [1, 16, 12, 12]
    )


def reshapes(first, second, answer):
    nodes = [("Reshape", ["x", "first"], ["a"], {}), ("Reshape", ["a", "second"], ["y"], {})]
    return network(nodes, [1, 4, 9, 9], answer, first=first, second=second)


def run(model, optimised):
    given = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    x = np.random.default_rng(0).normal(-1.5, 1, given).astype(np.float32)  # mostly negative, as on background
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # the failure is printed below
    if optimised:
        model = onnxoptimizer.optimize(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    try:
        return session.run(None, {"x": x})[0]
    except onnxruntime.capi.onnxruntime_pybind11_state.Fail:
        return None


print("onnxoptimizer", version("onnxoptimizer"))
for activation, padded_before, wrong in (("ReLU", True, False), ("SiLU", False, False), ("SiLU", True, True)):
    model = pool(activation, padded_before)
    before, after = run(model, False), run(model, True)
    moved = np.abs(after - before) > 1e-6
    inside = moved[:, :, 1:, 1:].mean()
    how = "Pad by zero and MaxPool" if padded_before else "MaxPool with its own padding"
    largest = np.abs(after - before).max()
    print(
        f"{activation}, {how}: {moved.mean():.1%} of places changed, {inside:.1%} off the border, by up to {largest:.2f}"
    )
    assert bool(moved.any()) == wrong and inside == 0, "changed: what the pass does to the padding"
CASES = (
    ([4, 81], [0, 9, 9], [4, 9, 9], None),
    ([0, -1, 27], [3, 0, -1], [3, 12, 9], (3, 4, 27)),
    ([4, 81], [4, 9, 9], [4, 9, 9], (4, 9, 9)),
)
for first, second, answer, wanted in CASES:
    model = reshapes(first, second, answer)
    assert run(model, False).shape == tuple(answer)
    after = run(model, True)
    shape = None if after is None else after.shape
    print(f"Reshape to {first} and to {second}: {tuple(answer)} before, {'an error' if shape is None else shape} after")
    assert shape == wanted, "changed: two Reshapes"
print("as described")
PY
"$work/venv/bin/python" "$work/measure.py"
