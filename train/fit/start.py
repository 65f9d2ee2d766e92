"""The network that a fit starts from: fresh, from published weights, or from a checkpoint of our own."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dataengine.crops.spec import CropSpec
from dataengine.errors import EnvironmentFault, InputError, ParamsError
from dataengine.hardware.threads import one_core_each
from dataengine.nets.checkpoint import WEIGHTS_NAME, ModelMeta
from dataengine.nets.heads import Head
from dataengine.nets.network import KeypointNetwork
from dataengine.nets.simcc_heads import LAYER_OF
from dataengine.nets.table import architecture_of
from dataengine.nets.weights import take_weights
from dataengine.params import load_section

from .origin import (
    STARTER,
    P,
    origin_taught,
    read_checkpoint,
    take_starter,
    with_champion,
    with_starter,
)
from .params import BASE, FitParams


@contextmanager
def within_section(section: str) -> Iterator[None]:
    """Name `section` of params.yaml in every ParamsError raised inside, by code that does not know it."""
    try:
        yield
    except ParamsError as error:
        raise error.within(f"params {section}", is_field=False) from error


def crop_spec(params: FitParams) -> CropSpec:
    """The crop that a network with these parameters sees."""
    return CropSpec(params.input_width_px, params.input_height_px, params.crop_padding)


def model_meta(params: FitParams) -> ModelMeta:
    """Metadata of the network to fit; published weights name the network they are for."""
    published = architecture_of(params.network, params.pretrained) if params.pretrained else {}
    return ModelMeta(
        network=params.network,
        network_kwargs={**published, **params.network_kwargs},
        input_width_px=params.input_width_px,
        input_height_px=params.input_height_px,
        crop_padding=params.crop_padding,
        head=params.head,
    )


def settled(params: P, path: Path, section: str) -> P:
    """`params` (`section` of the file `path`) with `start_from` as it holds for this network and this project."""
    params = with_champion(params, path, section)
    with within_section(section):
        return with_starter(params, model_meta(params), section)


def load_settled(path: Path, section: str, kind: type[P]) -> P:
    """Section `section` of the file `path`, with what it shares with all fits, and `settled`."""
    return settled(load_section(path, section, kind, base=BASE), path, section)


def with_taught(meta: ModelMeta, params: FitParams, labelled: NDArray[np.bool_]) -> ModelMeta:
    """`meta` that names the joints `labelled` (17,) in training, and those that the network to start from knows."""
    known = labelled | origin_taught(params, meta)
    taught = tuple(name for name, is_known in zip(meta.keypoints, known, strict=True) if is_known)
    return replace(meta, taught=taught)


def first_network(params: FitParams, meta: ModelMeta) -> KeypointNetwork:
    """The network with its first weights: a function of seed, published file and checkpoint alone."""
    if params.start_from and params.pretrained:
        raise ParamsError("start_from and pretrained both give weights", fix="set one of them to null")
    torch.manual_seed(params.seed)
    net = meta.build()
    if params.pretrained:
        net.take_pretrained(params.pretrained)
    if params.start_from == STARTER:
        take_starter(net)
    elif params.start_from:
        _take_checkpoint(net, meta, Path(params.start_from))
    return net


def files_read(params: FitParams) -> list[Path]:
    """Files of weights that decide what is fitted, for the fingerprint; the starter, which has no fixed place, is not
    among them: see `origin.starter_hash`."""
    local = [Path(params.pretrained)] if params.pretrained and Path(params.pretrained).is_file() else []
    folder = Path(params.pretrained) if params.pretrained and Path(params.pretrained).is_dir() else None
    inside = sorted(path for path in folder.iterdir() if path.is_file()) if folder else []
    origin = [] if params.start_from in (None, STARTER) else [Path(params.start_from) / WEIGHTS_NAME]
    return [*local, *inside, *origin]


def choose_device(params: FitParams) -> torch.device:
    """The device to fit on.

    Raises:
        EnvironmentFault: a GPU is asked for and there is none.
        ParamsError: fp16 is asked for on a CPU.
    """
    has_gpu = torch.cuda.is_available()
    if params.device == "cuda" and not has_gpu:
        fix = "set device to auto or cpu in params.yaml"
        raise EnvironmentFault("a fit with device cuda needs a GPU", got="no GPU that PyTorch sees", fix=fix)
    device = torch.device("cuda" if has_gpu and params.device != "cpu" else "cpu")
    if params.precision == "fp16" and device.type == "cpu":
        raise ParamsError("precision fp16 needs a GPU", got="cpu", fix="set it to bf16 or fp32")
    return device


def openmp_on_own_cores(device: torch.device) -> AbstractContextManager[bool]:
    """A context in which a fit on the CPU has each of PyTorch's threads on a core of its own."""
    if device.type != "cpu":
        return nullcontext(False)
    return one_core_each(Path(torch.__file__).parent / "lib" / "libgomp.so.1")


def _take_checkpoint(net: KeypointNetwork, own_meta: ModelMeta, folder: Path) -> None:
    source, meta = read_checkpoint(folder)
    if not meta.taught:  # of `pretrain`: its head has learnt nothing, so the fit's own may be another one
        same_head = replace(meta, head=own_meta.head, network_kwargs=own_meta.network_kwargs)
        check_alike(f"start_from {folder}", same_head, own_meta)
        backbone = {k: v for k, v in source.state_dict().items() if k.split(".")[0] not in source.head_layers}
        take_weights(net, backbone, folder, optional=net.head_layers)
        return
    check_alike(f"start_from {folder}", meta, own_meta)
    weights, own_weights = source.state_dict(), net.state_dict()
    shapes, own_shapes = ({k: v.shape for k, v in _core(each).items()} for each in (weights, own_weights))
    if shapes != own_shapes:
        raise InputError(
            f"{folder} holds another network than the one to fit", got=meta.network, fix="set start_from to null"
        )
    net.load_state_dict({name: weights.get(name, own) for name, own in own_weights.items()})


def _core(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors without those that say more of a joint than its place, which one of two networks may lack."""
    return {name: tensor for name, tensor in weights.items() if name.split(".")[0] not in LAYER_OF.values()}


def check_alike(source: str, theirs: ModelMeta, ours: ModelMeta) -> None:
    """Raise an InputError that names what differs: crop, normalisation, keypoints, or the meaning of a bin.

    `source` names the network of `theirs` in messages; `ours` is that of the network to fit.
    """
    for name, their_value, our_value in (
        ("crop", theirs.crop, ours.crop),
        ("normalisation", (theirs.mean, theirs.std), (ours.mean, ours.std)),
        ("keypoints", theirs.keypoints, ours.keypoints),
        ("head", _meaning(theirs.reader), _meaning(ours.reader)),
    ):
        if their_value != our_value:
            raise InputError(
                f"{source} has another {name} than the network to fit",
                expected=str(our_value),
                got=str(their_value),
                fix="set the fit's params to match, or name another network",
            )


def _meaning(head: Head) -> dict[str, object]:
    """What a bin of the answer stands for; a heatmap's blur and what a head says besides do not belong to it."""
    return {name: value for name, value in head.describe().items() if name not in ("blur_sigma", *LAYER_OF)}
