"""A fitted network on disk: ``model.safetensors`` (weights; no pickle) and ``model.json`` (what they mean).

`ModelMeta` is all that is needed to run the network: input layout, normalisation, crop, head, keypoints, lineage.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from dataengine.crops.pixels import MEAN_RGB, STD_RGB
from dataengine.crops.spec import CropSpec
from dataengine.errors import InputError
from dataengine.files import atomic_path, read_json, sha256_file, short_sha256, write_json
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.nets.heads import Head, make_head
from dataengine.nets.joint_confidence import JointCurves
from dataengine.nets.layout import Decoded, Layout
from dataengine.nets.learnt_pictures import write_learnt_pictures
from dataengine.nets.network import KeypointNetwork
from dataengine.nets.person_score import ExpectedOks, PersonScore
from dataengine.nets.table import build_network
from dataengine.nets.weights import check_names_and_shapes
from dataengine.typed_record import RECORDS

WEIGHTS_NAME, META_NAME = "model.safetensors", "model.json"
# keys that earlier metadata lack
FORMER_DEFAULTS: Mapping[str, Any] = {"head": "simcc", "joint_confidence": None}


@dataclass(frozen=True)
class ModelMeta:
    """The sidecar of a model: how to feed it and how to read it."""

    network: str
    """Name in `nets.table.NETWORKS`."""
    network_kwargs: Mapping[str, Any] = field(default_factory=dict)
    """The backbone's own arguments and the head's options."""
    input_width_px: int = 128
    input_height_px: int = 128
    crop_padding: float = 1.25
    """Extent of the crop over that of the person's box."""
    mean: tuple[float, ...] = MEAN_RGB
    """Subtracted from RGB values in 0..1."""
    std: tuple[float, ...] = STD_RGB
    simcc_split: int = 2
    """Bins per crop pixel of a SimCC head."""
    keypoints: tuple[str, ...] = COCO_KEYPOINTS
    taught: tuple[str, ...] = COCO_KEYPOINTS
    """Those of `keypoints` that training people had labelled: what the network says of the others means nothing."""
    lineage: Mapping[str, Any] = field(default_factory=dict)
    """Where the weights come from: stage, parameters, data fingerprint, validation result."""
    head: str = "simcc"
    """Name in `nets.heads.HEADS`."""
    score: ExpectedOks | None = None
    """How a person's score is read from its joints; None: their mean confidence."""
    joint_confidence: JointCurves | None = None
    """What the network's confidence in a joint is worth; None: as it states it."""

    def __post_init__(self) -> None:
        unknown = sorted(set(self.taught) - set(self.keypoints))
        if unknown:
            raise InputError(
                "taught joints are none of the model's", expected=", ".join(self.keypoints), got=unknown[0]
            )

    @property
    def is_taught(self) -> NDArray[np.bool_]:
        """Which of `keypoints` (k,) are in `taught`."""
        return np.array([name in self.taught for name in self.keypoints], dtype=bool)

    @property
    def person_score(self) -> PersonScore:
        """How the network's people are scored."""
        return PersonScore(self.is_taught, self.score)

    def calibrated(self, decoded: Decoded) -> NDArray[np.floating[Any]]:
        """The confidence (n, k) of an answer by `joint_confidence`, unless it is already."""
        if self.joint_confidence is None or decoded.is_calibrated:
            return decoded.confidence
        return self.joint_confidence.of(decoded.confidence, self.keypoints)

    @property
    def crop(self) -> CropSpec:
        """The crop that the network was fitted on."""
        return CropSpec(self.input_width_px, self.input_height_px, self.crop_padding)

    @property
    def layout(self) -> Layout:
        """What the network is built for."""
        return Layout(self.input_width_px, self.input_height_px, len(self.keypoints), self.simcc_split)

    @property
    def reader(self) -> Head:
        """The head, which knows how to read the network's answer."""
        return make_head(self.head, self.layout, self.network_kwargs)[0]

    def build(self) -> KeypointNetwork:
        """The network that this describes, with fresh weights."""
        return build_network(self.network, self.layout, head=self.head, kwargs=self.network_kwargs)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "ModelMeta":
        """Inverse of `to_json`; anything else, unknown and missing keys among it, is an `InputError`."""
        if not isinstance(record, Mapping):
            raise InputError("model metadata is not a mapping of keys", got=type(record).__name__)
        known_keys = {f.name for f in fields(cls)}
        record = {**FORMER_DEFAULTS, **record}
        if set(record) != known_keys:
            got = ", ".join(sorted(set(record) ^ known_keys))
            raise InputError(
                "model metadata has other keys than expected", expected=", ".join(sorted(known_keys)), got=got
            )
        return RECORDS.record(cls, record, "model metadata")


def save_checkpoint(folder: Path, net: nn.Module, meta: ModelMeta, learnt: Iterable[str] | None = None) -> None:
    """Write weights, then metadata with the weights' checksum, so that a half-written checkpoint is refused.

    `learnt` are the SHA-256 of the pictures that the weights were fitted on; None where they are not known.
    """
    if learnt is not None:
        write_learnt_pictures(folder, learnt)
    weights = {name: tensor.detach().float().contiguous().clone() for name, tensor in net.state_dict().items()}
    with atomic_path(folder / WEIGHTS_NAME) as partial:
        partial.write_bytes(save(weights))  # save_file's file is for its owner alone
    write_json(folder / META_NAME, {**meta.to_json(), "weights_sha256": sha256_file(folder / WEIGHTS_NAME)})


def load_checkpoint(folder: Path) -> tuple[KeypointNetwork, ModelMeta]:
    """The network in evaluation mode and its metadata. Anything missing, damaged or misnamed is an `InputError`."""
    record = read_json(folder / META_NAME)
    if not isinstance(record, dict) or not isinstance(record.get("weights_sha256"), str):
        raise InputError(f"{folder / META_NAME} is not model metadata", fix="rerun the stage that fits this model")
    expected_sha256 = record.pop("weights_sha256")
    meta = ModelMeta.from_json(record)
    return load_weights(folder, meta, expected_sha256), meta


def load_weights(folder: Path, meta: ModelMeta, expected_sha256: str) -> KeypointNetwork:
    """The network of `meta` in evaluation mode, with the weights in `folder`; InputError if their checksum differs."""
    weights = _read_weights(folder / WEIGHTS_NAME, expected_sha256)
    net = meta.build()
    check_names_and_shapes(folder, net.state_dict(), weights)
    net.load_state_dict(weights)
    return net.eval().to(memory_format=torch.channels_last)


def _read_weights(path: Path, expected_sha256: str) -> dict[str, Tensor]:
    if not path.exists():
        raise InputError(f"{path} does not exist", fix="run the stage that fits this model, or `dvc pull`")
    got = sha256_file(path)
    if got != expected_sha256:
        raise InputError(
            f"{path} is not the file that its metadata describe",
            expected=f"sha256 {short_sha256(expected_sha256)}",
            got=short_sha256(got),
        )
    try:
        return dict(load_file(path))
    except SafetensorError as error:
        raise InputError(f"{path} is not a safetensors file", got=str(error)) from error
