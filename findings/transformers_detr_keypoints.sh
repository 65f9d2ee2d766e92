#!/usr/bin/env bash
# transformers 5.24.0: DETR's image processors take COCO keypoints along and leave them where they were, while picture,
#   box and area are resized; an object without joints before them, and all are dropped.
#
# Expected: a processor that is given a picture with a COCO annotation and returns `keypoints` among its labels has
#   brought them to the picture that it returns, or, as the boxes, to shares of it. A ball next to a person, which has
#   no `keypoints`, changes nothing for the person.
# Seen: DETR, Conditional and Deformable DETR, RT-DETR, Grounding DINO and YOLOS (their processors on Pillow, here) bring
#   640x480 to 1066x800 or 640x640 and give boxes as shares of that, areas in its pixels, and keypoints in pixels of the
#   picture that came in: a wrist in the middle of its box is outside of it then, but for RT-DETR, which changes the
#   height alone here. `orig_size` is the one hint. Whether there are keypoints is asked of the first annotation: with
#   the ball first, the person's are dropped without a word; with the ball second, a KeyError.
# Why it matters: it is the one step from COCO to a detector with a head for joints. Labels that are off by a factor of
#   1.67, another one for each picture's shape, are learnt as noise about a mean; where the picture has the processor's
#   size all is well, so a test with one such picture passes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip() { "$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check "$@"; }
pip transformers==5.24.0 huggingface-hub==2.4.0 numpy==2.4.6 pillow==12.0.0

cat >"$work/measure.py" <<'PY'
import numpy as np
import transformers
from PIL import Image

WIDTH, HEIGHT = 640, 480
JOINTS = [[450.0, 210.0, 2], [430.0, 180.0, 1], [0.0, 0.0, 0]]  # wrist, elbow, and an ankle without a label
PERSON = {
    "id": 1,
    "image_id": 7,
    "category_id": 1,
    "bbox": [400.0, 110.0, 100.0, 200.0],
    "area": 9000.0,
    "iscrowd": 0,
    "num_keypoints": 2,
    "keypoints": [value for joint in JOINTS for value in joint],
}
BALL = {"id": 2, "image_id": 7, "category_id": 37, "bbox": [20.0, 30.0, 40.0, 40.0], "area": 1250.0, "iscrowd": 0}


def labels(processor, *objects):
    picture = Image.new("RGB", (WIDTH, HEIGHT))
    given = {"image_id": 7, "annotations": list(objects)}
    encoded = processor(images=picture, annotations=given, return_tensors="np")
    return encoded["pixel_values"].shape[-2:], encoded["labels"][0]


def outcome(processor, *objects):
    try:
        found = labels(processor, *objects)[1]
    except (IndexError, KeyError, ValueError) as raised:
        return type(raised).__name__
    return f"{len(found['boxes'])} boxes, {'with' if 'keypoints' in found else 'without'} keypoints"


print("transformers", transformers.__version__)
for name in ("Detr", "ConditionalDetr", "DeformableDetr", "RTDetr", "GroundingDino", "Yolos"):
    processor = getattr(transformers, f"{name}ImageProcessorPil")()
    (height, width), found = labels(processor, PERSON)
    x, y, w, h = (found["boxes"][0] * [width, height, width, height]).tolist()
    left, top = x - w / 2, y - h / 2
    wrist = found["keypoints"][0].tolist()
    person_first, ball_first = outcome(processor, PERSON, BALL), outcome(processor, BALL, PERSON)
    box = f"({left:.0f}, {top:.0f}) to ({left + w:.0f}, {top + h:.0f})"
    print(
        f"{name}: {WIDTH}x{HEIGHT} became {width}x{height}, the box goes from {box}, "
        f"the wrist is at {wrist[:2]}; with a ball after the person: {person_first}; before: {ball_first}"
    )
    assert abs(left - 400 * width / WIDTH) < 1 and abs(top - 110 * height / HEIGHT) < 1, (
        "changed: boxes are not resized"
    )
    assert np.allclose(found["keypoints"], JOINTS), "changed: keypoints are resized"
    inside = left < wrist[0] < left + w and top < wrist[1] < top + h
    assert inside == (name == "RTDetr"), "changed: which joint is in its box"
    assert (person_first, ball_first) == ("KeyError", "2 boxes, without keypoints"), (
        "changed: a ball next to the person"
    )
print("as described")
PY
HF_HUB_OFFLINE=1 "$work/venv/bin/python" "$work/measure.py"
