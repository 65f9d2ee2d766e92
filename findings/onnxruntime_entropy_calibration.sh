#!/usr/bin/env bash
# onnxruntime 1.32.0: quantize_static with CalibrationMethod.Entropy gives the ranges of MinMax.
#
# Expected: Entropy searches for the clipping threshold of least KL divergence, so an outlier that lies far outside
#   everything else is clipped and the scale gets finer than with MinMax.
# Seen: the scales are equal to the last digit, whatever the activations. The search goes from num_quantized_bins to
#   num_bins, both 128 by default, so its only candidate is the whole range; quantize_static has no option for either.
#   Through create_calibrator with extra_options={"num_bins": 2048} the same data give a range five times as narrow.
# Why it matters: activations of pose networks are mostly small with few large values (a heatmap is a peak on zeros),
#   which is what Entropy is chosen for. A comparison of calibration methods made with quantize_static compares MinMax
#   with itself.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6 sympy==1.14.0

cat >"$work/measure.py" <<'PY'
import contextlib
import io
import logging
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import __version__
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, quantize_static
from onnxruntime.quantization.calibrate import create_calibrator

logging.disable(logging.WARNING)
work = Path(sys.argv[1])
rng = np.random.default_rng(0)


def save_network(path):
    """Conv, ReLU, Conv."""
    values = {
        "w1": rng.normal(0, 0.3, (8, 3, 3, 3)),
        "b1": rng.normal(0, 0.1, 8),
        "w2": rng.normal(0, 0.2, (4, 8, 3, 3)),
        "b2": np.zeros(4),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"], pads=[1] * 4),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Conv", ["r1", "w2", "b2"], ["y"], pads=[1] * 4),
    ]
    shapes = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, c, 16, 16]) for n, c in (("x", 3), ("y", 4))]
    weights = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in values.items()]
    graph = helper.make_graph(nodes, "network", shapes[:1], shapes[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)


class Pictures(CalibrationDataReader):
    def __init__(self):
        pictures = np.random.default_rng(1).normal(0, 1, (8, 1, 3, 16, 16)).astype(np.float32)
        pictures[:, 0, 0, 0, 0] = 40  # one hot pixel each
        self.left = [{"x": picture} for picture in pictures]

    def get_next(self):
        return self.left.pop() if self.left else None


def scales(method):
    out = work / f"{method.name}.onnx"
    with contextlib.redirect_stdout(io.StringIO()):
        quantize_static(work / "network.onnx", out, Pictures(), calibrate_method=method)
    arrays = {item.name: numpy_helper.to_array(item) for item in onnx.load(out).graph.initializer}
    return {name: float(arrays[f"{name}_scale"]) for name in ("x", "r1", "y")}


def entropy_range(bins):
    """Range of the input, searched among `bins` bins."""
    calibrator = create_calibrator(
        work / "network.onnx",
        None,
        str(work / "augmented.onnx"),
        CalibrationMethod.Entropy,
        extra_options={"num_bins": bins},
    )
    with contextlib.redirect_stdout(io.StringIO()):
        calibrator.collect_data(Pictures())
        low, high = calibrator.compute_data()["x"].range_value
    return float(np.ravel(low)[0]), float(np.ravel(high)[0])


save_network(work / "network.onnx")
minmax, entropy = scales(CalibrationMethod.MinMax), scales(CalibrationMethod.Entropy)
print(f"onnxruntime {__version__}")
for method, found in (("MinMax", minmax), ("Entropy", entropy)):
    print(f"scales with {method}: { ({name: round(value, 5) for name, value in found.items()}) }")
ranges = {bins: entropy_range(bins) for bins in (128, 2048)}
for bins, (low, high) in ranges.items():
    print(f"Entropy's range of the input among {bins} bins: {low:.2f} to {high:.2f}")
assert minmax == entropy, "Entropy and MinMax differ now"
assert ranges[128][1] == 40 and ranges[2048][1] < 10, "the search of the threshold changed"
PY
"$work/venv/bin/python" "$work/measure.py" "$work"
