"""An ONNX graph written down as it is computed."""

from typing import Any

import numpy as np
from onnx import helper, numpy_helper


class GraphBuilder:
    """Nodes and constants of a graph, named as they come."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def op(self, kind: str, *inputs: Any, out: str = "", **settings: Any) -> str:
        """A node's output; numbers and arrays among `inputs` become constants."""
        names = [name if isinstance(name, str) else self.constant(name) for name in inputs]
        out = out or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, names, [out], **settings))
        return out

    def constant(self, value: Any) -> str:
        """An initialiser: float32 but for whole numbers, which are int64."""
        array = np.asarray(value)
        array = array.astype(np.int64 if array.dtype.kind == "i" else np.float32)
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name
