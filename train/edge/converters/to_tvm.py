"""Compiles an ONNX network for aarch64 with TVM: `python to_tvm.py FOLDER`.

FOLDER has `network.onnx` and `images.npy` (n, 3, H, W). Written there: `tvm_fp32.so`, a library for one image and any
aarch64 with glibc 2.28, linked by the C compiler in the package ziglang; `answers.npz`, what the same code compiled for
this machine answers for the images, one by one; and `facts.json`.
"""

import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tvm
from tvm import relax
from tvm.relax.frontend.onnx import from_onnx

TARGET = {"kind": "llvm", "mtriple": "aarch64-linux-gnu", "mattr": ["+neon"]}  # what every aarch64 has
LINKED_FOR = "aarch64-linux-gnu.2.28"
PACKAGES = ("apache-tvm", "apache-tvm-ffi", "ziglang")


def link(output: str, objects: Sequence[str], options: Sequence[str] | None = None, **_: Any) -> None:
    """What TVM calls to make a library of objects."""
    command = [sys.executable, "-m", "ziglang", "cc", "-target", LINKED_FOR, "-shared", "-fPIC", "-s", "-o", output]
    subprocess.run([*command, *objects, *(options or [])], check=True)


link.output_format = "so"  # type: ignore[attr-defined]  # TVM asks for it


def main(folder: Path) -> None:
    """Write the files."""
    images = np.load(folder / "images.npy")
    model = onnx.load(str(folder / "network.onnx"))
    (name,) = (each.name for each in model.graph.input)
    module = from_onnx(model, shape_dict={name: [1, *images.shape[1:]]}, keep_params_in_input=False)
    tvm.compile(module, target=tvm.target.Target(TARGET)).export_library(str(folder / "tvm_fp32.so"), fcompile=link)
    here = relax.VirtualMachine(tvm.compile(module, target=tvm.target.Target({"kind": "llvm"})), tvm.cpu())
    answers = [here["main"](tvm.runtime.tensor(image[None])) for image in images]
    np.savez(
        folder / "answers.npz",
        *(np.concatenate([each.numpy() for each in part]) for part in zip(*answers, strict=True)),
    )
    facts = {"target": TARGET, "packages": {name: importlib.metadata.version(name) for name in PACKAGES}}
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
