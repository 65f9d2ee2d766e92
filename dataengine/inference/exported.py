"""An exported model: a folder of ONNX files and an engine, and the sidecar ``model.json`` that says what they are.

`load_exported` is the only way in: it checks every file against the sidecar's checksums, so a flipped byte is refused.
`write_sidecar` is the way out. `ExportedModel.meta` is what `predict.predict_people` needs to run any of the files.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataengine.errors import InputError
from dataengine.files import read_json, sha256_file, short_sha256, write_json
from dataengine.nets.checkpoint import ModelMeta

SIDECAR = "model.json"
ONNX_FP32, ONNX_FP16, ONNX_INT8, ENGINE = "model.onnx", "model_fp16.onnx", "model_int8.onnx", "model.engine"
ONNX_INT8_TRT = "model_int8_trt.onnx"  # INT8 as TensorRT reads it; ONNX_INT8 is ONNX Runtime's
ONNX_GRAPH = "model_graph.onnx"  # one of the networks with normalising and decoding inside: see `in_graph`
CONTRACT = "contract"  # key of the sidecar of a network that was adopted: how it is fed and read
INPUT = "images"  # name of the one input of the networks that are exported here
FORMAT = 1


@dataclass(frozen=True)
class ExportedModel:
    """An exported model whose files have been checked."""

    folder: Path
    id: str
    meta: ModelMeta
    sidecar: Mapping[str, Any]

    @property
    def is_adopted(self) -> bool:
        """Whether it is a network of others, fed and read by a contract of its own (`dataengine.adopted`)."""
        return CONTRACT in self.sidecar

    @property
    def sha256(self) -> dict[str, str]:
        """Checksum of every file by name, the sidecar left out."""
        return {name: str(record["sha256"]) for name, record in self.sidecar["files"].items()}


def file_record(path: Path, **facts: Any) -> dict[str, Any]:
    """What the sidecar says of one file: checksum, size, and `facts`."""
    return {"sha256": sha256_file(path), "bytes": path.stat().st_size, **facts}


def model_id(files: Mapping[str, Mapping[str, Any]]) -> str:
    """Short hash of the networks' contents.

    Engines are left out: the builder does not give the same bytes twice, and a rebuilt engine is still the same model.
    So is `ONNX_GRAPH`, which holds one of the networks again.
    """
    names = [name for name in files if name.endswith(".onnx") and name != ONNX_GRAPH]
    networks = sorted((name, str(files[name]["sha256"])) for name in names)
    return short_sha256(hashlib.sha256(repr(networks).encode()).hexdigest())


def write_sidecar(
    folder: Path, meta: ModelMeta, files: Mapping[str, Mapping[str, Any]], facts: Mapping[str, Any]
) -> None:
    """Write ``model.json``: how to feed and read the networks, every file's checksum, and `facts` of their making."""
    _write(
        folder,
        meta,
        files,
        {
            "input": {
                "name": INPUT,
                "layout": "NCHW",
                "channels": "RGB",
                "dtype": "float32",
                "shape": ["batch", 3, meta.input_height_px, meta.input_width_px],
                "normalisation": {"scale": 1 / 255, "mean": list(meta.mean), "std": list(meta.std)},
            },
            "outputs": list(meta.reader.outputs),
            "decode": meta.reader.describe(),
            **facts,
        },
    )


def write_adopted_sidecar(
    folder: Path, meta: ModelMeta, files: Mapping[str, Mapping[str, Any]], facts: Mapping[str, Any]
) -> None:
    """Write ``model.json`` of a network that was not made here; `facts` have the contract by which it is read."""
    _write(folder, meta, files, {"lineage": dict(meta.lineage), **facts})


def _write(folder: Path, meta: ModelMeta, files: Mapping[str, Mapping[str, Any]], facts: Mapping[str, Any]) -> None:
    record = {"format": FORMAT, "id": model_id(files), "model": meta.to_json(), "files": dict(files)}
    write_json(folder / SIDECAR, {**record, **facts})


def load_exported(folder: Path) -> ExportedModel:
    """Read an exported model and check each of its files.

    Raises:
        InputError: the sidecar is missing or malformed, or a file is missing or not the one that was exported.
    """
    path = folder / SIDECAR
    record = read_json(path)
    try:
        if record["format"] != FORMAT:
            raise ValueError(f"format {record['format']}")
        meta, files, claimed = ModelMeta.from_json(record["model"]), dict(record["files"]), str(record["id"])
        expected = {name: str(facts["sha256"]) for name, facts in files.items()}
    except (KeyError, TypeError, ValueError) as error:
        got = f"missing key {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{path} is not the sidecar of an exported model", got=got, fix="export again") from error
    if model_id(files) != claimed:
        raise InputError(f"{path} was changed by hand", expected=f"id {model_id(files)}", got=claimed)
    for name, sha256 in expected.items():
        _check_file(folder, name, sha256)
    return ExportedModel(folder=folder, id=claimed, meta=meta, sidecar=record)


def _check_file(folder: Path, name: str, sha256: str) -> None:
    if Path(name).name != name:
        raise InputError(f"{folder / SIDECAR} names a file outside its folder", got=name)
    path = folder / name
    if not path.is_file():
        raise InputError(f"{path} is missing", expected="every file that the sidecar lists", fix="export again")
    got = sha256_file(path)
    if got != sha256:
        raise InputError(
            f"{path} is not the file that was exported",
            expected=f"sha256 {short_sha256(sha256)}",
            got=short_sha256(got),
            fix="it was damaged or tampered with: export again or fetch it from the store",
        )
