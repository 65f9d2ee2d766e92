#!/usr/bin/env bash
# OpenCV 4.11 and 4.13, albumentations 2.0.8: nearest-neighbour resizing shifts the picture, and Downscale with it.
#
# Expected: cv2.resize places pixel centres alike for every interpolation, so making a picture four times smaller and
#   then four times larger may blur it but leaves it in place; albumentations' Downscale, a pixel-level transform that
#   leaves keypoints alone, does too.
# Seen: INTER_LINEAR and INTER_AREA keep a blob's centroid to 0.1 px. INTER_NEAREST takes the first pixel of each
#   block of four and paints the block with it: the picture moves by +1.5 px in x and in y, always towards the same
#   corner. INTER_NEAREST_EXACT keeps pixel centres but a block of four has no middle pixel: +-0.5 px. Downscale uses
#   INTER_NEAREST by default and moves the picture by +1.5 px in x and in y at scale 0.25, keypoints by nothing.
# Why it matters: the shift is a bias, not noise. It does not average out over a training set, so a network learns to
#   point up-left of the joint in low-resolution pictures. Segmentation masks resized with INTER_NEAREST shift
#   likewise against the keypoints of the same person.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip() { "$work/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
pip albumentations==2.0.8 albucore==0.0.24 opencv-python-headless==4.11.0.86 numpy==2.2.6
pip --no-deps --target "$work/newer" opencv-python-headless==4.13.0.92

cat >"$work/measure.py" <<'PY'
import sys

import cv2
import numpy as np

SIDE = 128
rows, columns = np.mgrid[:SIDE, :SIDE]
blob = 200 * np.exp(-((columns - 63.5) ** 2 + (rows - 63.5) ** 2) / (2 * 9.0**2))
picture = np.repeat(blob.round().astype(np.uint8)[..., None], 3, axis=2)


def centroid(image):
    weight = image[..., 0].astype(float)
    return np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()


print(f"OpenCV {cv2.__version__}, to a quarter and back:")
shift = {}
for name in ("INTER_LINEAR", "INTER_AREA", "INTER_NEAREST", "INTER_NEAREST_EXACT"):
    small = cv2.resize(picture, (SIDE // 4, SIDE // 4), interpolation=getattr(cv2, name))
    back = cv2.resize(small, (SIDE, SIDE), interpolation=getattr(cv2, name))
    shift[name] = centroid(back) - centroid(picture)
    print(f"  {name}: picture moved by {shift[name].round(2)} px")
assert abs(shift["INTER_LINEAR"]).max() < 0.1 and abs(shift["INTER_AREA"]).max() < 0.1, (
    "smooth resizing moves pictures"
)
assert (shift["INTER_NEAREST"] > 1.4).all(), "INTER_NEAREST no longer shifts"
assert abs(abs(shift["INTER_NEAREST_EXACT"]) - 0.5).max() < 0.1, "INTER_NEAREST_EXACT shifts by something else"
if sys.argv[1:] == ["downscale"]:
    import albumentations as A

    both = A.Compose(
        [A.Downscale(scale_range=(0.25, 0.25), p=1), A.HorizontalFlip(p=0)],
        keypoint_params=A.KeypointParams(format="xy"),
    )
    out = both(image=picture, keypoints=[(63.5, 63.5)])
    keypoint, moved = out["keypoints"][0] - np.array([63.5, 63.5]), centroid(out["image"]) - centroid(picture)
    print(f"albumentations {A.__version__} Downscale: keypoint moved by {keypoint}, picture by {moved.round(2)} px")
    assert not keypoint.any() and (moved > 1.4).all(), "Downscale no longer shifts the picture under its keypoints"
PY
"$work/venv/bin/python" "$work/measure.py" downscale
PYTHONPATH="$work/newer" "$work/venv/bin/python" "$work/measure.py"
