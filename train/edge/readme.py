"""What the bundle says of itself."""

README = """# Pose model {id} for aarch64 Linux

    python3 -m venv env && env/bin/pip install --require-hashes -r requirements.txt   # outside of this folder
    env/bin/python run.py --check

`--check` compares every file with SHA256SUMS, then the joints of the people in `reference/` with those that the
machine found that made this bundle; exit code 2 and one line if something differs. Then:

    env/bin/python run.py walk.ppm --box 412 80 190 520 --model int8
    env/bin/python run.py --help

| file | for |
|---|---|
| `pose_fp32.onnx`, `pose_int8.onnx` | ONNX Runtime: a picture and boxes go in, joints come out |
| `network_fp16.onnx`, `joints.onnx` | TensorRT builds from the first; the second reads its answer |
| `model.json` | the sidecar of the export: keypoints, crop, score, checksums, lineage |
| `reference/` | pictures, boxes and expected joints, and how far a device's may lie from them |

On a Jetson `env/bin/python build_engine.py` has the device's own trtexec build `built/model.engine`, runs the reference
people through it and keeps it only if their joints are where they should be.

Needs Python 3.11 to 3.13 and glibc 2.28 or newer.
"""
