#!/usr/bin/env bash
# sleap-io 0.9.5: joints come back from Label Studio in another order in each process, from CSV in alphabetical order,
#   and from one form of CSV with joints that nobody has.
#
# Expected: labels that are written and read again by one library have the same joints in the same order, as from SLP
#   and COCO; or at least in the same order on each reading.
# Seen: load_labelstudio gathers names in a set, whose order changes with Python's seed for hashes: eight processes read
#   three joints of one file in four orders. save_csv in the forms "sleap" (the default) and "instances" is read with
#   joints sorted by name. Coordinates stay with their names, so `instance["nose"]` is right, and `numpy()` has them in
#   other rows. The form "frames" takes inst0 and inst1, which number the people in its columns, for names of joints:
#   people come back with two joints more, all NaN, before the others. The form "points" keeps the order, and so does
#   load_labelstudio if it is given the skeleton. Mirror pairs are gone from all but SLP.
# Why it matters: the array by joint is what goes into metrics and networks, and it has the right shape and range.
#   Trained in one process and scored in the next, a network is wrong in joints that it was never wrong in; run again,
#   in others.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip() { "$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check "$@"; }
pip numpy==2.4.6 pandas==3.0.6 pyyaml==6.0.3 pillow==12.0.0 attrs fsspec h5py packaging shapely simplejson tqdm
pip --no-deps sleap-io==0.9.5 imageio==2.38.1 lazy-loader==0.6

cat >"$work/measure.py" <<'PY'
import os
import subprocess
import sys
import warnings
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import sleap_io

warnings.simplefilter("ignore")
work = Path(sys.argv[1])
JOINTS = ["nose", "left_wrist", "right_wrist"]
SORTED = sorted(JOINTS)

for frame in range(2):
    imageio.imwrite(work / f"{frame}.png", np.zeros((120, 160, 3), np.uint8))
film = sleap_io.Video.from_filename([str(work / f"{frame}.png") for frame in range(2)])
skeleton = sleap_io.Skeleton(list(JOINTS), edges=[("nose", "left_wrist")], symmetries=[("left_wrist", "right_wrist")])
tracks = [sleap_io.Track("a"), sleap_io.Track("b")]
places = np.random.default_rng(0).uniform(10, 100, (2, 2, 3, 2)).round(2)  # by frame, person and joint


def person(frame, number):
    points, scores = places[frame, number], np.array([0.9, 0.8, 0.7])
    return sleap_io.PredictedInstance.from_numpy(
        points, skeleton=skeleton, point_scores=scores, score=0.5, track=tracks[number]
    )


frames = [sleap_io.LabeledFrame(video=film, frame_idx=i, instances=[person(i, 0), person(i, 1)]) for i in range(2)]
labels = sleap_io.Labels(frames)

sleap_io.save_slp(labels, str(work / "own.slp"))
sleap_io.save_coco(labels, str(work / "coco.json"))
sleap_io.save_labelstudio(labels, str(work / "tasks.json"))
FORMS = ("sleap", "instances", "frames", "points")
for form in FORMS:
    sleap_io.save_csv(labels, str(work / f"{form}.csv"), format=form)
sleap_io.save_csv(labels, str(work / "default.csv"))
assert (work / "default.csv").read_text() == (work / "sleap.csv").read_text(), "changed: the default form"

back = {
    "its own format": sleap_io.load_slp(str(work / "own.slp")),
    "COCO": sleap_io.load_coco(str(work / "coco.json")),
    "Label Studio": sleap_io.load_labelstudio(str(work / "tasks.json")),
    **{f"CSV, {form}": sleap_io.load_csv(str(work / f"{form}.csv")) for form in FORMS},
}
print("sleap-io", sleap_io.__version__)
for name, read in back.items():
    joints = read.skeletons[0].node_names
    rows = read[0].instances[0].numpy()
    by_name = rows[[joints.index(joint) for joint in JOINTS]]
    off = np.abs(by_name - places[0, 0]).max()
    pairs = len(read.skeletons[0].symmetries)
    print(f"{name}: joints {', '.join(joints)}; by their names within {off:.4f} px; {pairs} mirror pairs")
    assert off < 0.01, "changed: coordinates do not stay with their names"
    if name in ("its own format", "COCO", "CSV, points"):
        assert joints == JOINTS, "changed: another order"
    elif name == "Label Studio":
        assert sorted(joints) == SORTED, "changed: other joints"
    elif name == "CSV, frames":
        assert joints == ["inst0", "inst1", *SORTED] and np.isnan(rows[:2]).all(), "changed: no joints are made up"
    else:
        assert joints == SORTED, "changed: joints keep their order"
        assert np.abs(rows - places[0, 0]).max() > 1, "changed: rows keep their order"

READ = "import sleap_io, sys; print(*sleap_io.load_labelstudio(sys.argv[1]).skeletons[0].node_names)"
orders = [
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", READ, str(work / "tasks.json")],
        env={**os.environ, "PYTHONHASHSEED": str(seed)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    for seed in range(8)
]
right = orders.count(" ".join(JOINTS))
print(f"Label Studio, read by eight processes: {len(set(orders))} orders, {right} times the right one")
assert len(set(orders)) > 2, "changed: processes agree"
given = sleap_io.load_labelstudio(str(work / "tasks.json"), skeleton=sleap_io.Skeleton(list(JOINTS)))
assert given.skeletons[0].node_names == JOINTS, "changed: with the skeleton given"
print("as described")
PY
"$work/venv/bin/python" "$work/measure.py" "$work"
