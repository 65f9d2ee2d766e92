#!/usr/bin/env bash
# rtmlib 0.0.16: PoseTracker's rows do not follow people; with three of them its order is wrong where the detector's was
#   harmless, and people get lost.
#
# Expected: with tracking on (the default) row i of the answer is the same person from frame to frame, or at least the
#   rows are the detections, all of them, and an id is kept while a person is in sight.
# Seen: "reorder keypoints, scores according to track_id" takes the ids for row numbers and picks row id[i] as row i. For
#   two people that is right by luck. Three whose detections come as B C A are given as C A B, a third order. Where the
#   first detection is too small for an id (less than 1000 square pixels), it is kept and the last person is dropped. Once
#   anyone has left, an id is larger than the number of rows, the exception is swallowed, the boxes of the last frame are
#   not renewed, and the one who is left gets a new id frame after frame.
# Why it matters: the answer has keypoints and scores, no ids: the row is the identity, so tracks, smoothing over time
#   and joint angles mix people, and a person who is there is not in the answer. Films of one or two people show nothing.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip() { "$work/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
pip numpy==2.4.6 opencv-python-headless==4.13.0.92 tqdm
pip --no-deps rtmlib==0.0.16

cat >"$work/measure.py" <<'PY'
"""People are letters, each stands still at their own place; a frame is the order in which the detector gives them."""

import contextlib
import io
from importlib.metadata import version

import numpy as np
from rtmlib import PoseTracker

PLACES = {letter: np.array([100.0 * n + 20, 100, 100 * n + 80, 300]) for n, letter in enumerate("ABC")}
PLACES["s"] = np.array([320.0, 100, 335, 130])  # a small person, far away
PICTURE = np.zeros((400, 500, 3), np.uint8)


class Solution:
    """What PoseTracker takes: a detector of boxes and a pose network that puts joints into them."""

    class det_model:
        det_mode = "human"
        frame = ""

        def __call__(self, picture):
            return np.array([PLACES[letter] for letter in self.frame])

    def __init__(self, **_):
        self.det_model = Solution.det_model()

    @staticmethod
    def pose_model(picture, bboxes):
        joints = [np.linspace(box[:2], box[2:], 17) for box in bboxes]
        return np.array(joints), np.full((len(joints), 17), 0.9)


def tracked(frames):
    """For each frame the people in the rows of the answer, and the ids that are kept after it."""
    with contextlib.redirect_stdout(io.StringIO()):
        tracker = PoseTracker(Solution)
    rows, ids = [], []
    for frame in frames:
        tracker.det_model.frame = frame
        keypoints, _ = tracker(PICTURE)
        found = [min(PLACES, key=lambda letter: np.abs(PLACES[letter][:2] - one[0]).sum()) for one in keypoints]
        rows.append("".join(found))
        ids.append(list(tracker.track_ids_last_frame))
    return rows, ids


print(f"rtmlib {version('rtmlib')}")
FILMS = {
    "three, in another order": ["ABC", "ABC", "BCA", "CAB"],
    "a small one first": ["sAB", "sAB"],
    "A leaves": ["AB", "AB", "B", "B", "B"],
    "two, exchanged": ["AB", "BA", "AB"],
}
rows = {}
for name, frames in FILMS.items():
    rows[name], ids = tracked(frames)
    print(f"{name}: detections {frames} -> rows {rows[name]}, ids {ids}")
    if name == "A leaves":
        newest = [max(one) for one in ids[2:]]
assert rows["two, exchanged"] == ["AB"] * 3, "changed: two people are not put in order"
assert rows["three, in another order"] == ["ABC", "ABC", "CAB", "BCA"], "changed: three people"
assert rows["a small one first"] == ["sA", "sA"], "changed: nobody is dropped"
assert newest == sorted(set(newest)), "changed: B keeps the id"
print("as described")
PY
"$work/venv/bin/python" "$work/measure.py"
