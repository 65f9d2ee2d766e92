#!/usr/bin/env bash
# pycocotools 2.0.11: a person whose annotation has id 0 can never be found; a perfect answer scores 0.
#
# Expected: ids only tell annotations apart, and COCO's format calls them integers. Numbering from 0 or from 1 gives
#   the same keypoint AP.
# Seen: one person, predicted exactly: AP 1.000 with id 1, AP 0.000 with id 0, without a warning. Among ten people
#   numbered from 0 the AP is 0.811 instead of 1.000. The evaluator keeps the id of the match in an array of zeros and
#   takes 0 for "no match", so a detection matched to id 0 counts as a false positive.
# Why it matters: `for id, person in enumerate(people)` numbers from 0. On a large set the loss is too small to be
#   noticed, in sets of one picture, per-slice AP and bootstrap samples it is large, and it always hits the same
#   person.
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


def keypoint_ap(people, first_id):
    """AP of exact predictions for `people` pictures with a person each, annotations numbered from `first_id`."""
    joints = np.stack([50 + 5.0 * np.arange(17), 60 + 3.0 * np.arange(17), np.full(17, 2)], axis=1).ravel().tolist()
    truth, found = [], []
    for index in range(people):
        person = dict(image_id=index + 1, category_id=1, keypoints=joints)
        truth.append(
            dict(person, id=first_id + index, iscrowd=0, num_keypoints=17, area=7000.0, bbox=[40, 50, 100, 70])
        )
        found.append(dict(person, score=0.9))
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = dict(
            info={},
            images=[dict(id=index + 1, width=200, height=200) for index in range(people)],
            categories=[dict(id=1, name="person")],
            annotations=truth,
        )
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(found), "keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats[0]


scores = {(people, first): keypoint_ap(people, first) for people in (1, 10) for first in (1, 0)}
for (people, first), ap in scores.items():
    print(f"pycocotools {version('pycocotools')}: exact predictions, people: {people}, ids from {first}: AP {ap:.3f}")
assert scores[1, 1] > 0.999 and scores[10, 1] > 0.999, "exact predictions are no longer perfect"
assert scores[1, 0] == 0 and scores[10, 0] < 0.95, "id 0 counts as a match now"
PY
"$work/venv/bin/python" "$work/measure.py"
