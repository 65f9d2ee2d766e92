"""Joints of people in pictures, on the device: needs Python 3.11, numpy and one of the runtimes, and nothing else.

    python3 run.py --check                                  # every checksum, and the joints of the reference people
    python3 run.py walk.ppm --box 412 80 190 520            # x y width height of a person, edge to edge; repeat --box
    python3 run.py --people people.json --out joints.json   # pictures and boxes of a COCO file

Pictures are binary PPM (P6), .npy arrays (height, width, 3) uint8 RGB, or what Pillow reads where it is installed.
The answer is a list of COCO results: `keypoints` has x, y and confidence of each joint; (0, 0) is the centre of the
top left pixel. `--model` picks the network: fp32 and int8 run in ONNX Runtime; litert-fp32, litert-int8 and tvm-fp32,
where the bundle has them, in those runtimes.
"""

import argparse
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.dont_write_bytecode, _before = True, sys.dont_write_bytecode  # no compiled files in the bundle
from networks import Refused, obstacle, open_network, records  # noqa: E402

sys.dont_write_bytecode = _before

HERE = Path(__file__).resolve().parent
SUMS, SIDECAR, REFERENCE = "SHA256SUMS", "model.json", HERE / "reference"


def check_sums(folder: Path = HERE) -> int:
    """The number of files that `SHA256SUMS` lists; a missing, changed or unlisted file is refused."""
    listed = {}
    for line in (folder / SUMS).read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        listed[name] = digest
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    there = {name for name in there if "__pycache__" not in name and not name.startswith("built/")} - {SUMS}
    for name in sorted(there | listed.keys()):
        if name not in listed:
            raise Refused(f"{name}: expected only files that {SUMS} lists; remove it or put it into built/")
        path = folder / name
        if name not in there or hashlib.sha256(path.read_bytes()).hexdigest() != listed[name]:
            raise Refused(f"{name}: expected sha256 {listed[name][:12]}, got another or no file; copy the bundle again")
    return len(listed)


def read_picture(path: Path) -> np.ndarray:
    """(height, width, 3) uint8 RGB of a .npy, a binary PPM, or a file that Pillow reads."""
    if path.suffix == ".npy":
        picture = np.load(path, allow_pickle=False)
    elif path.suffix == ".ppm":
        content = path.read_bytes()
        head = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", content)  # one white space stands before the pixels
        if head is None or len(content) != head.end() + int(head[1]) * int(head[2]) * 3:
            raise Refused(f"{path}: expected a whole binary PPM of 8 bits without comments")
        picture = np.frombuffer(content, np.uint8, offset=head.end()).reshape(int(head[2]), int(head[1]), 3)
    else:
        try:
            from PIL import Image, ImageOps
        except ImportError as error:
            raise Refused(f"{path}: expected .ppm or .npy, got {path.suffix}; or install Pillow") from error
        picture = np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))  # upright
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        raise Refused(f"{path}: expected (height, width, 3) uint8, got {picture.shape} {picture.dtype}")
    return picture


class Model:
    """One of the bundle's networks, with cropping and decoding inside."""

    def __init__(self, name: str, threads: int = 0) -> None:
        self.meta = json.loads((HERE / SIDECAR).read_text(encoding="utf-8"))["model"]
        self._ask = open_network(name, HERE, self.meta, threads)

    def people(self, picture: np.ndarray, boxes_xywh_px: Any) -> list[np.ndarray]:
        """keypoints_px (n, 17, 2), confidence, spread_px and entropy (n, 17) of the people in boxes (n, 4)."""
        boxes = np.asarray(boxes_xywh_px, dtype=np.float32).reshape(-1, 4)
        if not np.isfinite(boxes).all() or (boxes[:, 2:] <= 0).any():
            raise Refused(f"a box: expected width and height above 0, got {boxes.tolist()}")
        return self._ask(picture, boxes)

    def scores(self, answer: list[np.ndarray], boxes_xywh_px: Any) -> np.ndarray:
        """One score a person (n,), 0 to 1: the OKS to expect, by `model.score` of the sidecar."""
        _, confidence, spread, entropy = (np.asarray(part, dtype=np.float64) for part in answer)
        boxes = np.asarray(boxes_xywh_px, dtype=np.float64).reshape(-1, 4)
        counted = np.isin(self.meta["keypoints"], self.meta["taught"] or self.meta["keypoints"])
        share = spread[:, counted] / np.sqrt(boxes[:, 2:].prod(axis=1))[:, None]
        c, e = confidence[:, counted].mean(axis=1), entropy[:, counted].mean(axis=1)
        weights = self.meta.get("score")
        if weights is None:
            return c
        z = weights["bias"] + weights["confidence"] * c + weights["entropy"] * e
        return 1 / (1 + np.exp(-z - weights["log_spread"] * np.log(share + 1e-3).mean(axis=1)))


def of_file(model: Model, path: Path) -> list[dict[str, Any]]:
    """COCO results for the boxes of a COCO file, in its order; pictures lie below its folder."""
    record = json.loads(path.read_text(encoding="utf-8"))
    files = {image["id"]: path.parent / image["file_name"] for image in record["images"]}
    results: list[dict[str, Any]] = []
    folder = path.parent.resolve()
    for number, person in enumerate(record["annotations"]):
        file = files[person["image_id"]]
        if not file.resolve().is_relative_to(folder):
            raise Refused(f"{file}: expected a picture below {folder}")
        if number == 0 or person["image_id"] != results[-1]["image_id"]:
            picture = read_picture(file)
        results += results_of(model, picture, [person["bbox"]], person["image_id"], person.get("id", number))
        if sys.stderr.isatty():
            print(f"\r{number + 1}/{len(record['annotations'])}", end="", file=sys.stderr)
    return results


def results_of(model: Model, picture: np.ndarray, boxes: Any, image_id: Any, first_id: int) -> list[dict[str, Any]]:
    """COCO results for boxes (n, 4) of one picture."""
    answer = model.people(picture, boxes)
    scores = model.scores(answer, boxes)
    joints = np.concatenate([answer[0], answer[1][..., None]], axis=2).round(4).reshape(len(scores), -1)
    return [
        {"id": first_id + row, "image_id": image_id, "category_id": 1, "bbox": list(map(float, boxes[row]))}
        | {"keypoints": joints[row].tolist(), "score": float(scores[row])}
        for row in range(len(scores))
    ]


def names_here() -> list[str]:
    """The networks that can run here; refuses where none can."""
    found = {name: obstacle(record) for name, record in records(HERE).items()}
    for name, why in found.items():
        if why is not None:
            print(f"{name} is not tried: {why}", file=sys.stderr)
    here = [name for name, why in found.items() if why is None]
    if not here:
        raise Refused("expected one of the runtimes, got none; pip install -r requirements.txt")
    return here


def check(name: str) -> str:
    """Compare the joints of the reference people with the expected ones; refuses where too many lie elsewhere."""
    expected = json.loads((REFERENCE / "expected.json").read_text(encoding="utf-8"))
    results = of_file(Model(name), REFERENCE / "people.json")
    joints = np.array([person["keypoints"] for person in results]).reshape(len(results), -1, 3)[..., :2]
    return verdict(name, joints, np.array(expected["keypoints_px"][name]), expected)


def verdict(name: str, joints: np.ndarray, wanted: np.ndarray, expected: dict[str, Any]) -> str:
    """What to say of joints (n, 17, 2), `wanted` (n, 17, 2), both in px of the picture; distances count in crop px."""
    apart = np.linalg.norm(joints - wanted, axis=2) / np.array(expected["picture_px_of_crop_px"])[:, None]
    allowed = expected["tolerance"][name]
    share = float((apart <= allowed["px"]).mean())
    found = f"{share:.4f} of {apart.size} joints within {allowed['px']} px of the crop, the furthest {apart.max():.4f}"
    if not np.isfinite(apart).all() or share < allowed["share"]:
        raise Refused(f"{name}: expected {allowed['share']} of the joints in their places, got {found}")
    return f"{name}: {found}"


def main() -> int:
    """Exit code 0, or 2 after one line on standard error."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path, nargs="?")
    parser.add_argument("--box", type=float, nargs=4, action="append", metavar=("X", "Y", "WIDTH", "HEIGHT"))
    parser.add_argument("--people", type=Path, help="COCO JSON with pictures and boxes")
    parser.add_argument("--model", help="name of networks.json; default: the first that runs here; --check runs all")
    parser.add_argument("--threads", type=int, default=0, help="0: as many as there are cores")
    parser.add_argument("--out", type=Path, help="file for the answer instead of standard output")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    try:
        if given.check:
            print(f"{check_sums()} files are those of {SUMS}")
            for name in (given.model,) if given.model else names_here():
                print(check(name))
            return 0
        if given.people is None and (given.picture is None or given.box is None):
            parser.error("name a picture and its boxes, or --people, or --check")
        model = Model(given.model or names_here()[0], given.threads)
        if given.people is not None:
            results = of_file(model, given.people)
        else:
            results = results_of(model, read_picture(given.picture), given.box, str(given.picture), 0)
    except (Refused, OSError, ValueError, KeyError, TypeError) as error:
        print(
            f"run.py: {type(error).__name__ + ': ' if not isinstance(error, Refused) else ''}{error}", file=sys.stderr
        )
        return 2
    text = json.dumps(results)
    if given.out is None:
        print(text)
    else:
        given.out.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
