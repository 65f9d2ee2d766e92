"""A fitted network on disk: ``model.safetensors`` (weights; no pickle) and ``model.json`` (what they mean).

`ModelMeta` is all that is needed to run the network: input layout, normalisation, crop, head, keypoints, lineage.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from dataengine.crops.pixels import MEAN_RGB, STD_RGB
from dataengine.crops.spec import CropSpec
from dataengine.errors import InputError
from dataengine.files import atomic_path, read_json, sha256_file, write_json
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.nets.table import build_network

WEIGHTS_NAME, META_NAME = "model.safetensors", "model.json"


@dataclass(frozen=True)
class ModelMeta:
    """The sidecar of a model: how to feed it and how to read it."""

    network: str
    """Name in `nets.table.NETWORKS`."""
    network_kwargs: Mapping[str, Any] = field(default_factory=dict)
    input_width_px: int = 128
    input_height_px: int = 128
    crop_padding: float = 1.25
    """Extent of the crop over that of the person's box."""
    mean: tuple[float, ...] = MEAN_RGB
    """Subtracted from RGB values in 0..1."""
    std: tuple[float, ...] = STD_RGB
    simcc_split: int = 2
    """Bins per crop pixel."""
    keypoints: tuple[str, ...] = COCO_KEYPOINTS
    lineage: Mapping[str, Any] = field(default_factory=dict)
    """Where the weights come from: stage, parameters, data fingerprint, validation result."""

    @property
    def crop(self) -> CropSpec:
        """The crop that the network was fitted on."""
        return CropSpec(self.input_width_px, self.input_height_px, self.crop_padding)

    def build(self) -> nn.Module:
        """The network that this describes, with fresh weights."""
        return build_network(
            self.network,
            input_width_px=self.input_width_px,
            input_height_px=self.input_height_px,
            simcc_split=self.simcc_split,
            keypoints=len(self.keypoints),
            **self.network_kwargs,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "ModelMeta":
        """Inverse of `to_json`; unknown or missing keys are an `InputError`."""
        known = {f.name for f in fields(cls)}
        if set(record) != known:
            got = ", ".join(sorted(set(record) ^ known))
            raise InputError("model metadata has other keys than expected", expected=", ".join(sorted(known)), got=got)
        lists = {name: tuple(record[name]) for name in ("mean", "std", "keypoints")}
        return cls(**{**record, **lists})


def save_checkpoint(folder: Path, net: nn.Module, meta: ModelMeta) -> None:
    """Write weights and metadata; the metadata come last and carry the weights' checksum, so half is never whole."""
    weights = {name: tensor.detach().float().contiguous().clone() for name, tensor in net.state_dict().items()}
    with atomic_path(folder / WEIGHTS_NAME) as partial:
        save_file(weights, partial)
    write_json(folder / META_NAME, {**meta.to_json(), "weights_sha256": sha256_file(folder / WEIGHTS_NAME)})


def load_checkpoint(folder: Path) -> tuple[nn.Module, ModelMeta]:
    """The network in evaluation mode and its metadata. Anything missing, damaged or misnamed is an `InputError`."""
    record = read_json(folder / META_NAME)
    if not isinstance(record, dict) or "weights_sha256" not in record:
        raise InputError(f"{folder / META_NAME} is not model metadata", mend="rerun the stage that fits this model")
    expected_sha256 = record.pop("weights_sha256")
    meta = ModelMeta.from_json(record)
    weights = _read_weights(folder / WEIGHTS_NAME, expected_sha256)
    net = meta.build()
    _check_names_and_shapes(folder, net.state_dict(), weights)
    net.load_state_dict(weights)
    return net.eval().to(memory_format=torch.channels_last), meta


def _read_weights(path: Path, expected_sha256: str) -> dict[str, Tensor]:
    if not path.exists():
        raise InputError(f"{path} does not exist", mend="run the stage that fits this model, or `dvc pull`")
    got = sha256_file(path)
    if got != expected_sha256:
        raise InputError(
            f"{path} is not the file its metadata speak of", expected=f"sha256 {expected_sha256[:12]}", got=got[:12]
        )
    try:
        return dict(load_file(path))
    except SafetensorError as error:
        raise InputError(f"{path} is not a safetensors file", got=str(error)) from error


def _check_names_and_shapes(folder: Path, expected: Mapping[str, Tensor], got: Mapping[str, Tensor]) -> None:
    missing, unknown = sorted(set(expected) - set(got)), sorted(set(got) - set(expected))
    if missing or unknown:
        raise InputError(
            f"weights in {folder} do not fit the network of {META_NAME}",
            expected=f"tensor {missing[0]}" if missing else "no other tensors",
            got=f"tensor {unknown[0]}" if unknown else "none of that name",
        )
    for name, tensor in expected.items():
        if got[name].shape != tensor.shape:
            raise InputError(
                f"tensor {name} in {folder} has a wrong shape",
                expected=str(tuple(tensor.shape)),
                got=str(tuple(got[name].shape)),
            )
