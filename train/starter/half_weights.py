"""The checkpoint that ships: kernels in half precision, everything else as it was fitted."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save

from dataengine.errors import InputError
from dataengine.files import atomic_path, read_json, sha256_file, write_json
from dataengine.nets.checkpoint import META_NAME, WEIGHTS_NAME
from dataengine.nets.learnt_pictures import LEARNT_NAME


def write_half(checkpoint: Path, out: Path) -> None:
    """Write `checkpoint` to the folder `out` with its kernels (tensors of two axes or more) in float16.

    Norms, biases and running statistics stay in float32: they are small, and a variance below 6e-8 would become 0.

    Raises:
        InputError: a weight is beyond float16.
    """
    largest = torch.finfo(torch.float16).max
    weights = load_file(checkpoint / WEIGHTS_NAME)
    beyond = [name for name, tensor in weights.items() if tensor.ndim > 1 and tensor.abs().max() > largest]
    if beyond:
        raise InputError(f"tensor {beyond[0]} of {checkpoint} is beyond float16", expected=f"{largest:.0f} at most")
    half = {name: tensor.half() if tensor.ndim > 1 else tensor for name, tensor in weights.items()}
    with atomic_path(out / WEIGHTS_NAME) as partial:
        partial.write_bytes(save(half))  # save_file's file is for its owner alone
    learnt = (checkpoint / LEARNT_NAME).read_bytes()
    with atomic_path(out / LEARNT_NAME) as partial:
        partial.write_bytes(learnt)
    record = read_json(checkpoint / META_NAME)
    write_json(out / META_NAME, {**record, "weights_sha256": sha256_file(out / WEIGHTS_NAME)})
