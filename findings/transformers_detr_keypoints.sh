#!/usr/bin/env bash
# transformers 5.24.0: DETR's image processors take COCO keypoints along and leave them where they were, while picture,
#   box and area are resized; with an object that has none they fail.
#
# Expected: a processor that is given a picture with a COCO annotation and returns `keypoints` among its labels has
#   brought them to the picture that it returns, or, as the boxes, to shares of it. People may be annotated next to a
#   ball.
# Seen: DETR, Conditional and Deformable DETR, RT-DETR, RF-DETR, Grounding DINO and YOLOS enlarge 640x480 to 1066x800 or
#   to 640x640, give boxes as shares of that, areas in its pixels, and keypoints in pixels of the picture that came in:
#   a wrist in the middle of its box is outside of it then, but for RT-DETR, which changes the height alone here.
#   `orig_size` is the one hint. Visibility is kept. An annotation of a person and a ball without `keypoints` raises an
#   IndexError about the shape of a mask, whichever comes first; a ball with an empty list, a ValueError.
# Why it matters: it is the one collate step from COCO to a detector with a head for joints. Labels that are off by a
#   factor of 1.67, another one for each picture's shape, are learnt as noise about a mean; where the picture has the
#   processor's size all is well, so a test with one such picture passes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip() { "$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check "$@"; }
pip torch==2.13.0 numpy==2.4.6 pillow==12.0.0 packaging pyyaml regex tqdm requests safetensors \
    'huggingface-hub>=1.5,<3' 'tokenizers<=0.24'
# as its compiled part asks for CUDA's libraries, torchvision is installed alone; importing it needs the names of operators,
# which no processor calls
pip --no-deps torchvision==0.28.0 transformers==5.24.0 typer

cat >"$work/measure.py" <<'PY'
import importlib.util
import warnings

import numpy as np
import torch
from PIL import Image

warnings.simplefilter("ignore")
if importlib.util.find_spec("torchvision") and not hasattr(torch.ops.torchvision, "nms"):
    names = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        names.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    names.define("roi_align(Tensor a, Tensor b, float c, int d, int e, int f, bool g) -> Tensor")

import transformers

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
    encoded = processor(images=picture, annotations=given, return_tensors="pt")
    return encoded["pixel_values"].shape[-2:], encoded["labels"][0]


def error(processor, *objects):
    try:
        labels(processor, *objects)
    except (IndexError, ValueError) as raised:
        return type(raised).__name__
    return "nothing"


print("transformers", transformers.__version__)
for name in ("Detr", "ConditionalDetr", "DeformableDetr", "RTDetr", "RfDetr", "GroundingDino", "Yolos"):
    processor = getattr(transformers, f"{name}ImageProcessor")()
    (height, width), found = labels(processor, PERSON)
    x, y, w, h = (found["boxes"][0] * torch.tensor([width, height, width, height])).tolist()
    left, top = x - w / 2, y - h / 2
    wrist = found["keypoints"][0].tolist()
    alone = error(processor, PERSON), error(processor, PERSON, BALL), error(processor, BALL, PERSON)
    empty = error(processor, PERSON, {**BALL, "keypoints": []})
    box = f"({left:.0f}, {top:.0f}) to ({left + w:.0f}, {top + h:.0f})"
    print(
        f"{name}: {WIDTH}x{HEIGHT} became {width}x{height}, the box goes from {box}, "
        f"the wrist is at {wrist[:2]}; raised with a ball: {alone[1]}, {alone[2]}, with an empty list {empty}"
    )
    assert abs(left - 400 * width / WIDTH) < 1 and abs(top - 110 * height / HEIGHT) < 1, (
        "changed: boxes are not resized"
    )
    assert np.allclose(found["keypoints"], JOINTS), "changed: keypoints are resized"
    inside = left < wrist[0] < left + w and top < wrist[1] < top + h
    assert inside == (name == "RTDetr"), "changed: which joint is in its box"
    assert alone == ("nothing", "IndexError", "IndexError") and empty == "ValueError", (
        "changed: objects without keypoints"
    )
print("as described")
PY
HF_HUB_OFFLINE=1 "$work/venv/bin/python" "$work/measure.py"
