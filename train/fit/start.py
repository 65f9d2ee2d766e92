"""The network that a fit begins with: fresh, from published weights, or from a checkpoint of our own."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import torch

from dataengine.crops.spec import CropSpec
from dataengine.errors import EnvironmentFault, InputError, ParamsError
from dataengine.files import read_json
from dataengine.hardware.threads import one_core_each
from dataengine.inference.exported import load_exported
from dataengine.nets.checkpoint import META_NAME, WEIGHTS_NAME, ModelMeta, load_checkpoint, load_weights
from dataengine.nets.heads import Head
from dataengine.nets.network import KeypointNetwork
from dataengine.nets.table import architecture_of
from dataengine.registry.pinned import pinned_champion

from .params import FitParams

CHAMPION = "champion"  # what start_from may say instead of a folder
P = TypeVar("P", bound=FitParams)


def crop_spec(params: FitParams) -> CropSpec:
    """The crop that a network with these parameters sees."""
    return CropSpec(params.input_width_px, params.input_height_px, params.crop_padding)


def model_meta(params: FitParams) -> ModelMeta:
    """Metadata of the network to fit; published weights say of themselves what network they are for."""
    given = architecture_of(params.network, params.pretrained) if params.pretrained else {}
    return ModelMeta(
        network=params.network,
        network_kwargs={**given, **params.network_kwargs},
        input_width_px=params.input_width_px,
        input_height_px=params.input_height_px,
        crop_padding=params.crop_padding,
        head=params.head,
    )


def first_network(params: FitParams, meta: ModelMeta) -> KeypointNetwork:
    """The network with its first weights: a function of seed, published file and checkpoint alone."""
    if params.start_from and params.pretrained:
        raise ParamsError("params start_from and pretrained both give weights", fix="set one of them to null")
    torch.manual_seed(params.seed)
    net = meta.build()
    if params.pretrained:
        net.take_pretrained(params.pretrained)
    if params.start_from:
        _take_checkpoint(net, meta, Path(params.start_from))
    return net


def files_read(params: FitParams) -> list[Path]:
    """Files of weights that decide what is fitted, for the fingerprint."""
    local = [Path(params.pretrained)] if params.pretrained and Path(params.pretrained).is_file() else []
    folder = Path(params.pretrained) if params.pretrained and Path(params.pretrained).is_dir() else None
    inside = sorted(path for path in folder.iterdir() if path.is_file()) if folder else []
    return [*local, *inside, *([Path(params.start_from) / WEIGHTS_NAME] if params.start_from else [])]


def choose_device(params: FitParams) -> torch.device:
    """The device to fit on. Asking for what is not there is an `EnvironmentFault`."""
    present = torch.cuda.is_available()
    if params.device == "cuda" and not present:
        raise EnvironmentFault("params device: cuda", got="no GPU that PyTorch sees", fix="set it to auto or cpu")
    device = torch.device("cuda" if present and params.device != "cpu" else "cpu")
    if params.precision == "fp16" and device.type == "cpu":
        raise ParamsError("params precision: fp16 takes a GPU", got="cpu", fix="set it to bf16 or fp32")
    return device


def openmp_on_own_cores(device: torch.device) -> AbstractContextManager[bool]:
    """While the context lasts, a fit on the CPU has each of PyTorch's threads on a core of its own."""
    if device.type != "cpu":
        return nullcontext(False)
    return one_core_each(Path(torch.__file__).parent / "lib" / "libgomp.so.1")


def with_champion(params: P, path: Path) -> P:
    """`params` of the file `path`, with the folder of the pinned champion where `start_from` says "champion"."""
    if params.start_from != CHAMPION:
        return params
    champion = pinned_champion(path)
    if champion is None:
        raise ParamsError("params start_from: champion", got="no compare.champion", fix="run `dataengine begin-round`")
    return replace(params, start_from=str(champion.folder))


def read_checkpoint(folder: Path) -> tuple[KeypointNetwork, ModelMeta]:
    """The network of a checkpoint folder, or the one that an exported model was made from."""
    if "files" not in read_json(folder / META_NAME):
        return load_checkpoint(folder)
    model = load_exported(folder)
    if WEIGHTS_NAME not in model.sha256:
        raise InputError(
            f"{folder} was exported without {WEIGHTS_NAME}",
            expected="weights that can be fitted further",
            fix="export the checkpoint again, or start from its folder",
        )
    return load_weights(folder, model.meta, model.sha256[WEIGHTS_NAME]), model.meta


def _take_checkpoint(net: KeypointNetwork, own_meta: ModelMeta, folder: Path) -> None:
    source, meta = read_checkpoint(folder)
    check_alike(f"start_from {folder}", meta, own_meta)
    weights, own = source.state_dict(), net.state_dict()
    if {k: v.shape for k, v in weights.items()} != {k: v.shape for k, v in own.items()}:
        raise InputError(f"{folder} holds another network than the one to fit", got=meta.network, fix="start from none")
    net.load_state_dict(weights)


def check_alike(source: str, theirs: ModelMeta, ours: ModelMeta) -> None:
    """Raise an InputError that names what differs: crop, normalisation, keypoints, or the meaning of a bin.

    `source` names the network of `theirs` in messages; `ours` is that of the network to fit.
    """
    for name, given, wanted in (
        ("crop", theirs.crop, ours.crop),
        ("normalisation", (theirs.mean, theirs.std), (ours.mean, ours.std)),
        ("keypoints", theirs.keypoints, ours.keypoints),
        ("head", _meaning(theirs.reader), _meaning(ours.reader)),
    ):
        if given != wanted:
            raise InputError(
                f"{source} has another {name} than the network to fit",
                expected=str(wanted),
                got=str(given),
                fix="set the params of the fit to it, or name another",
            )


def _meaning(head: Head) -> dict[str, object]:
    """What a bin of the answer stands for; how a heatmap is blurred before it is read is no part of it."""
    return {name: value for name, value in head.describe().items() if name != "blur_sigma"}
