"""`dataengine deploy`: an export as a model repository of NVIDIA Triton, with manifests for Kubernetes and KServe."""

from pathlib import Path
from typing import Annotated

import yaml

from dataengine.files import fresh_folder
from dataengine.inference.exported import load_exported
from dataengine.params import load_section
from dataengine.terminal.folders import contents_of_ours, folder_argument, out_folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import answer

from .manifests import MANIFESTS
from .params import DeployParams
from .repository import write_repository

REPOSITORY = "triton"
WRITTEN = frozenset({REPOSITORY, *(name.split("/")[0] for name in MANIFESTS)})
"""Folders in `--out`."""


class _Plain(yaml.SafeDumper):
    """Writes a value that stands twice twice, which readers of manifests expect."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def command(
    export: Annotated[Path, folder_argument(help="Folder that `dataengine export` wrote.")],
    out: Annotated[Path, out_folder_option(help="Folder to write: triton/, kubernetes/, kserve/.")],
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Write a model repository for NVIDIA Triton, and manifests that run it in a cluster.

    OUT/triton is an ensemble of three ONNX graphs: cropping, the network, decoding. It takes `picture` (height, width,
    3) of bytes R, G, B and `boxes_xywh_px` (n, 4), and answers with keypoints_px, confidence, spread_px and entropy.
    OUT/kubernetes has a Deployment, a Service and an autoscaler, OUT/kserve an InferenceService. Copy OUT/triton to
    the volume that deploy.storage names, then `kubectl apply -f` one of the two folders. Section `deploy` of
    params.yaml has the names and sizes.

    Example: dataengine deploy models/export --out models/deploy
    """
    run(load_section(params, "deploy", DeployParams), export, out)


def run(params: DeployParams, export: Path, out: Path) -> None:
    """Write all of it to `out`; what an earlier call wrote there is replaced.

    Raises:
        InputError: the export is damaged, was adopted, or lacks the network's file; or `out` holds something
            else, which would be lost.
    """
    contents_of_ours(out, WRITTEN, "what deploy wrote")
    model = load_exported(export)
    with fresh_folder(out) as folder:
        write_repository(folder / REPOSITORY, model, params)
        for name, make in MANIFESTS.items():
            (folder / name).parent.mkdir(exist_ok=True)
            text = yaml.dump(make(params, model.id), Dumper=_Plain, sort_keys=False)
            (folder / name).write_text(text, encoding="utf-8")
    answer(f"{out / REPOSITORY} is Triton's model repository of {model.id}; copy it to {params.storage}")
    answer(f"then kubectl apply -f {out / 'kubernetes'}, or -f {out / 'kserve'}")
