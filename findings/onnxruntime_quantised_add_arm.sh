#!/usr/bin/env bash
# onnxruntime 1.32.0: the 8-bit addition of a residual network gives other integers on Arm than on x86.
#
# Expected: QLinearAdd takes integers and gives integers by one formula, so one INT8 file gives the same bytes on a board
#   as on the machine that measured it. 8-bit convolutions do, bit for bit, whichever product instructions there are.
# Seen: of all 65,536 pairs of inputs one or two differ by one step, for about a quarter of scales and zero points drawn
#   at random: sums next to halfway between two steps, which float arithmetic rounds one way or the other (Arm multiplies
#   and adds in one instruction, with one rounding; x86 in two).
# Why it matters: a residual network adds in every block, and a step at the first addition spreads through all that
#   follow: keypoints of an INT8 pose network move by a third of a pixel and more, AP in the third digit. Whoever proves a
#   bundle on a board by equal bytes refuses a good one, and whoever takes x86's AP for the board's is a little off.
#
# aarch64 is emulated by qemu-user (Debian's), whose arithmetic is IEEE 754's; apt unpacks it without root.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6

unpack() {  # ARCHITECTURE FOLDER PACKAGE...: with what they depend on
    local architecture=$1 into=$2 apt="$work/apt-$1"
    shift 2
    mkdir -p "$into" "$apt/state/lists/partial" "$apt/cache/archives/partial"
    touch "$apt/state/status"
    local options=(-o "APT::Architecture=$architecture" -o "APT::Architectures::=$architecture" -o APT::Sandbox::User=
        -o "Dir::State=$apt/state" -o "Dir::State::status=$apt/state/status" -o "Dir::Cache=$apt/cache"
        -o Acquire::Languages=none -o Debug::NoLocking=true)
    apt-get "${options[@]}" -qq update
    apt-get "${options[@]}" -qqy --no-install-recommends --download-only install "$@" >/dev/null
    for file in "$apt"/cache/archives/*.deb; do dpkg-deb --extract "$file" "$into"; done
}
unpack "$(dpkg --print-architecture)" "$work/qemu" qemu-user-static
unpack arm64 "$work/root" python3-minimal libpython3-stdlib libstdc++6
python=$(echo "$work"/root/usr/bin/python3.[0-9]*)
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --target "$work/site" --only-binary=:all: --no-deps \
    --python-version "${python##*python}" --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 \
    --platform manylinux2014_aarch64 onnxruntime==1.32.0 numpy==2.4.6 flatbuffers==25.12.19 protobuf==7.36.2 packaging==26.3
# ONNX Runtime reads which processor it runs on, and qemu-user would show it this machine's
mkdir -p "$work/root/proc" "$work/root/sys/devices/system/cpu"
printf 'processor\t: 0\nFeatures\t: fp asimd crc32 atomics asimdhp asimddp\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: 0xd0b\nCPU revision\t: 3\n' >"$work/root/proc/cpuinfo"
for file in possible present online; do echo 0 >"$work/root/sys/devices/system/cpu/$file"; done

cat >"$work/make.py" <<'PY'
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

rng = np.random.default_rng(0)
nodes, constants, names = [], [], []
for number in range(40):
    a, b = rng.uniform(0.005, 0.08, 2)
    scales = (a, b, (a + b) * rng.uniform(0.5, 1.0))
    inputs = []
    for name, scale, zero in zip("aby", scales, rng.integers(90, 160, 3)):
        own = [f"{name}_scale_{number}", f"{name}_zero_{number}"]
        constants += [numpy_helper.from_array(np.array(scale, np.float32), own[0])]
        constants += [numpy_helper.from_array(np.array(zero, np.uint8), own[1])]
        inputs += ([name] if name != "y" else []) + own
    names.append(f"y_{number}")
    nodes.append(helper.make_node("QLinearAdd", inputs, [names[-1]], domain="com.microsoft"))
value = lambda name: helper.make_tensor_value_info(name, TensorProto.UINT8, [1 << 16])
graph = helper.make_graph(nodes, "additions", [value("a"), value("b")], [value(name) for name in names], constants)
versions = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
onnx.save(helper.make_model(graph, opset_imports=versions, ir_version=8), sys.argv[1])
PY
cat >"$work/add.py" <<'PY'
import platform
import sys

import numpy as np
import onnxruntime

a, b = (values.ravel().astype(np.uint8) for values in np.meshgrid(np.arange(256), np.arange(256)))
options = onnxruntime.SessionOptions()
options.intra_op_num_threads, options.log_severity_level = 1, 4
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
np.save(sys.argv[2], np.stack(session.run(None, {"a": a, "b": b})))
print("onnxruntime", onnxruntime.__version__, "on", platform.machine())
PY
cat >"$work/compare.py" <<'PY'
import sys

import numpy as np

x86, arm = (np.load(path).astype(int) for path in sys.argv[1:])
differing = (x86 != arm).sum(axis=1)
print(f"additions with inputs that differ: {(differing > 0).sum()} of {len(x86)}; at most {differing.max()} of 65536 pairs, by {np.abs(x86 - arm).max()}")
assert 0 < (differing > 0).sum() < len(x86) and differing.max() < 10 and np.abs(x86 - arm).max() == 1, "this has changed"
PY
"$work/venv/bin/python" "$work/make.py" "$work/add.onnx"
"$work/venv/bin/python" "$work/add.py" "$work/add.onnx" "$work/x86.npy"
PYTHONPATH="$work/site" "$work/qemu/usr/bin/qemu-aarch64-static" -cpu cortex-a76 -L "$work/root" "$python" \
    "$work/add.py" "$work/add.onnx" "$work/arm.npy"
"$work/venv/bin/python" "$work/compare.py" "$work/x86.npy" "$work/arm.npy"
