#!/usr/bin/env bash
# pycocotools 2.0.11: which size a wrong person counts for is measured from the picture's corner once one joint is left out.
#
# Expected: AP of medium and of large people count detections of that size. A person found where nobody is costs the
#   AP of its own size, whatever joints the network gives it, and the field `area` of a result, or its box, says how
#   large it is.
# Seen: loadRes writes over `area` and `bbox` of keypoint results with the extent of all 17 places, those that the network
#   left at (0, 0) among them, as COCO's format has it for joints that are not there. One joint left out, and a wrong
#   person of 60x80 px far from the corner has 400x480: AP of medium people rises from 0.14 to 1.0, and AP of large people
#   falls from 1.0 to 0.14, while AP stays at 0.25. A box or an area in the result changes nothing.
# Why it matters: networks that leave out joints below a threshold look better on medium people and worse on large ones
#   than the same network that writes them all. Comparisons by size need results with a place for every joint.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pycocotools==2.0.11 numpy==2.2.6

cat >"$work/measure.py" <<'PY'
import contextlib
import importlib.metadata
import io
import json
import sys
from pathlib import Path

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

work = Path(sys.argv[1])
draw = np.random.default_rng(0)
shape = draw.uniform(0, 1, size=(17, 2))
shape[:2] = (0, 0), (1, 1)  # so that a box is filled
SIZES = {"medium": (60, 80), "large": (160, 200)}


def joints(left, top, width, height):
    return np.column_stack([shape * (width, height) + (left, top), np.full(17, 2)])


def person(image, number, size):
    width, height = SIZES[size]
    places = joints(20, 20, width, height)
    return {
        "id": number, "image_id": image, "category_id": 1, "iscrowd": 0, "bbox": [20, 20, width, height],
        "area": width * height, "keypoints": places.ravel().tolist(), "num_keypoints": 17,
    }


truths = [person(1, 1, "medium"), person(2, 2, "large")]
category = {"id": 1, "name": "person", "keypoints": [str(i) for i in range(17)], "skeleton": []}
images = [{"id": i, "width": 640, "height": 640, "file_name": f"{i}.png"} for i in (1, 2)]
(work / "truth.json").write_text(json.dumps({"images": images, "categories": [category], "annotations": truths}))


def found(places, image, score, **more):
    return {"image_id": image, "category_id": 1, "keypoints": places.ravel().tolist(), "score": score, **more}


def scored(wrong, **more):
    """AP, of medium and of large people: both found, and three wrong people of medium size, surer than they."""
    right = [found(np.array(each["keypoints"]).reshape(17, 3), each["image_id"], 0.5) for each in truths]
    false = [found(wrong, 1, 0.9 - i / 100, **more) for i in range(3)] + [found(wrong, 2, 0.8 - i / 100, **more) for i in range(3)]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(work / "truth.json"))
        results = truth.loadRes(right + false)
        run = COCOeval(truth, results, "keypoints")
        run.evaluate()
        run.accumulate()
        run.summarize()
    return [round(float(run.stats[i]), 3) for i in (0, 3, 4)], results.anns[3]["area"]


whole = joints(340, 400, *SIZES["medium"])
without_one = whole.copy()
without_one[5] = 0
told = {"area": 4800.0, "bbox": [340, 400, 60, 80]}
print(f"pycocotools {importlib.metadata.version('pycocotools')}: AP, of medium, of large people; area of a wrong person")
cases = {"all joints": scored(whole), "one left out": scored(without_one), "and its area told": scored(without_one, **told)}
for name, (figures, area) in cases.items():
    print(f"{name}: {figures}, {area:.0f} px2")
every, (all_area) = cases["all joints"][0], cases["all joints"][1]
left, left_area = cases["one left out"]
assert abs(all_area - 4800) < 1 and left_area == 400 * 480, "changed: the extent leaves out joints at (0, 0)"
assert every[0] == left[0] and every[1] < 0.3 and every[2] == 1.0, "changed: all joints"
assert left[1] == 1.0 and left[2] < 0.3, "changed: a joint left out no longer moves the error to large people"
assert cases["and its area told"] == cases["one left out"], "changed: the result's own area counts"
print("as described")
PY
"$work/venv/bin/python" "$work/measure.py" "$work"
