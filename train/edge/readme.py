"""What the bundle says of itself."""

from collections.abc import Collection

from .runtimes import LITERT, RUNTIMES, TVM

_LITERT = "LiteRT: one crop goes in, channels last; the third reads the answer of the first two"
_EXTRA = {
    LITERT: f"| `litert_fp32.tflite`, `litert_int8.tflite`, `litert_joints.tflite` | {_LITERT} |\n",
    TVM: "| `tvm_fp32.so` | TVM: machine code for any aarch64; one crop goes in, joints come out |\n",
}
_README = """# Pose model {id} for aarch64 Linux

    python3 -m venv env && env/bin/pip install --require-hashes -r requirements.txt   # outside of this folder
    env/bin/python run.py --check

`--check` compares every file with SHA256SUMS, then the joints of the people in `reference/` with those that the
machine found that made this bundle; exit code 2 and one line if something differs. Then:

    env/bin/python run.py walk.ppm --box 412 80 190 520 --model int8
    env/bin/python run.py --help

| file | for |
|---|---|
| `pose_fp32.onnx`, `pose_int8.onnx` | ONNX Runtime: a picture and boxes go in, joints come out |
{extra}| `networks.json` | names for `--model`; each network's runtime and files, and how its tensors are stored |
| `network_fp16.onnx`, `joints.onnx` | TensorRT builds from the first; the second reads its answer |
| `model.json` | the sidecar of the export: keypoints, crop, score, checksums, lineage |
| `reference/` | pictures, boxes and expected joints, and how far a device's may lie from them |

On a Jetson `env/bin/python build_engine.py` has the device's own trtexec build `built/model.engine`, runs the reference
people through it and keeps it only if their joints are where they should be.

Needs Python 3.11 to 3.13 and glibc 2.28 or newer.{needs} `--check` tries the networks whose runtime is installed.
"""


def readme(model_id: str, networks: Collection[str]) -> str:
    """README.md of a bundle that has `networks`."""
    extra = [name for name in _EXTRA if set(RUNTIMES[name].networks) & set(networks)]
    needs = [f" `{RUNTIMES[name].requirements}` is for {', '.join(RUNTIMES[name].networks)} alone." for name in extra]
    return _README.format(id=model_id, extra="".join(_EXTRA[name] for name in extra), needs="".join(needs))
