"""Joints and AP of labelled people: by a bundle's own `run.py` on this machine, and on emulated processors."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.coco_json import write_people
from dataengine.crops.spec import CropSpec
from dataengine.environments.virtual_environment import last_line, plain_environment
from dataengine.errors import EnvironmentFault
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.figures import figures_of
from dataengine.files import read_json, sha256_file, short_sha256, write_json
from dataengine.keypoints import VISIBLE
from dataengine.people import Images, People
from dataengine.pictures.encoding import write_picture
from dataengine.pictures.reading.decoding import read_picture

from .bundle_folder import SUMS, joints_of
from .references import crop_steps_px

HERE = "x86-64"
PEOPLE_AT_A_TIME = 8
Caller = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True)
class Parity:
    """One network on one processor, against the same network on this machine."""

    network: str
    cpu: str
    ap: float
    ap_here: float
    mean_px: float
    """Mean distance of the joints, px of the crop."""
    p99_px: float
    largest_px: float
    moved: float
    """Share of the joints that lie more than half a pixel of the crop elsewhere."""
    check: str
    """What `run.py --check` said there."""


def this_machine(arguments: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """Run a script with this Python."""
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=plain_environment())


def answers(
    bundle: Path, network: str, cpu: str, call: Caller, people: People, images: Images, kept: Path
) -> list[dict[str, Any]]:
    """Results of `run.py` for everyone, in the order of `people`; what `kept` has from an earlier call stays.

    Raises:
        EnvironmentFault: `run.py` fails there.
    """
    found: list[dict[str, Any]] = []
    for start in range(0, len(people), PEOPLE_AT_A_TIME):
        some = people.take(np.arange(start, min(start + PEOPLE_AT_A_TIME, len(people))))
        key = _fingerprint(bundle, some, images)
        place = kept / f"{cpu}-{network}-{start}-{key}.json"
        if not place.is_file():
            write_json(place, _asked(bundle, network, cpu, call, some, images))
        found += read_json(place)
    return found


def compare(
    network: str, cpu: str, there: list[dict[str, Any]], here: list[dict[str, Any]], people: People, images: Images,
    *, spec: CropSpec, check: str, protocol: OksProtocol = COCO,
) -> Parity:  # fmt: skip
    """Both answers for the same people."""
    apart = np.linalg.norm(joints_of(there)[..., :2] - joints_of(here)[..., :2], axis=2)
    apart /= crop_steps_px(people.bbox_xywh_px, spec)[:, None]
    ap_there, ap_here = (ap_of(people, images, each, protocol) for each in (there, here))
    p99 = float(np.quantile(apart, 0.99))
    moved = float((apart > 0.5).mean())
    return Parity(network, cpu, ap_there, ap_here, float(apart.mean()), p99, float(apart.max()), moved, check)


def ap_of(people: People, images: Images, results: list[dict[str, Any]], protocol: OksProtocol) -> float:
    """OKS AP of results of `run.py`, those of `people` in their order."""
    return figures_of(people, images, _found(people, results), protocol).ap


def _asked(bundle: Path, network: str, cpu: str, call: Caller, people: People, images: Images) -> list[dict[str, Any]]:
    with TemporaryDirectory(prefix="dataengine-bundle-") as name:
        folder = Path(name)
        shown = images.take(np.unique(images.rows_of(people.image_id)))
        paths = [str(folder / f"{row}.ppm") for row in range(len(shown))]
        for source, path in zip(shown.path.tolist(), paths, strict=True):
            write_picture(Path(path), read_picture(str(source)))
        write_people(folder / "people.json", people, shown.replace(path=np.array(paths)))
        out = folder / "joints.json"
        asked = ["--people", str(folder / "people.json"), "--model", network, "--out", str(out)]
        done = call([str(bundle / "run.py"), *asked])
        if done.returncode:
            raise EnvironmentFault(f"run.py fails on {cpu}", got=last_line(done.stderr))
        results: list[dict[str, Any]] = json.loads(out.read_text(encoding="utf-8"))
    return results


def _found(people: People, results: list[dict[str, Any]]) -> People:
    """The detections that OKS AP wants."""
    joints: NDArray[np.float64] = joints_of(results)
    return people.replace(
        keypoints_px=joints[..., :2].astype(np.float32),
        visibility=np.full(joints.shape[:2], VISIBLE, np.uint8),
        score=np.array([person["score"] for person in results], dtype=np.float32),
    )


def _fingerprint(bundle: Path, people: People, images: Images) -> str:
    """Changes with the bundle, the boxes, and the pictures."""
    pictures = [sha256_file(Path(str(images.path[row]))) for row in images.rows_of(people.image_id).tolist()]
    text = repr((sha256_file(bundle / SUMS), people.bbox_xywh_px.tolist(), pictures))
    return short_sha256(hashlib.sha256(text.encode()).hexdigest())
