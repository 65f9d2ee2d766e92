"""The folder that is copied to a device: networks, scripts, people to prove itself by, and checksums of all of it.

`write_bundle` fills an empty folder. What the device is to find is asked of the bundle's own `run.py`, here.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from dataengine.coco_json import write_people
from dataengine.dvc_cache.enclosure import Enclosure
from dataengine.environments.virtual_environment import plain_environment
from dataengine.errors import EnvironmentFault, InputError
from dataengine.files import read_json, sha256_file, write_json
from dataengine.inference.exported import INPUT, ONNX_FP16, ONNX_FP32, SIDECAR, ExportedModel
from dataengine.inference.in_graph import BOXES, JOINTS, PICTURE, Takes
from dataengine.people import Images, People
from dataengine.pictures.reading.decoding import read_picture

from ..deploy.graph_feeding import picture_to_images
from ..deploy.graph_file import NETWORK_FILES, graph_around
from ..deploy.graph_reading import answer_to_joints
from ..deploy.params import GraphNetwork
from .readme import readme
from .references import crop_steps_px
from .runtimes import ONNX, RUNTIMES, TVM, runtime_of

NETWORKS: tuple[GraphNetwork, ...] = ("fp32", "int8")
_FP32, _INT8 = {"px": 0.05, "share": 0.97}, {"px": 1.0, "share": 0.85}
TOLERANCE: dict[str, dict[str, float]] = {
    "fp32": _FP32,
    "int8": _INT8,
    "litert-fp32": _FP32,
    "litert-int8": _INT8,
    "tvm-fp32": _FP32,
    "engine": {"px": 1.0, "share": 0.95},
}
"""Network -> how far a joint may lie from here, px of the crop, and what share of the joints must keep to it.

A joint of which a network knows nothing may jump between two places that look alike to it. INT8 is given more room: the
sums of residual branches are rounded differently on aarch64, by one step of 255 here and there. TVM's library does not
run here: its joints are held against those of ONNX Runtime's FP32.
"""
DEVICE = Path(__file__).parent / "device"
SCRIPTS = ("run.py", "networks.py", "crops.py", "build_engine.py")
RECORD = "networks.json"
Maker = Callable[[Path, ExportedModel], dict[str, Any]]
"""Writes the files of a runtime into a bundle whose reference images are there; returns each network's record."""
SUMS, PEOPLE, EXPECTED, IMAGES = "SHA256SUMS", "people.json", "expected.json", "images.npy"
TAKES: Takes = "picture"
AGAIN = "copy the bundle again, or write it with `dataengine bundle`"
REFERENCE, BUILT, TENSORRT_NETWORK, DECODER = "reference", "built", "network_fp16.onnx", "joints.onnx"
WRITTEN = frozenset(
    {
        *SCRIPTS,
        *(name for each in RUNTIMES.values() for name in (*each.files, each.requirements)),
        *(SIDECAR, RECORD, SUMS, REFERENCE, TENSORRT_NETWORK, DECODER, "README.md", "built"),
    }
)
"""All that may lie in a bundle's folder."""


def pose_file(network: str) -> str:
    """Name of the file that takes a picture and boxes."""
    return f"pose_{network}.onnx"


def write_bundle(
    folder: Path, model: ExportedModel, references: tuple[People, Images], makers: Sequence[Maker] = ()
) -> None:
    """Fill `folder`, below whose `reference/` the pictures of `references` lie already; `makers` add networks.

    Raises:
        InputError: the network was adopted, or the export lacks a file.
        EnvironmentFault: the bundle's own script fails here.
    """
    refuse_unfit(model)
    for network in NETWORKS:
        onnx.save(
            graph_around(model.folder / NETWORK_FILES[network], model.meta, TAKES), str(folder / pose_file(network))
        )
    onnx.save(answer_to_joints(model.meta, with_place=False), str(folder / DECODER))
    shutil.copyfile(model.folder / ONNX_FP16, folder / TENSORRT_NETWORK)
    shutil.copyfile(model.folder / SIDECAR, folder / SIDECAR)
    write_people(folder / REFERENCE / PEOPLE, *references)
    np.save(folder / REFERENCE / IMAGES, _network_input(model, *references))
    records: dict[str, dict[str, Any]] = {
        network: {"runtime": ONNX, "file": pose_file(network)} for network in NETWORKS
    }
    for make in makers:
        records |= make(folder, model)
    write_json(folder / RECORD, records)
    requirements = {RUNTIMES[runtime_of(name)].requirements for name in records}
    for name in (*SCRIPTS, *sorted(requirements)):
        shutil.copyfile(DEVICE / name, folder / name)
    (folder / "README.md").write_text(readme(model.id, records), encoding="utf-8")
    _write_expected(folder, model, references[0], list(records))
    sums = [f"{sha256_file(path)}  {path.relative_to(folder).as_posix()}\n" for path in _files(folder)]
    (folder / SUMS).write_text("".join(sums), encoding="utf-8")


def refuse_unfit(model: ExportedModel) -> None:
    """Raise `InputError` for a network that was adopted, or an export without one of the files."""
    if model.is_adopted:
        raise InputError(f"{model.folder} was adopted", expected="an export, whose crops and head are known")
    for name in (*(NETWORK_FILES[network] for network in NETWORKS), ONNX_FP16):
        if not (model.folder / name).is_file():
            raise InputError(f"{model.folder / name} is missing", fix="export again")


def joints_of(results: list[dict[str, Any]]) -> NDArray[np.float64]:
    """(n, 17, 3): x, y and confidence of the results that `run.py` writes."""
    return np.array([person["keypoints"] for person in results], dtype=np.float64).reshape(len(results), -1, 3)


def _write_expected(folder: Path, model: ExportedModel, people: People, networks: Sequence[str]) -> None:
    reference = folder / REFERENCE
    in_crop = decoded(model.folder / ONNX_FP32, folder / DECODER, np.load(reference / IMAGES))
    run_here = [network for network in networks if runtime_of(network) != TVM]
    found = {network: joints_of(_run_here(folder, network))[..., :2].tolist() for network in run_here}
    record = {
        "keypoints_px": {network: found.get(network, found["fp32"]) for network in networks},
        "keypoints_crop_px": in_crop.astype(np.float64).tolist(),
        "picture_px_of_crop_px": crop_steps_px(people.bbox_xywh_px, model.meta.crop).tolist(),
        "tolerance": {name: TOLERANCE[name] for name in (*networks, "engine")},
    }
    write_json(reference / EXPECTED, record)


def _network_input(model: ExportedModel, people: People, images: Images) -> NDArray[np.float32]:
    """Normalised images (n, 3, H, W), cut by the bundle's own graph."""
    feeding = onnxruntime.InferenceSession(
        picture_to_images(model.meta).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    parts = []
    for row, path in enumerate(images.path.tolist()):
        rgb = np.ascontiguousarray(read_picture(str(path))[..., ::-1])
        parts.append(feeding.run([INPUT], {PICTURE: rgb, BOXES: people.bbox_xywh_px[row : row + 1]})[0])
    return np.concatenate(parts)


def decoded(network: Path, decoder: Path, network_input: NDArray[np.float32]) -> NDArray[np.float32]:
    """Joints (n, 17, 2) in crop px, by a network's file and the bundle's decoder."""
    asked, read = (
        onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]) for path in (network, decoder)
    )
    names = [each.name for each in read.get_inputs()]
    joints: NDArray[np.float32] = read.run(
        [JOINTS], dict(zip(names, asked.run(names, {INPUT: network_input}), strict=True))
    )[0]
    return joints


def _run_here(folder: Path, network: str) -> list[dict[str, Any]]:
    """What the bundle's own script says of the reference people on this machine."""
    with_people = ["--people", str(folder / REFERENCE / PEOPLE), "--model", network]
    command = [sys.executable, str(folder / "run.py"), *with_people]
    done = subprocess.run(command, capture_output=True, text=True, env=plain_environment())
    if done.returncode:
        raise EnvironmentFault("the bundle's run.py fails here", got=done.stderr.strip()[-300:])
    results: list[dict[str, Any]] = json.loads(done.stdout)
    return results


def _files(folder: Path) -> list[Path]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in files if "__pycache__" not in path.parts and path.name != SUMS)


def other_files(folder: Path) -> list[str]:
    """What lies in a bundle's folder without standing in its checksums, but for `built/`, which a device made."""
    listed = {line.partition("  ")[2] for line in _sums(folder / SUMS)}
    there = (path.relative_to(folder).as_posix() for path in _files(folder))
    return [name for name in there if name not in listed and not name.startswith(f"{BUILT}/")]


def _sums(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []


def listed_files(bundle: Path) -> dict[str, int]:
    """Name -> bytes of each file that the bundle's checksums list.

    Raises:
        InputError: `bundle` holds none, a file lies outside, or is not the one that they list: copied in part, say.
    """
    path = bundle / SUMS
    if not path.is_file() or not (bundle / REFERENCE / EXPECTED).is_file():
        raise InputError(f"{bundle} is not a bundle", fix="write one with dataengine bundle")
    lines = (line.partition("  ") for line in _sums(path))
    listed, inside = {name: sha256 for sha256, _, name in lines}, Enclosure(bundle)
    there = {each.relative_to(bundle).as_posix() for each in _files(bundle)}
    if set(listed) != {name for name in there if not name.startswith(f"{BUILT}/")}:
        raise InputError(f"{path} does not list what lies in {bundle}", fix=AGAIN)
    outside = next((name for name in listed if bundle / name not in inside), None)
    if outside is not None:
        raise InputError(f"{path} lists a link", expected=f"files below {bundle}", got=outside)
    changed = next((name for name, sha256 in listed.items() if sha256_file(bundle / name) != sha256), None)
    if changed is not None:
        raise InputError(f"{bundle / changed} is not the file that {SUMS} lists", fix=AGAIN)
    return {name: (bundle / name).stat().st_size for name in listed}


def networks_of(bundle: Path) -> list[str]:
    """The networks of a bundle, by their names.

    Raises:
        InputError: its record has others than this version knows.
    """
    record = read_json(bundle / RECORD)
    unknown = sorted(set(record) - set(TOLERANCE)) if isinstance(record, dict) else ["no names"]
    if unknown:
        raise InputError(f"{bundle / RECORD} is malformed", expected=", ".join(TOLERANCE), got=unknown[0])
    return list(record)
