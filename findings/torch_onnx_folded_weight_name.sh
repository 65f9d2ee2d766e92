#!/usr/bin/env bash
# torch 2.13.0, onnxscript 0.7.2: the exporter folds batch norm into a weight and leaves the weight its name.
#
# Expected: a tensor that is named `0.weight` in the file is the parameter `0.weight` of the network; a tensor that was
#   computed gets a new name, as TorchScript's exporter gave one (`onnx::Conv_12`).
# Seen: with dynamo=True the convolution before a batch norm has `0.weight` in the file with other numbers, each
#   output channel scaled by gamma / sqrt(var + eps) as folding does; convolutions without a batch norm are equal to the bit. A
#   network left in training mode is folded the same, with its running statistics, and nothing says so:
#   what runs is the network in evaluation mode. With optimize=False the numbers are the network's own.
# Why it matters: names are how weights are matched: a parity check of file against checkpoint, a pruning mask, int8
#   scales learnt in PyTorch, a delta between two exports. All of them read a scaled weight and take it for the network's.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    torch==2.13.0 numpy==2.4.6 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0

cat >"$work/measure.py" <<'PY'
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from torch import nn

warnings.simplefilter("ignore")
work = Path(sys.argv[1])
torch.manual_seed(0)
net = nn.Sequential(
    nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 1)
)
for _ in range(20):
    net.train()(3 * torch.randn(8, 3, 16, 16) + 1)  # running statistics other than 0 and 1
picture = torch.randn(2, 3, 16, 16)


def exported(training, optimize):
    """Constants of the file by name, and what it answers."""
    path = work / "net.onnx"
    torch.onnx.export(net.train(training), (picture,), path, dynamo=True, optimize=optimize, verbose=False)
    model = onnx.load(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    answer = session.run(None, {session.get_inputs()[0].name: picture.numpy()})[0]
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}, answer


print(f"torch {torch.__version__}, onnxscript {version('onnxscript')}")
own = {name: value.detach().clone().numpy() for name, value in net.state_dict().items()}
scale = own["1.weight"] / np.sqrt(own["1.running_var"] + net[1].eps)
with torch.no_grad():
    evaluated = net.eval()(picture).numpy()
for training, optimize in ((False, True), (True, True), (False, False)):
    before = {name: value.clone() for name, value in net.state_dict().items()}
    constants, answer = exported(training, optimize)
    net.load_state_dict(before)  # tracing in training mode may move the running statistics
    off = float(np.abs(constants["0.weight"] - own["0.weight"]).max())
    folded = float(np.abs(constants["0.weight"] - scale[:, None, None, None] * own["0.weight"]).max())
    print(
        f"training={training}, optimize={optimize}: 0.weight is off by {off:.3f} (from the folded one by {folded:.1e}), "
        f"3.weight by {np.abs(constants['3.weight'] - own['3.weight']).max():.1e}, "
        f"answer from that in evaluation mode by {np.abs(answer - evaluated).max():.1e}"
    )
    if optimize:
        assert off > 0.01 and folded < 1e-6, "a folded weight no longer keeps the name"
        assert np.abs(answer - evaluated).max() < 1e-5, "training mode is exported as such now"
    else:
        assert off == 0, "the weight is changed without optimisation, too"
PY
"$work/venv/bin/python" "$work/measure.py" "$work"
