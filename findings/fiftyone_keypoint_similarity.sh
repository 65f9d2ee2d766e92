#!/usr/bin/env bash
# fiftyone 1.22.1: its OKS of keypoints is not COCO's, with COCO's sigmas either, and depends on the picture's shape.
#
# Expected: `evaluate_detections` on keypoints, and `compute_ious` under it, give object keypoint similarity; the source
#   cites COCO's definition. With `keypoint_sigmas` set to COCO's they agree with pycocotools where the area is the same.
# Seen: distances and area are taken in shares of width and height, so in a picture of 1000x500 the same error of 20 px
#   counts twice as much upwards as sideways. By default sigma is 1 for every joint: 0.999 and 0.995, where
#   COCO says 0.767. Given COCO's sigmas it is 0.636 and 0.318, because COCO's formula has (2 sigma)^2 and this one
#   sigma^2. Only 2 * sigma in a square picture agrees.
# Why it matters: matches at "iou 0.5" and the mAP of keypoints rest on it. By default nearly every pair of people at the
#   same place is a match, so a model looks flawless; with the documented sigmas a good one looks broken.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check fiftyone==1.22.1 pycocotools==2.0.11

cat >"$work/measure.py" <<'PY'
import contextlib
import io

import fiftyone as fo
import numpy as np
from fiftyone.utils.iou import compute_ious
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

SIGMAS = COCOeval(iouType="keypoints").params.kpt_oks_sigmas


def cocos(truth, found, area):
    """OKS by pycocotools."""
    flags = np.full((17, 1), 2.0)
    box = [*truth.min(axis=0), *np.ptp(truth, axis=0)]
    person = dict(image_id=1, category_id=1, keypoints=np.hstack([truth, flags]).ravel().tolist())
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = dict(
            info={},
            images=[dict(id=1, width=1000, height=500)],
            categories=[dict(id=1, name="person")],
            annotations=[dict(person, id=1, iscrowd=0, num_keypoints=17, area=area, bbox=[float(v) for v in box])],
        )
        coco.createIndex()
        answer = dict(person, score=1.0, keypoints=np.hstack([found, flags]).ravel().tolist())
        evaluation = COCOeval(coco, coco.loadRes([answer]), "keypoints")
        evaluation.evaluate()
    return float(evaluation.ious[1, 1][0, 0])


def fiftyones(truth, found, size, sigmas=None):
    people = [fo.Keypoint(label="person", points=(points / size).tolist()) for points in (found, truth)]
    return float(compute_ious(people[:1], people[1:], keypoint_sigmas=sigmas)[0, 0])


print(f"fiftyone {fo.__version__}")
truth = np.random.default_rng(0).uniform([100, 50], [300, 450], (17, 2))
area = float(np.prod(np.ptp(truth, axis=0)))  # what fiftyone takes: the extent of the joints
seen = {}
for size in ((1000, 500), (1000, 1000)):
    for way, shift in (("sideways", (20, 0)), ("down", (0, 20))):
        found = truth + shift
        values = [
            cocos(truth, found, area),
            *(fiftyones(truth, found, size, s) for s in (None, SIGMAS.tolist(), (2 * SIGMAS).tolist())),
        ]
        seen[size, way] = values
        print(
            f"{size[0]}x{size[1]}, all joints 20 px {way}: COCO {values[0]:.3f}; "
            "fiftyone by default {1:.3f}, with sigma {2:.3f}, with 2 sigma {3:.3f}".format(*values)
        )
wide, square = (1000, 500), (1000, 1000)
assert abs(seen[wide, "sideways"][2] - seen[wide, "down"][2]) > 0.3, "the picture's shape no longer counts"
assert min(values[1] for values in seen.values()) > 0.99, "the default sigma is another now"
assert abs(seen[square, "down"][2] - seen[square, "down"][0]) > 0.1, "sigma means what COCO means now"
assert abs(seen[square, "down"][3] - seen[square, "down"][0]) < 1e-3, "2 sigma no longer agrees"
PY
HOME="$work" "$work/venv/bin/python" "$work/measure.py"
