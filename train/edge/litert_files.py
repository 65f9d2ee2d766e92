"""LiteRT's files of a bundle: the network in FP32 and INT8, and the decoder.

The network and the decoder leave as `torch.export` programs; the converter's own environment makes them LiteRT files,
because its packages and the project's exclude each other. The record in `networks.json` says how every tensor is named,
laid out and stored, and the device refuses a file that says otherwise.
"""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dataengine.environments.virtual_environment import environment_python
from dataengine.errors import EnvironmentFault
from dataengine.files import short_sha256
from dataengine.inference.exported import ExportedModel
from dataengine.nets.checkpoint import WEIGHTS_NAME, load_weights

from ..deploy.graph_reading import JointReading
from .conversion import CONVERTERS, convert, require, scratch_folder
from .runtimes import LITERT, RUNTIMES

ENVIRONMENT = Path(".venv-litert")
MODULES = ("litert_torch", "ai_edge_quantizer", "ai_edge_litert")
SCRIPT = "to_litert.py"


def require_litert(environment: Path) -> Path:
    """The Python of `environment`, if LiteRT's converter is there; else an `EnvironmentFault` with the remedy."""
    python, file = environment_python(environment), CONVERTERS / "requirements.txt"
    fix = f"python3 -m venv {environment} && {environment}/bin/pip install -r {file}"
    require(python, MODULES, "LiteRT's converter", fix)
    return python


def write_litert(
    folder: Path, model: ExportedModel, *, python: Path, images: NDArray[np.float32], calibration: dict[str, Any]
) -> dict[str, Any]:
    """Write the files to `folder`; INT8 takes its ranges from `images` (n, 3, H, W), which `calibration` describes.

    Raises:
        EnvironmentFault: the conversion failed.
    """
    meta, weights = model.meta, model.sha256[WEIGHTS_NAME]
    net = load_weights(model.folder, meta, weights).to(memory_format=torch.contiguous_format)
    with scratch_folder() as scratch:
        with torch.no_grad():
            one = torch.zeros(1, 3, meta.input_height_px, meta.input_width_px)
            _save(net, (one,), scratch / "network.pt2")
            _save(JointReading(meta).eval(), tuple(net(one)), scratch / "joints.pt2")
        np.save(scratch / "images.npy", images)
        facts = convert(python, SCRIPT, scratch)
        for name in RUNTIMES[LITERT].files:
            shutil.copyfile(scratch / name, folder / name)
    made = {"packages": facts["packages"], "weights": short_sha256(weights)}
    tensors, decoder = facts["files"], facts["files"]["joints"]
    return {
        f"litert-{kind}": {
            "runtime": LITERT,
            "file": f"litert_{kind}.tflite",
            "decoder": "litert_joints.tflite",
            "signature": facts["signature"],
            "layout": facts["layout"],
            **tensors[kind],
            "answers": _in_order(tensors[kind]["outputs"], len(meta.reader.outputs)),
            "decoder_takes": _in_order(decoder["inputs"], len(meta.reader.outputs)),
            "decoder_answers": _in_order(decoder["outputs"], 4),
            "made": made | ({"calibration": calibration} if kind == "int8" else {}),
        }
        for kind in ("fp32", "int8")
    }


def _save(module: nn.Module, taken: tuple[torch.Tensor, ...], path: Path) -> None:
    torch.export.save(torch.export.export(module, taken), path)


def _in_order(tensors: dict[str, Any], count: int) -> list[str]:
    """Names by place: `args_0`, `args_1`; the network's order, which a dictionary of LiteRT does not promise."""
    names = sorted(tensors, key=lambda name: int(name.rpartition("_")[2]))
    if len(names) != count:
        raise EnvironmentFault(f"{SCRIPT} made other tensors", expected=str(count), got=", ".join(names))
    return names
