#!/usr/bin/env bash
# pycocotools 2.0.11: `ignore` of an annotation is overwritten, so ignored people count as missed.
#
# Expected: the evaluator reads an annotation's own `ignore` (its code has a line for it), so a person marked with
#   "ignore": 1 is neither to be found nor a false positive when found.
# Seen: the next line sets `ignore` to `iscrowd`, whatever stood there. With one person found exactly and a second one
#   marked as ignored and not found, AP is 0.505 and AR 0.500; marked with iscrowd or with num_keypoints 0 instead,
#   both are 1.000. The caller's own annotations are changed: after the evaluation the flag reads 0.
# Why it matters: blurred, cut-off or unsure people are marked to be left out of the score. The flag that says so in
#   plain words does nothing; only iscrowd (which also lets one annotation match many detections) or num_keypoints 0
#   works.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pycocotools==2.0.11 numpy==2.2.6

cat >"$work/measure.py" <<'PY'
import contextlib
import io
from importlib.metadata import version

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def evaluate(**mark):
    """AP, AR and the flag afterwards, where one person is found and another, marked with `mark`, is not."""
    joints = np.stack([50 + 5.0 * np.arange(17), 60 + 3.0 * np.arange(17), np.full(17, 2)], axis=1)
    person = dict(image_id=1, category_id=1, iscrowd=0, num_keypoints=17, area=7000.0)
    near = dict(person, id=1, bbox=[40, 50, 100, 70], keypoints=joints.ravel().tolist())
    away = dict(person, id=2, bbox=[340, 50, 100, 70], keypoints=(joints + [300, 0, 0]).ravel().tolist())
    away.update(mark)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = dict(
            info={},
            images=[dict(id=1, width=500, height=200)],
            categories=[dict(id=1, name="person")],
            annotations=[near, away],
        )
        coco.createIndex()
        found = [dict(image_id=1, category_id=1, score=0.9, keypoints=near["keypoints"])]
        evaluation = COCOeval(coco, coco.loadRes(found), "keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats[0], evaluation.stats[5], int(away["ignore"])


print(f"pycocotools {version('pycocotools')}")
seen = {}
MARKS = {
    "nothing": {},
    "ignore": {"ignore": 1},
    "iscrowd": {"iscrowd": 1},
    "num_keypoints 0": {"num_keypoints": 0},
}
for name, mark in MARKS.items():
    seen[name] = evaluate(**mark)
    ap, ar, flag = seen[name]
    print(f"missed person marked with {name}: AP {ap:.3f}, AR {ar:.3f}, ignore afterwards {flag}")
assert seen["ignore"] == seen["nothing"] and seen["ignore"][0] < 0.6 and seen["ignore"][2] == 0, (
    "the flag is read now"
)
assert seen["iscrowd"][0] > 0.999 and seen["num_keypoints 0"][0] > 0.999, (
    "iscrowd or num_keypoints no longer leave people out"
)
PY
"$work/venv/bin/python" "$work/measure.py"
