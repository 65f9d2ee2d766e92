#!/usr/bin/env bash
# torch-pruning 1.6.1: behind a channel shuffle it takes away the wrong channels, and the network answers wrongly.
#
# Expected: DependencyGraph finds what depends on a channel, whatever lies in between; a channel whose weights and bias
#   are zero contributes nothing, so a network without it answers as before, to rounding.
# Seen: the shuffle of ShuffleNet and Lite-HRNet (view, transpose, reshape) is taken for something that leaves channels
#   where they are. Channels 1, 2, 5 and 11 of 16 are removed before it, and 1, 2, 5 and 11 behind it, where those of
#   two groups have gone to 2, 4, 10 and 7. Shapes fit, check_pruning_group is content, nothing warns, and answers are
#   off by more than their own spread. torch.flip is taken the same way. With nothing in between, or with a gate of
#   squeeze and excitation, answers stay as they were.
# Why it matters: fine-tuning hides it: a network whose channels are mixed up starts as a bad one and learns again, so
#   pruning merely seems to cost more than it should. A light pose backbone is made of such blocks.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-compile torch==2.13.0 torch-pruning==1.6.1 numpy==2.4.6

cat >"$work/measure.py" <<'PY'
import warnings
from importlib.metadata import version

import torch
import torch_pruning
from torch import nn

warnings.simplefilter("ignore")
DEAD = [1, 2, 5, 11]


def shuffle(x, groups):
    n, channels, height, width = x.shape
    return x.view(n, groups, channels // groups, height, width).transpose(1, 2).reshape(n, channels, height, width)


class Block(nn.Module):
    """Two convolutions and what lies between them."""

    def __init__(self, between):
        super().__init__()
        self.first, self.second, self.last = nn.Conv2d(3, 16, 3), nn.Conv2d(16, 16, 3), nn.Conv2d(16, 5, 1)
        self.squeeze, self.excite = nn.Conv2d(16, 4, 1), nn.Conv2d(4, 16, 1)
        self.between = between

    def forward(self, x):
        return self.last(torch.relu(self.second(self.between(self, torch.relu(self.first(x))))))


def gate(block, x):
    return x * torch.sigmoid(block.excite(torch.relu(block.squeeze(x.mean((2, 3), keepdim=True)))))


BETWEEN = {
    "nothing": lambda block, x: x * 1.0,
    "a gate": gate,
    "shuffle in 2 groups": lambda block, x: shuffle(x, 2),
    "shuffle in 4 groups": lambda block, x: shuffle(x, 4),
    "torch.flip": lambda block, x: torch.flip(x, [1]),
}
torch.manual_seed(0)
pictures = torch.randn(4, 3, 16, 16)
print(f"torch {torch.__version__}, torch-pruning {version('torch-pruning')}: channels {DEAD} of 16 are zero, and pruned")
for name, between in BETWEEN.items():
    block = Block(between).eval()
    with torch.no_grad():
        block.first.weight[DEAD] = 0
        block.first.bias[DEAD] = 0
        before = block(pictures)
    graph = torch_pruning.DependencyGraph().build_dependency(block, pictures)
    group = graph.get_pruning_group(block.first, torch_pruning.prune_conv_out_channels, idxs=list(DEAD))
    assert graph.check_pruning_group(group)
    removed = {tuple(part.idxs) for part in group if part.dep.target.module is block.second}
    group.prune()
    with torch.no_grad():
        after = block(pictures)
    off, spread = float((after - before).abs().max()), float(before.std())
    print(f"{name}: behind it {sorted(removed)} go; answers off by {off:.2g}, their standard deviation {spread:.2g}")
    if name in ("nothing", "a gate"):
        assert off < 1e-5, "changed: pruning dead channels is no longer exact"
    else:
        assert removed == {tuple(DEAD)} and off > spread / 2, "changed: the shuffle is followed"
print("as described")
PY
"$work/venv/bin/python" "$work/measure.py"
