#!/usr/bin/env bash
# onnxruntime 1.32.0: a float16 file runs in float32 on the CPU, so an overflow that a GPU shows stays hidden.
#
# Expected: a file whose tensors are all float16 is computed in float16, or at least rounded to it between operators;
#   a value beyond 65,504 becomes infinite, as in ONNX's own reference evaluator.
# Seen: casts are put at the inputs and the output alone, and everything between them runs in float32. Three MatMuls or
#   Convs whose middle value is 640,000 give 640.5 on the CPU where the reference gives infinity; so do four Muls. The
#   same with every graph optimisation switched off.
# Why it matters: "the FP16 export was compared with the FP32 one, and agrees" is said of a test on a CPU. It never
#   tested float16. Attention logits, sums over wide layers and heads without normalisation overflow on the device only.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6

cat >"$work/measure.py" <<'PY'
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

warnings.simplefilter("ignore")  # the reference says that it overflows, which is the point
work, CHANNELS = Path(sys.argv[1]), 8
SHAPES = {"Mul": [], "MatMul": [CHANNELS, CHANNELS], "Conv": [CHANNELS, CHANNELS, 1, 1]}
CHAINS = {"Mul": (300, 300, 1 / 300, 1 / 300), "MatMul": (100, 100, 1 / 8000), "Conv": (100, 100, 1 / 8000)}


def chain(operator, factors):
    """A float16 graph of one operator after the other, its constants all equal to the factor."""
    constants = [
        numpy_helper.from_array(np.full(SHAPES[operator], factor, np.float16), f"c{step}")
        for step, factor in enumerate(factors)
    ]
    nodes = [helper.make_node(operator, [f"t{step}", f"c{step}"], [f"t{step + 1}"]) for step in range(len(factors))]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT16, [1, CHANNELS, CHANNELS, CHANNELS])
        for name in ("t0", nodes[-1].output[0])
    ]
    graph = helper.make_graph(nodes, operator, ends[:1], ends[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


print(f"onnxruntime {onnxruntime.__version__}")
ones = np.ones((1, CHANNELS, CHANNELS, CHANNELS), np.float16)
for operator, factors in CHAINS.items():
    model = chain(operator, factors)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.optimized_model_filepath = str(work / "run.onnx")
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    plain = float(session.run(None, {"t0": ones})[0].ravel()[0])
    tuned = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    best = float(tuned.run(None, {"t0": ones})[0].ravel()[0])
    reference = float(ReferenceEvaluator(model).run(None, {"t0": ones})[0].ravel()[0])
    run = [node.op_type for node in onnx.load(work / "run.onnx").graph.node]
    print(f"{operator:6s} x{len(factors)}: CPU {best:g}, without optimisations {plain:g}, reference {reference:g}; runs {run}")
    assert np.isfinite([plain, best]).all() and np.isinf(reference), "float16 overflows on the CPU now, too"
    assert run.count(operator) == len(factors) and run[-1] == "Cast", "another graph is run now"
PY
"$work/venv/bin/python" "$work/measure.py" "$work"
