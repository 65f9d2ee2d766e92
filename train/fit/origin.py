"""What `start_from` names: nothing, a checkpoint folder, the pinned champion, or the starter of the package.

The starter is for one network, head and crop. Another head or crop takes its backbone; another backbone takes
nothing and begins with random weights, so that `start_from: starter` may stay in params.yaml whatever the network is.
"""

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from dataengine import starter
from dataengine.errors import InputError, ParamsError
from dataengine.files import read_json, sha256_file
from dataengine.inference.exported import load_exported
from dataengine.nets.checkpoint import META_NAME, WEIGHTS_NAME, ModelMeta, load_checkpoint, load_weights
from dataengine.nets.network import KeypointNetwork
from dataengine.nets.weights import take_weights
from dataengine.registry.pinned import pinned_champion
from dataengine.terminal.speech import say

from .params import FitParams

CHAMPION, STARTER = "champion", "starter"  # what start_from may say instead of a folder
P = TypeVar("P", bound=FitParams)


def with_champion(params: P, path: Path, section: str) -> P:
    """`params` (`section` of the file `path`) with the pinned champion's folder if `start_from` is "champion"."""
    if params.start_from != CHAMPION:
        return params
    champion = pinned_champion(path)
    if champion is None:
        what, fix = f"params {section}.start_from is champion", "run `dataengine begin-round`"
        raise ParamsError(what, expected="a pinned champion", got="no compare.champion", fix=fix)
    return replace(params, start_from=str(champion.folder))


def named_checkpoint(folder: str, option: str) -> Path:
    """The checkpoint folder that an `option` of a command names; InputError where its files are not there."""
    if not all((Path(folder) / name).is_file() for name in (META_NAME, WEIGHTS_NAME)):
        expected = f"a folder with {META_NAME} and {WEIGHTS_NAME}, as a fit, `pretrain` or `export` writes it"
        raise InputError(f"{option} names no checkpoint", expected=expected, got=folder)
    return Path(folder)


def with_starter(params: P, meta: ModelMeta, section: str) -> P:
    """`params` without the starter where published weights are given or the network of `meta` has another backbone.

    A line says so where the fit gets less than all its weights.
    """
    if params.start_from != STARTER:
        return params
    if params.pretrained:
        say(f"{section}: begins with the published weights of `pretrained`, not with the starter")
        return replace(params, start_from=None)
    shipped = starter_meta()
    if _shapes(meta, backbone=True) != _shapes(shipped, backbone=True):
        say(f"{section}: begins with random weights; the starter is for {_words(shipped)}, not {_words(meta)}")
        return replace(params, start_from=None)
    if not _holds(meta, shipped):
        say(f"{section}: begins with the starter's backbone; what is of another shape in the head begins at random")
    return params


def origin_folder(params: FitParams) -> Path | None:
    """The checkpoint folder that the fit starts from, once `start.settled` has settled it."""
    if params.start_from is None:
        return None
    return starter.FOLDER if params.start_from == STARTER else Path(params.start_from)


def starter_meta() -> ModelMeta:
    """What the starter's weights mean."""
    record = read_json(starter.FOLDER / META_NAME)
    return ModelMeta.from_json({name: value for name, value in record.items() if name != "weights_sha256"})


def starter_hash(params: FitParams) -> dict[str, str]:
    """SHA-256 of the starter's weights by its name, wherever the package lies; empty if the fit does not read them."""
    return {STARTER: sha256_file(starter.FOLDER / WEIGHTS_NAME)} if params.start_from == STARTER else {}


def origin_taught(params: FitParams, meta: ModelMeta) -> NDArray[np.bool_]:
    """Which joints (17,) the network that the fit starts from has been taught; a starter without its head, none."""
    folder = origin_folder(params)
    if folder is None:
        return np.zeros(len(meta.keypoints), dtype=bool)
    if params.start_from != STARTER:
        return read_checkpoint(folder)[1].is_taught
    shipped = starter_meta()
    return shipped.is_taught & _holds(meta, shipped)


def take_starter(net: KeypointNetwork) -> None:
    """Give `net` the starter's weights: all of them, or what fits of them where the head is another one.

    Raises:
        InputError: the backbones differ.
    """
    weights, _ = load_checkpoint(starter.FOLDER)
    spare = [f"{child}." for child in weights.head_layers - net.head_layers]
    take_weights(net, weights.state_dict(), "the starter", optional=net.head_layers, spare=spare)


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


def _shapes(meta: ModelMeta, *, backbone: bool = False) -> dict[str, torch.Size]:
    """Shapes by name of all tensors of a network, or of those of its backbone."""
    with torch.device("meta"):  # without memory for the weights
        net = meta.build()
    shapes = {name: tensor.shape for name, tensor in net.state_dict().items()}
    return {name: shape for name, shape in shapes.items() if not backbone or name.split(".")[0] not in net.head_layers}


def _holds(meta: ModelMeta, shipped: ModelMeta) -> bool:
    """Whether the network of `meta` has all of the starter's tensors; what its head says besides may come on top."""
    return _shapes(shipped).items() <= _shapes(meta).items()


def _words(meta: ModelMeta) -> str:
    return " ".join([meta.network, *(f"{name} {value}" for name, value in meta.network_kwargs.items())])
