"""TVM's file of a bundle: a library for aarch64 that takes a crop and answers with joints.

What is compiled is ONNX FP32 with the decoder behind it. The same code, compiled for this machine, has to find the
reference people's joints before the library is taken.
"""

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from dataengine.errors import InputError, install_extra
from dataengine.inference.exported import INPUT, ONNX_FP32, ExportedModel

from ..deploy.graph_file import network_to_joints
from .bundle_folder import DECODER, IMAGES, REFERENCE, TOLERANCE, decoded
from .conversion import convert, require, scratch_folder
from .runtimes import RUNTIMES, TVM

MODULES = ("tvm", "tvm_ffi", "ziglang")


def require_tvm() -> Path:
    """This Python, if it has TVM and the linker; else an `EnvironmentFault` that says how to install them."""
    python = Path(sys.executable)
    require(python, MODULES, "TVM", install_extra("tvm"))
    return python


def write_tvm(folder: Path, model: ExportedModel, *, python: Path) -> dict[str, Any]:
    """Write the library to `folder`, where the reference people's images and the decoder lie already.

    Raises:
        EnvironmentFault: TVM failed.
        InputError: its joints are not those of ONNX Runtime.
    """
    (name,), (library,) = RUNTIMES[TVM].networks, RUNTIMES[TVM].files
    images = np.load(folder / REFERENCE / IMAGES)
    with scratch_folder() as scratch:
        onnx.save(network_to_joints(model.folder / ONNX_FP32, model.meta), str(scratch / "network.onnx"))
        np.save(scratch / "images.npy", images)
        facts = convert(python, "to_tvm.py", scratch)
        with np.load(scratch / "answers.npz") as answers:
            joints = answers[answers.files[0]]
        wanted = decoded(model.folder / ONNX_FP32, folder / DECODER, images)
        refuse_moved(np.linalg.norm(joints - wanted, axis=2), **TOLERANCE[name])
        shutil.copyfile(scratch / library, folder / library)
    takes = {"name": INPUT, "layout": "NCHW", "shape": [1, *images.shape[1:]], "dtype": "float32"}
    return {name: {"runtime": TVM, "file": library, "machine": "aarch64", "takes": takes, "made": facts}}


def refuse_moved(apart_px: np.ndarray, px: float, share: float) -> None:
    """Raise `InputError` if fewer than `share` of the joints lie within `px` of the crop."""
    found = float((apart_px <= px).mean())
    if not np.isfinite(apart_px).all() or found < share:
        raise InputError(
            "TVM's library finds other joints than ONNX Runtime",
            expected=f"{share:.0%} within {px} px of the crop",
            got=f"{found:.1%}, the furthest {apart_px.max():.3g} px off",
        )
