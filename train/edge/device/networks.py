"""The bundle's networks, each in its runtime: a picture and boxes go in, joints come out.

`open_network` reads `networks.json` for what a network is. ONNX Runtime's files cut crops and decode by themselves.
LiteRT's and TVM's take one crop at a time, which `crops.py` cuts: LiteRT decodes by a second file, TVM within its
library. A runtime is imported when a network of it is opened.
"""

import ctypes
import importlib.util
import json
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from crops import cut

RECORD = "networks.json"
MODULES = {"onnx": ("onnxruntime",), "litert": ("ai_edge_litert",), "tvm": ("tvm_ffi", "tvm")}
REQUIREMENTS = {"onnx": "requirements.txt", "litert": "requirements-litert.txt", "tvm": "requirements-tvm.txt"}
CPU, POOLED = 1, 2  # DLPack's kDLCPU, and the allocator that TVM's virtual machine keeps memory with


class Refused(Exception):
    """What was expected and what came, in one line."""


def records(folder: Path) -> dict[str, Any]:
    """Network's name -> its record; a file outside of the bundle is refused."""
    found: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    for name, record in found.items():
        for file in (record["file"], record.get("decoder", record["file"])):
            if Path(file).name != file:
                raise Refused(f"{RECORD}: expected {name}'s files in the bundle's folder, got {file}")
    return found


def obstacle(record: dict[str, Any]) -> str | None:
    """Why a network cannot run here: its machine code is another processor's, or its runtime is missing."""
    if record.get("machine", platform.machine()) != platform.machine():
        return f"expected {record['machine']}, got {platform.machine()}"
    runtime = record["runtime"]
    lacking = next((name for name in MODULES[runtime] if importlib.util.find_spec(name) is None), None)
    return f"expected {lacking}, got no such module; pip install -r {REQUIREMENTS[runtime]}" if lacking else None


def open_network(name: str, folder: Path, meta: dict[str, Any], threads: int) -> Callable[..., list[np.ndarray]]:
    """A function of a picture (h, w, 3) and boxes (n, 4): keypoints_px (n, 17, 2), then three of (n, 17)."""
    known = records(folder)
    if name not in known:
        raise Refused(f"--model: expected {' | '.join(known)}, got {name}")
    runtime, why = known[name]["runtime"], obstacle(known[name])
    if why is not None:
        raise Refused(f"{name}: {why}")
    if runtime == "onnx":
        return _onnx(folder / known[name]["file"], threads)
    ask = _litert(known[name], folder, threads) if runtime == "litert" else _tvm(folder / known[name]["file"], threads)
    return _crop_by_crop(ask, meta)


def _onnx(path: Path, threads: int) -> Callable[..., list[np.ndarray]]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda picture, boxes: session.run(None, {"picture": np.ascontiguousarray(picture), "boxes_xywh_px": boxes})


def _crop_by_crop(ask: Callable[[np.ndarray], list[np.ndarray]], meta: dict[str, Any]) -> Callable[..., Any]:
    """`ask` takes a normalised image (1, H, W, 3), float32 RGB, and answers in crop pixels."""
    size = meta["input_width_px"], meta["input_height_px"]
    mean, std = (np.array(meta[name], dtype=np.float32) for name in ("mean", "std"))

    def people(picture: np.ndarray, boxes: np.ndarray) -> list[np.ndarray]:
        found: list[list[np.ndarray]] = []
        for box in boxes:
            crop, step, middle = cut(picture, box, size, meta["crop_padding"])
            joints, confidence, spread, entropy = (part[0] for part in ask((crop / (255 * std) - mean / std)[None]))
            joints = (joints - (np.array(size) - 1) / 2) * step + middle
            found.append([joints, confidence, spread * step, entropy])
        return [np.stack(parts).astype(np.float32) for parts in zip(*found, strict=True)]

    return people


def _litert(record: dict[str, Any], folder: Path, threads: int) -> Callable[[np.ndarray], list[np.ndarray]]:
    from ai_edge_litert.interpreter import Interpreter

    count = threads or os.cpu_count() or 1
    # a signature is valid while its interpreter is, so both are kept
    kept = [Interpreter(model_path=str(folder / record[key]), num_threads=count) for key in ("file", "decoder")]
    network, decoder = (each.get_signature_runner(record["signature"]) for each in kept)
    for part, wanted in (("inputs", network.get_input_details()), ("outputs", network.get_output_details())):
        got = {name: tensor_facts(details) for name, details in wanted.items()}
        if got != record[part]:
            raise Refused(f"{record['file']}: expected {part} {record[part]}, got {got}")
    (into,) = record["inputs"].items()

    def ask(image: np.ndarray) -> list[np.ndarray]:
        if record["layout"] != "NHWC":
            image = np.ascontiguousarray(image.transpose(0, 3, 1, 2))
        answer = network(**{into[0]: as_stored(image, into[1])})
        values = [in_float(answer[name], record["outputs"][name]) for name in record["answers"]]
        joints = decoder(**dict(zip(record["decoder_takes"], values, strict=True)))
        assert kept
        return [joints[name] for name in record["decoder_answers"]]

    return ask


def tensor_facts(details: dict[str, Any]) -> dict[str, Any]:
    """Shape, type, and what turns stored numbers into real ones: (stored - zero_point) * scale; scale 0 if they are."""
    scale, zero_point = details["quantization"]
    shape = [int(length) for length in details["shape"]]
    return {
        "shape": shape,
        "dtype": np.dtype(details["dtype"]).name,
        "scale": float(scale),
        "zero_point": int(zero_point),
    }


def as_stored(values: np.ndarray, facts: dict[str, Any]) -> np.ndarray:
    """Real numbers as a tensor holds them."""
    kind = np.dtype(facts["dtype"])
    if not facts["scale"]:
        return values.astype(kind)
    limits = np.iinfo(kind)
    return np.clip(np.round(values / facts["scale"]) + facts["zero_point"], limits.min, limits.max).astype(kind)


def in_float(stored: np.ndarray, facts: dict[str, Any]) -> np.ndarray:
    """What a tensor holds, as real numbers."""
    if not facts["scale"]:
        return stored.astype(np.float32)
    return ((stored.astype(np.float32) - facts["zero_point"]) * np.float32(facts["scale"])).astype(np.float32)


def _tvm(path: Path, threads: int) -> Callable[[np.ndarray], list[np.ndarray]]:
    if threads:
        os.environ["TVM_NUM_THREADS"] = str(threads)
    import tvm_ffi

    # the runtime alone: importing `tvm` would load its compiler, of 240 MB, as well
    spec = importlib.util.find_spec("tvm")
    assert spec is not None and spec.submodule_search_locations
    ctypes.CDLL(str(Path(spec.submodule_search_locations[0], "lib", "libtvm_runtime.so")), ctypes.RTLD_GLOBAL)
    try:
        machine = tvm_ffi.load_module(str(path.resolve()))["vm_load_executable"]()
    except RuntimeError as error:
        raise Refused(
            f"{path.name}: expected a library for this processor, got {str(error).splitlines()[-1]}"
        ) from error
    machine["vm_initialization"](CPU, 0, POOLED)

    def ask(image: np.ndarray) -> list[np.ndarray]:
        images = np.ascontiguousarray(image.transpose(0, 3, 1, 2), dtype=np.float32)
        return [np.from_dlpack(part).copy() for part in machine["main"](tvm_ffi.from_dlpack(images))]

    return ask
