#!/usr/bin/env bash
# sleap-io 0.9.5: its export for YOLO pose says that mirroring swaps no joints, whatever the skeleton says.
#
# Expected: a skeleton that holds the pair of left and right wrist gives a `flip_idx` in data.yaml that swaps the two,
#   or, where no pair is known, none at all: YOLO's trainer then switches mirroring off and says so.
# Seen: `flip_idx` is 0, 1, 2, ... for every skeleton. Pairs of the skeleton are not looked at, and after reading the
#   export again they are gone, as they are from its COCO export. Joints, flags and boxes come back to 0.001 px.
# Why it matters: the trainer mirrors half of its pictures unless told not to. With this list the label of the left
#   wrist lies on the right one in each of them, and the guard against that is satisfied, since there is a list. Labels
#   and pictures are right wherever one looks; what is taught is that left and right are a matter of chance.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip() { "$work/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
pip numpy==2.4.6 pyyaml==6.0.3 pillow==12.0.0 aiohttp attrs fsspec h5py packaging shapely simplejson tqdm
pip --no-deps sleap-io==0.9.5 imageio==2.38.1 lazy-loader==0.6

cat >"$work/measure.py" <<'PY'
import sys
import warnings
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import sleap_io
import yaml

warnings.simplefilter("ignore")
work = Path(sys.argv[1])
JOINTS = ["nose", "left_wrist", "right_wrist", "left_ankle", "right_ankle"]
PAIRS = [("left_wrist", "right_wrist"), ("left_ankle", "right_ankle")]
PLACES = np.array([[80.25, 20], [110.5, 60], [50.75, 60], [95, 110], [65, 110]])

imageio.imwrite(work / "picture.png", np.zeros((120, 160, 3), np.uint8))
skeleton = sleap_io.Skeleton(JOINTS, edges=[("nose", "left_ankle")], symmetries=PAIRS)
person = sleap_io.Instance.from_numpy(PLACES, skeleton=skeleton)
film = sleap_io.Video.from_filename([str(work / "picture.png")])
labels = sleap_io.Labels([sleap_io.LabeledFrame(video=film, frame_idx=0, instances=[person])])

sleap_io.save_ultralytics(labels, str(work / "yolo"), split_ratios={"train": 1.0}, verbose=False)
sleap_io.save_coco(labels, str(work / "coco.json"))
sleap_io.save_slp(labels, str(work / "own.slp"))
back = {
    "its own format": sleap_io.load_slp(str(work / "own.slp")),
    "YOLO": sleap_io.load_ultralytics(str(work / "yolo"), split="train"),
    "COCO": sleap_io.load_coco(str(work / "coco.json")),
}
written = yaml.safe_load((work / "yolo" / "data.yaml").read_text())
wanted = list(range(len(JOINTS)))
for left, right in PAIRS:
    a, b = JOINTS.index(left), JOINTS.index(right)
    wanted[a], wanted[b] = b, a
print(f"sleap-io {sleap_io.__version__}: flip_idx is {written['flip_idx']}; the skeleton's pairs ask for {wanted}")
for name, one in back.items():
    off = np.abs(one[0].instances[0].numpy() - PLACES).max()
    print(f"{name}, read again: {len(one.skeletons[0].symmetries)} pairs, joints within {off:.4f} px")
    assert off < 0.001, "changed: joints do not come back"
assert written["flip_idx"] == list(range(len(JOINTS))), "changed: flip_idx is another one"
assert [len(one.skeletons[0].symmetries) for one in back.values()] == [2, 0, 0], "changed: pairs are kept"
print("as described")
PY
"$work/venv/bin/python" "$work/measure.py" "$work"
