"""A lifter on disk: ``lifter.safetensors`` (weights; no pickle) and ``lifter.json`` (what they mean)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save

from dataengine.errors import InputError
from dataengine.files import atomic_path, read_json, sha256_file, short_sha256, write_json
from dataengine.nets.weights import check_names_and_shapes
from dataengine.typed_record import RECORDS

from .network import LifterNetwork
from .params import LifterParams

LIFTER_WEIGHTS, LIFTER_META = "lifter.safetensors", "lifter.json"


@dataclass(frozen=True)
class LifterMeta:
    """The sidecar of a lifter."""

    params: LifterParams
    weights_sha256: str
    lineage: Mapping[str, Any] = field(default_factory=dict)
    """What it was fitted on, and how good it was."""


def save_lifter(folder: Path, net: LifterNetwork, params: LifterParams, lineage: Mapping[str, Any]) -> None:
    """Write weights, then metadata with their checksum, so that a half-written lifter is refused."""
    weights = {name: tensor.detach().contiguous().clone() for name, tensor in net.state_dict().items()}
    with atomic_path(folder / LIFTER_WEIGHTS) as partial:
        partial.write_bytes(save(weights))  # save_file's file is for its owner alone
    meta = LifterMeta(params, sha256_file(folder / LIFTER_WEIGHTS), dict(lineage))
    write_json(folder / LIFTER_META, asdict(meta))


def refuse_foreign(folder: Path) -> None:
    """`InputError` where `folder` holds something else than a lifter: a student's checkpoint, say."""
    ours = {LIFTER_WEIGHTS, LIFTER_META}
    foreign = sorted(each.name for each in folder.iterdir() if each.name not in ours) if folder.is_dir() else []
    if foreign:
        raise InputError(
            f"{folder} holds something else", expected="a lifter, or nothing", got=foreign[0], fix="name another --out"
        )


def load_lifter(folder: Path) -> tuple[LifterNetwork, LifterMeta]:
    """The network in evaluation mode and its metadata. Anything missing, damaged or misnamed is an `InputError`."""
    if not all((folder / name).is_file() for name in (LIFTER_META, LIFTER_WEIGHTS)):
        expected = f"a folder of `dataengine fit-lifter` with {LIFTER_META} and {LIFTER_WEIGHTS}"
        raise InputError(f"{folder} is not a lifter", expected=expected)
    record = read_json(folder / LIFTER_META)
    if not isinstance(record, dict) or not isinstance(record.get("params"), dict):
        raise InputError(
            f"{folder / LIFTER_META} is not a lifter's metadata", fix="make it with `dataengine fit-lifter`"
        )
    meta = RECORDS.record(LifterMeta, record, f"{folder / LIFTER_META}")
    path = folder / LIFTER_WEIGHTS
    got = sha256_file(path)
    if got != meta.weights_sha256:
        raise InputError(
            f"{path} is not the file that its metadata describe",
            expected=f"sha256 {short_sha256(meta.weights_sha256)}",
            got=short_sha256(got),
        )
    try:
        weights = dict(load_file(path))
    except SafetensorError as error:
        raise InputError(f"{path} is not a safetensors file", got=str(error)) from error
    net = LifterNetwork(meta.params)
    check_names_and_shapes(folder, net.state_dict(), weights)
    if not all(bool(tensor.isfinite().all()) for tensor in weights.values()):
        fix = "fit it again, with a smaller fit-lifter.learning_rate"
        raise InputError(f"{path} has weights that are not finite", expected="finite ones", fix=fix)
    net.load_state_dict(weights)
    return net.eval(), meta
