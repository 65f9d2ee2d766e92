#!/usr/bin/env bash
# label-studio-sdk 2.0.13: its COCO export makes one person of all the people in a picture.
#
# Expected: in a task where each person's keypoints belong to a rectangle (`parentID`, as the editor writes it for a
#   region inside another), the export has one annotation for each person: its box, its joints, its flags.
# Seen: two people labelled in one picture come out as one annotation of joints, those of whoever was labelled last;
#   the other's joints are gone. The two boxes become annotations without joints, of another category. The box of the
#   joints is drawn around them, coordinates are rounded to whole pixels (620.75 becomes 621), and every joint is
#   flag 2, though a choice for each region says "occluded" (those are passed over with a line of log). Nothing says
#   that people were lost; the numbers of pictures and boxes are right.
# Why it matters: this is the export that its menu offers for keypoints. Trained on it, a network learns that half of
#   the people in a crowd are background. The tool's own JSON has all of it: read that.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check label-studio-sdk==2.0.13

cat >"$work/measure.py" <<'PY'
import json
import sys
from importlib.metadata import version
from pathlib import Path

from label_studio_sdk.converter import Converter

work = Path(sys.argv[1])
WIDTH, HEIGHT = 1000, 500
CONFIG = """
<View>
  <Image name="image" value="$image"/>
  <RectangleLabels name="person" toName="image"><Label value="person"/></RectangleLabels>
  <KeyPointLabels name="joint" toName="image">
    <Label value="left_shoulder" model_index="0"/><Label value="right_shoulder" model_index="1"/>
  </KeyPointLabels>
  <Choices name="flag" toName="image" perRegion="true"><Choice value="occluded"/></Choices>
</View>
"""
PEOPLE = {"a": ((100, 50, 200, 250), (120.5, 102.5), (140.25, 90.75)), "b": ((600, 50, 200, 250), (620.75, 100.5), (640.25, 90.75))}


def region(key, kind, control, value, **more):
    size = {"original_width": WIDTH, "original_height": HEIGHT, "image_rotation": 0}
    return {"id": key, "type": kind, "from_name": control, "to_name": "image", "value": value, **size, **more}


def percent(x, y):
    return {"x": 100 * x / WIDTH, "y": 100 * y / HEIGHT}


regions = []
for name, ((x, y, width, height), *joints) in PEOPLE.items():
    box = {**percent(x, y), "width": 100 * width / WIDTH, "height": 100 * height / HEIGHT, "rotation": 0}
    regions.append(region(name, "rectanglelabels", "person", {**box, "rectanglelabels": ["person"]}))
    for joint, place in zip(("left_shoulder", "right_shoulder"), joints):
        point = {**percent(*place), "width": 0.3}
        key = f"{name}-{joint}"
        regions.append(region(key, "keypointlabels", "joint", {**point, "keypointlabels": [joint]}, parentID=name))
        regions.append(region(key, "choices", "flag", {**point, "choices": ["occluded"]}))
tasks = [{"id": 1, "data": {"image": "street.jpg"}, "annotations": [{"id": 1, "result": regions}]}]
(work / "in").mkdir()
(work / "in" / "tasks.json").write_text(json.dumps(tasks))
Converter(CONFIG, str(work / "in"), download_resources=False).convert_to_coco(str(work / "in"), str(work / "out"), is_dir=True)
exported = json.loads((work / "out" / "result.json").read_text())

print(f"label-studio-sdk {version('label-studio-sdk')}: {len(PEOPLE)} people with 2 joints each went in")
names = {category["id"]: category["name"] for category in exported["categories"]}
for annotation in exported["annotations"]:
    print(f"  category {names[annotation['category_id']]}: box {annotation['bbox']}, joints {annotation.get('keypoints')}")
with_joints = [annotation for annotation in exported["annotations"] if annotation.get("keypoints")]
assert len(with_joints) == 1, "people are kept apart now"
assert len(exported["annotations"]) == 3, "boxes are treated differently now"
assert with_joints[0]["keypoints"] == [621, 100, 2, 640, 91, 2], "joints or flags are written differently now"
PY
"$work/venv/bin/python" "$work/measure.py" "$work"
