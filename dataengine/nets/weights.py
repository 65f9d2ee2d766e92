"""Tensors by name from foreign files: read without running code, checked by name and shape."""

import pickle
import zipfile
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from dataengine.errors import InputError

_UNREADABLE = (
    *(SafetensorError, pickle.UnpicklingError, zipfile.BadZipFile),
    *(RuntimeError, EOFError, ValueError, TypeError, LookupError, AttributeError),
)
_WRAPPERS = ("state_dict", "model")  # keys under which training scripts put the weights
_PARALLEL_PREFIX = "module."  # what torch's DataParallel adds to each name


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors file or of a PyTorch checkpoint, which is opened with ``weights_only=True``.

    Raises:
        InputError: the file is absent, broken, or holds anything but tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} does not exist", expected="a file of weights")
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        record = torch.load(path, map_location="cpu", weights_only=True)
    except _UNREADABLE as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path} is not a file of weights", expected="tensors by name", got=first) from error
    for key in _WRAPPERS:
        if isinstance(record, Mapping) and isinstance(record.get(key), Mapping):
            record = record[key]
    if not isinstance(record, Mapping) or not all(isinstance(tensor, Tensor) for tensor in record.values()):
        raise InputError(f"{path} is not a file of weights", expected="tensors by name", got=type(record).__name__)
    return {str(name).removeprefix(_PARALLEL_PREFIX): tensor for name, tensor in record.items()}


def take_weights(
    net: nn.Module,
    weights: Mapping[str, Tensor],
    source: str | Path,
    *,
    optional: Collection[str] = (),
    spare: Iterable[str] = (),
) -> None:
    """Load `weights` into `net`: every name on both sides and every shape has to agree.

    Two exceptions. Tensors of the children that `optional` names may be absent, or of another shape (a head for other
    joints): then all of that child keep what they have. Tensors whose names begin with a prefix in `spare` are ignored.
    """
    own = net.state_dict()
    kept_children = {
        child
        for child in optional
        if any(name not in weights or weights[name].shape != own[name].shape for name in own if _child(name) == child)
    }
    expected = {name: tensor for name, tensor in own.items() if _child(name) not in kept_children}
    prefixes = tuple(spare)
    got = {name: t for name, t in weights.items() if name in expected or not (prefixes and name.startswith(prefixes))}
    got = {name: tensor for name, tensor in got.items() if _child(name) not in kept_children}
    check_names_and_shapes(source, expected, got)
    net.load_state_dict({**own, **got})


def check_names_and_shapes(source: str | Path, expected: Mapping[str, Tensor], got: Mapping[str, Tensor]) -> None:
    """Raise an `InputError` that names the first tensor that is missing, unknown or misshapen."""
    missing, unknown = sorted(set(expected) - set(got)), sorted(set(got) - set(expected))
    if missing or unknown:
        raise InputError(
            f"weights in {source} do not fit the network",
            expected=f"tensor {missing[0]}" if missing else "no other tensors",
            got=f"tensor {unknown[0]}" if unknown else "none of that name",
        )
    for name, tensor in expected.items():
        if got[name].shape != tensor.shape:
            raise InputError(
                f"tensor {name} in {source} has a wrong shape",
                expected=str(tuple(tensor.shape)),
                got=str(tuple(got[name].shape)),
            )


def _child(name: str) -> str:
    return name.split(".", 1)[0]
