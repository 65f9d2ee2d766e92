#!/usr/bin/env bash
# aniposelib 0.8.0: bundle_adjust forgets what the lenses were: fx and fy become one, k2, p1, p2 and k3 become 0.
#
# Expected: "performs bundle adjustment to fine-tune the parameters of the cameras": with views of exact cameras as input,
#   the cameras stay about as they are, and what it does not fit stays as it was.
# Seen: a camera hands it one focal length, the mean of fx and fy, and k1; taken back, fx and fy are both set to the one
#   and all other coefficients to 0, in the first step and for good. extra_dist=True keeps k2. The residual hides it: f, k1,
#   poses and points bend until it is what it was, 0.31 px, while points lie 10 mm off instead of 1.5 in a room of 2.4 m,
#   size, place and turn of the whole already taken out. With only_extrinsics=True the lens stays, and so do 1.5 mm.
# Why it matters: it is the step after cameras were loaded from a good calibration of each lens, and all that it reports
#   is a reprojection error as good as before. Lengths of limbs then depend on where in the room they are measured. Give
#   only_extrinsics=True; bundle_adjust_iter and calibrate_rows take it, too.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip() { "$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-compile "$@"; }
pip numpy==2.4.6 scipy==1.17.1 pandas==3.0.6 toml==0.10.2 tqdm==4.70.1 numba==0.68.1
pip --no-deps jax==0.10.2 jaxlib==0.10.2 ml_dtypes==0.5.4 opt_einsum==3.4.0
pip --no-deps opencv-contrib-python-headless==4.13.0.92 aniposelib==0.8.0

cat >"$work/measure.py" <<'PY'
import warnings
from importlib.metadata import version

import cv2
import numpy as np
from aniposelib.cameras import Camera, CameraGroup

warnings.simplefilter("ignore")
LENS = [-0.28, 0.09, 0.001, -0.0008, -0.012]
NOISE = 0.3
chance = np.random.default_rng(0)


def camera(number, angle, **more):
    """One that stands 4 m from the middle of the room and looks at it."""
    place = -4 * np.array([np.sin(angle), 0, np.cos(angle)])
    forward = -place / np.linalg.norm(place)
    right = np.cross([0, 1, 0], forward)
    turn = np.stack([right, np.cross(forward, right), forward])
    matrix = np.array([[900.0 + 10 * number, 0, 640], [0, 880.0 + 10 * number, 360], [0, 0, 1]])
    return Camera(matrix, LENS, (1280, 720), cv2.Rodrigues(turn)[0], -turn @ place, str(number), **more)


def group(**more):
    return CameraGroup([camera(number, angle, **more) for number, angle in enumerate((0, 0.8, 1.6, 2.4))])


def points_off(cameras):
    """Root mean square distance of the triangulated points from the true ones, best similarity taken out, mm."""
    found = cameras.triangulate(seen)
    a, b = found - found.mean(0), POINTS - POINTS.mean(0)
    u, sizes, v = np.linalg.svd(a.T @ b)
    signs = np.array([1, 1, np.sign(np.linalg.det(u @ v))])
    scale = (sizes * signs).sum() / (a**2).sum()
    return 1000 * np.sqrt(((scale * a @ (u * signs @ v) - b) ** 2).sum(1).mean())


POINTS = chance.uniform(-1, 1, (300, 3)) * (1.2, 0.9, 1.2)
exact = group().project(POINTS).reshape(4, -1, 2)
assert exact.min() > 0 and (exact.max((0, 1)) < (1280, 720)).all()
assert np.abs(group().triangulate(exact) - POINTS).max() < 1e-4, "changed: true cameras do not give the true points"
seen = exact + chance.normal(0, NOISE, exact.shape)

print("aniposelib", version("aniposelib"))
cases = {"true cameras": None, "bundle_adjust": {}, "extra_dist": {}, "only_extrinsics": {"only_extrinsics": True}}
result = {}
for name, options in cases.items():
    cameras = group(extra_dist=name == "extra_dist")
    if options is not None:
        cameras.bundle_adjust(seen, verbose=False, **options)
    one = cameras.cameras[1]
    focal, lens = one.matrix[[0, 1], [0, 1]], one.dist
    residual, off = cameras.average_error(seen), points_off(cameras)
    result[name] = focal, lens, residual, off
    print(f"{name}: residual {residual:.3f} px, points {off:.1f} mm; second camera: f {focal.round(1)}, lens {lens.round(4)}")

before, after, kept = result["true cameras"], result["bundle_adjust"], result["only_extrinsics"]
assert before[0][0] - before[0][1] > 19 and after[0][0] == after[0][1], "changed: fx and fy stay two numbers"
assert (after[1][1:] == 0).all() and after[1][0] != 0, "changed: coefficients after k1 are kept"
assert result["extra_dist"][1][1] != 0 and (result["extra_dist"][1][2:] == 0).all(), "changed: extra_dist keeps others than k2"
assert after[2] < 1.05 * before[2], "changed: the residual shows it"
assert after[3] > 3 * before[3] and kept[3] < 1.2 * before[3], "changed: the points are not off"
assert (kept[0] == before[0]).all() and (kept[1] == before[1]).all()
print("as described")
PY
"$work/venv/bin/python" "$work/measure.py"
