"""Finds, on the CPU, what a CUDA graph forbids in a function: numbers read on the host, tensors made from its data.

Every tensor that an operation reads has to have been there before, or to come from an operation in between. What
PyTorch makes of the host's data (`torch.from_numpy`, `torch.tensor`) is neither; on a GPU it would be copied there
while the graph is recorded, and the graph would go on reading memory that is gone.
"""

import gc
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

_WAITS = ("_local_scalar_dense", "nonzero", "masked_select", "equal", "_unique2", "unique_dim")
_MAKES_OF_HOST_DATA = ("lift_fresh", "lift_fresh_copy")


class HostTraffic(TorchDispatchMode):
    """Use as a context; `faults` then names the operations."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self._known = {_storage(o): o for o in gc.get_objects() if type(o) in (torch.Tensor, torch.nn.Parameter)}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        read = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        by_mask = name.startswith("index") and any(tensor.dtype in (torch.bool, torch.uint8) for tensor in read[1:])
        if name in (*_WAITS, *_MAKES_OF_HOST_DATA) or by_mask:
            self.faults.append(name)
        elif any(_storage(tensor) not in self._known for tensor in read):
            self.faults.append(f"{name} of the host's data")
        answer = func(*args, **(kwargs or {}))
        self._known |= {_storage(leaf): leaf for leaf in tree_leaves(answer) if isinstance(leaf, torch.Tensor)}
        return answer


def _storage(tensor: torch.Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)
