"""From a student to a smaller checkpoint: channels removed, the rest fitted again by our own fit."""

import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from dataengine.evaluation.ap.protocol import OksProtocol
from dataengine.files import sha256_file
from dataengine.nets.checkpoint import META_NAME, WEIGHTS_NAME, ModelMeta, load_checkpoint, save_checkpoint
from dataengine.nets.learnt_pictures import LEARNT_NAME
from dataengine.nets.network import KeypointNetwork
from dataengine.terminal.speech import say

from ..fit.data import files_of, read_given
from ..fit.loop import fit
from ..fit.params import DistillParams
from .params import PruneParams
from .removing import count, without_channels

PRUNED = "pruned"  # key of the lineage
START = ".start"  # ending of the folder with the checkpoint that a fit starts from


def prune_one(
    params: PruneParams,
    share: float | None,
    *,
    student: Path,
    mix: Path,
    val: Path,
    held_out: Path | None,
    out: Path,
    report: Path,
    protocol: OksProtocol,
) -> Path:
    """Write the checkpoint `out` with that share of the student, fitted again; None removes nothing, to compare.

    `out` with the ending `START` is the network before the fit. A checkpoint that is there and was made of the same
    student by the same params and data is left as it is. Returns `out`.
    """
    net, meta = load_checkpoint(student)
    start = out.with_name(out.name + START)
    origin = _origin(params, share, student, mix, val)
    if _is_made(out, origin):
        say(f"{out} is there already")
        return out
    smaller, small_meta = (
        (net, meta) if share is None else without_channels(net, meta, share, params.by, params.multiple_of)
    )
    counts, whole = count(smaller, small_meta), count(net, meta)
    note = origin | {"kept": {name: counts[name] / whole[name] for name in counts}}
    small_meta = replace(small_meta, lineage={PRUNED: note, "student": dict(meta.lineage)})
    save_checkpoint(start, smaller, small_meta)
    if (student / LEARNT_NAME).is_file():
        shutil.copyfile(student / LEARNT_NAME, start / LEARNT_NAME)
    fitted = _fit_params(params, small_meta, start)
    given = read_given(fitted, mix, val, held_out=held_out, protocol=protocol)
    distill = DistillParams(str(student), output_weight=params.teach) if params.teach else None
    fit(
        "prune",
        fitted,
        given.training,
        given.validation,
        out=out,
        report=report,
        files=given.files,
        distill=distill,
    )
    _note(out, small_meta.lineage)
    return out


def start_of(out: Path) -> tuple[KeypointNetwork, ModelMeta]:
    """The network that the fit of the checkpoint `out` started from."""
    return load_checkpoint(out.with_name(out.name + START))


def _fit_params(params: PruneParams, meta: ModelMeta, start: Path) -> PruneParams:
    return replace(
        params,
        network=meta.network,
        network_kwargs=dict(meta.network_kwargs),
        head=meta.head,
        pretrained=None,
        input_width_px=meta.input_width_px,
        input_height_px=meta.input_height_px,
        crop_padding=meta.crop_padding,
        start_from=str(start),
    )


def _origin(params: PruneParams, share: float | None, student: Path, mix: Path, val: Path) -> dict[str, Any]:
    """What decides the checkpoint."""
    ours = {name: value for name, value in asdict(params).items() if name not in ("keep", "loader")}
    files = {"student": student / WEIGHTS_NAME, "val": val, **{f"mix/{p.name}": p for p in files_of(mix, params)}}
    sha256 = {name: sha256_file(path) for name, path in files.items() if path.is_file()}
    return {"share": share, "params": ours, "sha256": sha256}


def _is_made(out: Path, origin: dict[str, Any]) -> bool:
    if not (out / META_NAME).is_file() or not (out.with_name(out.name + START) / META_NAME).is_file():
        return False
    made = load_checkpoint(out)[1].lineage.get(PRUNED, {})
    return {name: made.get(name) for name in origin} == _as_json(origin)


def _as_json(value: Any) -> Any:
    """What comes back from JSON, which has no tuples."""
    if isinstance(value, dict):
        return {str(key): _as_json(item) for key, item in value.items()}
    return [_as_json(item) for item in value] if isinstance(value, list | tuple) else value


def _note(folder: Path, lineage: Any) -> None:
    """Add where the network comes from to the lineage that the fit has written."""
    net, meta = load_checkpoint(folder)
    save_checkpoint(folder, net, replace(meta, lineage={**meta.lineage, **lineage}))
