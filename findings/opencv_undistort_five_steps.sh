#!/usr/bin/env bash
# opencv-python-headless 4.11.0.86 and 4.13.0.92: undistortPoints is pixels off near the edge of a wide lens's picture.
#
# Expected: undistortPoints is the inverse of projectPoints: a point that was projected comes back to a small fraction
#   of a pixel, as one does for a mild lens, or a warning says that it did not get there.
# Seen: it does five steps of a fixed-point iteration and returns what it has; that there are five is said at its sister
#   undistortPointsIter alone, and nothing says how far off they leave it. With the coefficients of a mild lens (k1
#   -0.1) it is exact to 0.004 px in a picture of 1280x720; with those of an action camera (k1 -0.33) it is off by 1.1
#   px on average and by 17 px in the corners, and what it gives there, projected again, misses its own pixel by 4 px.
#   undistortPointsIter with criteria of 200 steps or 1e-6 px is exact for both.
# Why it matters: points come out too close to the middle, all of them, so more views do not average it out:
#   triangulation is off for whoever walks along a picture's edge. Calibration's own error does not show it, since that
#   projects.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip() { "$work/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
pip numpy==2.2.6
versions="4.11.0.86 4.13.0.92"
for version in $versions; do
    pip --no-deps --target "$work/opencv-$version" "opencv-python-headless==$version"
done

cat >"$work/measure.py" <<'PY'
import cv2
import numpy as np

WIDTH, HEIGHT, FOCAL = 1280, 720, 700.0
K = np.array([[FOCAL, 0, 639.5], [0, FOCAL, 359.5], [0, 0, 1]])
LENSES = {"mild": (-0.10, 0.02, 0, 0, 0), "webcam": (-0.30, 0.10, 0, 0, 0), "action camera": (-0.33, 0.12, 0.0005, -0.0003, -0.018)}
UNTIL_EXACT = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 200, 1e-6)


def project(rays, lens):
    return cv2.projectPoints(np.c_[rays, np.ones(len(rays))], np.zeros(3), np.zeros(3), K, lens)[0][:, 0]


print("OpenCV", cv2.__version__)
for name, lens in LENSES.items():
    lens = np.array(lens, float)
    rays = np.stack(np.meshgrid(np.linspace(-1.6, 1.6, 65), np.linspace(-0.9, 0.9, 37)), axis=-1).reshape(-1, 2)
    # only radii up to which a ray further out is clearly seen further out: elsewhere there is no good inverse
    radius = np.linspace(0, 2, 2001)
    bent = radius * (1 + lens[0] * radius**2 + lens[1] * radius**4 + lens[4] * radius**6)
    falling = np.diff(bent) < 0.2 * np.diff(radius)
    rays = rays[np.linalg.norm(rays, axis=1) < (radius[np.argmax(falling)] if falling.any() else 2)]
    seen = project(rays, lens)
    inside = (seen >= 0).all(axis=1) & (seen <= (WIDTH - 1, HEIGHT - 1)).all(axis=1)
    rays, seen = rays[inside], seen[inside]
    plain = cv2.undistortPoints(seen[:, None], K, lens)[:, 0]
    longer = cv2.undistortPointsIter(seen[:, None], K, lens, None, None, UNTIL_EXACT)[:, 0]
    off = FOCAL * np.linalg.norm(plain - rays, axis=1)
    misses = np.linalg.norm(project(plain, lens) - seen, axis=1).max()
    exact = FOCAL * np.linalg.norm(longer - rays, axis=1).max()
    inwards = np.mean(np.linalg.norm(plain, axis=1) <= np.linalg.norm(rays, axis=1) + 1e-9)
    print(
        f"{name}: off by up to {off.max():.3f} px, {off.mean():.3f} on average, {inwards:.0%} of them inwards; projected again "
        f"{misses:.3f} px; with 200 steps {exact:.5f} px"
    )
    assert exact < 1e-3, "changed: the longer iteration is off, too"
    if name == "mild":
        assert off.max() < 0.01, "changed: a mild lens is off"
    if name == "action camera":
        assert off.max() > 3 and misses > 1, "changed: undistortPoints gets there"
print("as described")
PY
for version in $versions; do
    PYTHONPATH="$work/opencv-$version" "$work/venv/bin/python" "$work/measure.py"
done
