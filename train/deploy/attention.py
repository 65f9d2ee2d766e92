"""What stays in float in networks with attention, whatever their layers are.

A row of attention sums to 1. Where it is spread over many tokens each share is near one step of 8 bits, and all of them
are rounded the same way: in symmetric int8 rows of 192 tokens sum to 1.5, those of 256 to nothing. No search for layers
finds that out on people who are attended to sharply, so the product of a softmax is in float from the start. It has no
weights, so it adds nothing to the file.

Between the products stand sums, norms and GELUs, whose values range far wider than those of convolutions with batch
norm, and which ONNX Runtime does not join with the products: each would be rounded, and nothing would be faster.
"""

from typing import Any

_PASSED_ON = ("Transpose", "Reshape", "Cast", "Dropout", "Identity")  # the values are the same behind them


def attends(graph: Any) -> bool:
    """Whether an ONNX graph has attention by softmax in it; a softmax that makes an output is none."""
    return bool(attention_sums(graph))


def attention_sums(graph: Any) -> list[str]:
    """Names of the products that a softmax is multiplied in, in order of computation."""
    shares: set[str] = set()
    found = []
    for node in graph.node:
        if node.op_type == "Softmax" or (node.op_type in _PASSED_ON and shares & set(node.input[:1])):
            shares |= set(node.output)
        elif node.op_type == "MatMul" and shares & set(node.input):
            found.append(node.name)
    return found
