"""Builds a TensorRT engine on a Jetson, with the device's own trtexec, and checks its joints before it may be used.

    python3 build_engine.py              # writes built/model.engine, or refuses and leaves none
    python3 build_engine.py --trtexec /usr/src/tensorrt/bin/trtexec

In order: the checksum of every file of the bundle; trtexec builds from network_fp16.onnx, whose weights are FP16;
trtexec runs the engine on the reference people's images; their joints are decoded and compared with the expected ones.
An engine serves only the GPU and the TensorRT that built it, so it is built on every kind of device.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from run import HERE, REFERENCE, SIDECAR, Refused, check_sums, verdict

ENGINE = HERE / "built" / "model.engine"
USUAL_PLACE = "/usr/src/tensorrt/bin/trtexec"  # of JetPack, which does not put it on the path


def find_trtexec(named: str | None) -> str:
    """The program; refuses where there is none."""
    found = named or shutil.which("trtexec") or USUAL_PLACE
    if not Path(found).is_file() or not os.access(found, os.X_OK):
        raise Refused(f"{found}: expected trtexec, got no such program; install TensorRT, or name it with --trtexec")
    return found


def call(command: list[str], log: Path) -> None:
    """Run trtexec; its words go to `log`."""
    with log.open("w", encoding="utf-8") as sink:
        done = subprocess.run(command, stdout=sink, stderr=subprocess.STDOUT)
    if done.returncode:
        raise Refused(f"{command[0]} failed with code {done.returncode}; read {log}")


def flags(trtexec: str) -> list[str]:
    """Options by what this trtexec knows.

    TensorRT takes the types from the file: 9 and 10 if asked to, newer ones always; 8 chooses, FP16 included.
    """
    text = subprocess.run([trtexec, "--help"], capture_output=True, text=True).stdout
    either = (("--stronglyTyped", "--fp16"), ("--skipInference", "--buildOnly"))
    return [known for names in either for known in [name for name in names if name in text][:1]]


def build(trtexec: str, engine: Path, largest_batch: int) -> None:
    """Write the engine for batches of 1 to `largest_batch`."""
    size = "x".join(str(number) for number in np.load(REFERENCE / "images.npy", mmap_mode="r").shape[1:])
    shapes = [f"--{end}Shapes=images:{n}x{size}" for end, n in (("min", 1), ("opt", 1), ("max", largest_batch))]
    source = [f"--onnx={HERE / 'network_fp16.onnx'}", f"--saveEngine={engine}"]
    call([trtexec, *source, *shapes, *flags(trtexec)], engine.with_suffix(".build.log"))


def answer_of(trtexec: str, engine: Path) -> dict[str, np.ndarray]:
    """Output name -> what the engine answers for the reference images."""
    images = np.load(REFERENCE / "images.npy")
    raw, out = engine.with_suffix(".images"), engine.with_suffix(".answer.json")
    raw.write_bytes(images.tobytes())
    out.unlink(missing_ok=True)
    shape = "x".join(map(str, images.shape))
    asked = [f"--loadEngine={engine}", f"--loadInputs=images:{raw}", f"--shapes=images:{shape}"]
    once = ["--iterations=1", "--warmUp=0", "--duration=0", f"--exportOutput={out}"]
    call([trtexec, *asked, *once], engine.with_suffix(".run.log"))
    try:
        parts = json.loads(out.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:  # trtexec writes nan as such, which is not JSON
        raise Refused(f"the engine's answer: expected numbers, got {error}") from error
    raw.unlink()
    return {
        part["name"]: np.array(part["values"], dtype=np.float32).reshape(
            [int(n) for n in part["dimensions"].split("x")]
        )
        for part in parts
    }


def check(answer: dict[str, np.ndarray]) -> str:
    """Decode the answer as the bundle's other files do, and compare it with the expected joints; or refuse."""
    import onnxruntime

    expected = json.loads((REFERENCE / "expected.json").read_text(encoding="utf-8"))
    decoder = onnxruntime.InferenceSession(str(HERE / "joints.onnx"), providers=["CPUExecutionProvider"])
    joints = decoder.run(["keypoints_px"], {each.name: answer[each.name] for each in decoder.get_inputs()})[0]
    in_crop = {**expected, "picture_px_of_crop_px": [1.0] * len(joints)}
    return verdict("engine", joints, np.array(expected["keypoints_crop_px"]), in_crop)


def run(trtexec: str, largest_batch: int) -> str:
    """Build and check; an engine that is refused does not stay."""
    count = check_sums()
    ENGINE.parent.mkdir(exist_ok=True)
    ENGINE.unlink(missing_ok=True)
    draft = ENGINE.with_name("unchecked.engine")
    try:
        build(trtexec, draft, max(largest_batch, len(np.load(REFERENCE / "images.npy", mmap_mode="r"))))
        found = check(answer_of(trtexec, draft))
        made_of = json.loads((HERE / SIDECAR).read_text(encoding="utf-8"))["id"]
        facts = {"model": made_of, "sha256": hashlib.sha256(draft.read_bytes()).hexdigest(), "checked": found}
        ENGINE.with_suffix(".json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        draft.replace(ENGINE)
    finally:
        draft.unlink(missing_ok=True)
    return f"{count} files are those of the bundle\n{found}\n{ENGINE} may be used on this device"


def main() -> int:
    """Exit code 0, or 2 after one line on standard error."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trtexec", help="where it is")
    parser.add_argument("--largest-batch", type=int, default=8, help="most people in a batch")
    given = parser.parse_args()
    try:
        print(run(find_trtexec(given.trtexec), given.largest_batch))
    except (Refused, OSError, ValueError, KeyError, TypeError) as error:
        print(f"build_engine.py: {error if isinstance(error, Refused) else repr(error)}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
