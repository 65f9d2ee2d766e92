"""Gated attention among the joints of a person (Hua et al., "Transformer Quality in Linear Time", ICML 2022).

RTMPose's form of it (Jiang et al. 2023, equations 1 and 2): scale norm instead of layer norm, squared ReLU instead of
softmax, a learnt scale on the shortcut. No dropout, and no position codes: each joint has its own place in the sequence
by its own map. All of it is matrix products and element-wise operations that ONNX and TensorRT have.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

LEAST_NORM = 1e-5
KEY_SIZE = 128  # of queries and keys, as in RTMPose
EXPANSION = 2  # of the gate and the values over the tokens


class ScaleNorm(nn.Module):
    """Tokens at one learnt length (Nguyen and Salazar, "Transformers without Tears", 2019)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.root = math.sqrt(size)
        self.gain = nn.Parameter(torch.ones(1))

    def forward(self, tokens: Tensor) -> Tensor:
        """(..., size) at a root mean square of `gain`."""
        square = tokens.float().square().sum(dim=-1, keepdim=True)
        length = square.clamp(min=(LEAST_NORM * self.root) ** 2).sqrt() / self.root  # no root of 0: it has no slope
        return tokens / length.clamp(min=LEAST_NORM) * self.gain


class GatedAttention(nn.Module):
    """O = (U * A V) W_o with A = relu(Q K^T / sqrt(s))^2, added to the scaled tokens."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.norm = ScaleNorm(size)
        self.wide = EXPANSION * size
        self.to_gate_value_key = nn.Linear(size, 2 * self.wide + KEY_SIZE, bias=False)
        self.stretch = nn.Parameter(torch.rand(2, KEY_SIZE))
        self.offset = nn.Parameter(torch.rand(2, KEY_SIZE))
        self.to_token = nn.Linear(self.wide, size, bias=False)
        self.shortcut = nn.Parameter(torch.ones(size))

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (b, k, size), each changed by what the others say."""
        mixed = functional.silu(self.to_gate_value_key(self.norm(tokens)))
        gate, value, key = mixed.split([self.wide, self.wide, KEY_SIZE], dim=-1)
        queries, keys = (key * self.stretch[i] + self.offset[i] for i in (0, 1))
        weight = torch.relu(queries @ keys.transpose(-1, -2) / math.sqrt(KEY_SIZE)).square()
        return tokens * self.shortcut + self.to_token(gate * (weight @ value))
