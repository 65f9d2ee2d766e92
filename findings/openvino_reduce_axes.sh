#!/usr/bin/env bash
# openvino 2026.4.1: ReduceLogSumExp, ReduceLogSum and ReduceL1 of opset 13 to 17 reduce over everything, whatever their axes.
#
# Expected: the attribute `axes` says over what is reduced, up to opset 17; from 18 on it is an input. A file that loads
#   without a warning answers as in ONNX Runtime.
# Seen: with opset 13 to 17 these three ignore the attribute and give one number for the whole batch; opset 9 to 12 and 18
#   are right, and so are ReduceL2, Mean, Max, Min, Prod and SumSquare in all of them. With keepdims=1 the number
#   fits by broadcasting, so a network that ends in x - logsumexp(x) has an answer of the right shape.
# Why it matters: torch.logsumexp and an L1 norm become these operators, and 13 to 17 are what older exporters write by
#   default and what devices ask for. Log-probabilities that a network computes so depend on who else is in the batch; in a
#   test with one person and one joint everything is right.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1

cat >"$work/measure.py" <<'PY'
from importlib.metadata import version

import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper

WRONG = ("ReduceLogSumExp", "ReduceLogSum", "ReduceL1")
RIGHT = ("ReduceL2", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceSumSquare")
OPSETS = (9, 11, 12, 13, 15, 17, 18)
logits = np.random.default_rng(0).uniform(0.1, 3, (4, 17, 48)).astype(np.float32)  # people, joints, bins


def answers(operator, opset, value):
    """ONNX Runtime's and OpenVINO's x - reduced(x), reduced over the bins."""
    as_input = opset >= 18
    reduce = helper.make_node(
        operator, ["x", "axes"] if as_input else ["x"], ["r"], keepdims=1, **({} if as_input else {"axes": [2]})
    )
    model = helper.make_model(
        helper.make_graph(
            [reduce, helper.make_node("Sub", ["x", "r"], ["y"])],
            "part",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, value.shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, value.shape)],
            [numpy_helper.from_array(np.array([2]), "axes")] if as_input else [],
        ),
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=8,
    )
    onnx.checker.check_model(model, full_check=True)
    written = model.SerializeToString()
    session = onnxruntime.InferenceSession(written, providers=["CPUExecutionProvider"])
    core = openvino.Core()
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(core.read_model(written), "CPU", settings)
    return session.run(None, {"x": value})[0], np.array(compiled(value)[0])


print(f"openvino {version('openvino')}: opsets with a wrong answer, of {OPSETS}")
for operator in (*WRONG, *RIGHT):
    wrong = []
    for opset in OPSETS:
        reference, seen = answers(operator, opset, logits)
        assert seen.shape == reference.shape, "changed: the shape shows it"
        if not np.allclose(seen, reference, rtol=1e-3, atol=1e-3):
            wrong.append(opset)
    print(f"  {operator}: {wrong or 'none'}")
    assert wrong == ([13, 15, 17] if operator in WRONG else []), f"changed: {operator}"
for people in (4, 2):
    reference, seen = answers("ReduceLogSumExp", 17, logits[:people])
    total = [float(np.exp(one[0, 0]).sum()) for one in (reference, seen)]
    print(f"probabilities of the first person's first joint, {people} people: sum {total[0]:.4f}, OpenVINO {total[1]:.4f}")
    assert abs(total[0] - 1) < 1e-3 and total[1] < 0.1, "changed: they sum to 1"
PY
"$work/venv/bin/python" "$work/measure.py"
