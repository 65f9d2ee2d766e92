#!/usr/bin/env bash
# sleap-io 0.9.5: COCO keypoints lose what is hidden: read, occluded joints become visible ones; written, they are gone. And
#   predictions are written as labels.
#
# Expected: save_coco with "ternary", the default, writes 2 for a joint that is seen, 1 for one that is labelled but hidden, 0
#   for none. A COCO file read and written again has the flags that it had. What a network predicted has a score in the
#   file, or is not among the annotations.
# Seen: 1 is never written. Of a file with flags 2, 1 and 0 the ones come back as twos, with their places. A joint that is
#   marked as hidden in sleap-io itself, with a place, becomes 0, 0, 0: num_keypoints and the box shrink. "binary" drops
#   it as well. A prediction beside the label of the same person is a second annotation of the same form, so two people stand
#   where one does, and its scores, of the person and of the joints, are in no field.
# Why it matters: both ways of losing a flag look right, since places are right or the joint is simply missing. Visibility
#   heads learn that nothing is ever hidden, or OKS leaves the hard joints out. With predictions among the labels a perfect
#   network misses half of the people. Save clean labels (remove_predictions), and write the flags yourself.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
pip() { "$work/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
pip numpy==2.4.6 pyyaml==6.0.3 pillow==12.0.0 aiohttp attrs fsspec h5py packaging shapely simplejson tqdm
pip --no-deps sleap-io==0.9.5 imageio==2.38.1 lazy-loader==0.6

cat >"$work/measure.py" <<'PY'
import json
import sys
import warnings
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import sleap_io

warnings.simplefilter("ignore")
work = Path(sys.argv[1])
JOINTS = ["nose", "left_wrist", "right_wrist", "left_ankle", "right_ankle"]
PLACES = np.array([[80, 20], [110, 60], [50, 60], [95, 110], [65, 110]], float)
FLAGS = [2, 2, 1, 0, 1]
imageio.imwrite(work / "picture.png", np.zeros((120, 160, 3), np.uint8))


def annotations(labels, **options):
    sleap_io.save_coco(labels, str(work / "written.json"), **options)
    return json.loads((work / "written.json").read_text())["annotations"]


def flags(annotation):
    return [int(flag) for flag in annotation["keypoints"][2::3]]


def labels_of(*people):
    film = sleap_io.Video.from_filename([str(work / "picture.png")])
    return sleap_io.Labels([sleap_io.LabeledFrame(video=film, frame_idx=0, instances=list(people))])


print("sleap-io", sleap_io.__version__)
kept = np.where(np.array(FLAGS)[:, None] > 0, PLACES, 0)
given = {
    "images": [{"id": 1, "file_name": "picture.png", "width": 160, "height": 120}],
    "categories": [{"id": 1, "name": "person", "keypoints": JOINTS, "skeleton": [[1, 2], [1, 3], [1, 4], [1, 5]]}],
    "annotations": [
        {
            "id": 1,
            "image_id": 1,
            "category_id": 1,
            "keypoints": np.c_[kept, FLAGS].ravel().tolist(),
            "num_keypoints": 4,
            "bbox": [50, 20, 60, 90],
            "area": 5400,
            "iscrowd": 0,
        }
    ],
}
(work / "given.json").write_text(json.dumps(given))
(again,) = annotations(sleap_io.load_coco(str(work / "given.json"), dataset_root=str(work)))
places = np.reshape(again["keypoints"], (-1, 3))[:, :2]
print(f"read and written again: flags {FLAGS} became {flags(again)}, places within {np.abs(places - kept).max():.3f} px")
assert np.abs(places - kept).max() < 0.001 and flags(again) == [2, 2, 2, 0, 2], "changed: flags come back in another way"

# a list of its own: the strings in the one that is handed over are replaced by nodes
skeleton = sleap_io.Skeleton([*JOINTS], edges=[("nose", "left_ankle")])
person = sleap_io.Instance.from_numpy(PLACES, skeleton=skeleton)
person.points["visible"][[JOINTS.index("right_wrist"), JOINTS.index("right_ankle")]] = False
for encoding in ("ternary", "binary"):
    (one,) = annotations(labels_of(person), visibility_encoding=encoding)
    hidden = one["keypoints"][6:9] + one["keypoints"][12:15]
    print(f"two joints hidden, {encoding}: flags {flags(one)}, {one['num_keypoints']} joints, box {one['bbox']}, both {hidden}")
    seen = 2 if encoding == "ternary" else 1
    assert hidden == [0] * 6 and flags(one) == [seen, seen, 0, seen, 0], "changed: hidden joints are written"
    assert one["num_keypoints"] == 3 and one["bbox"] == [80, 20, 30, 90]

labelled = sleap_io.Instance.from_numpy(PLACES, skeleton=skeleton)
predicted = sleap_io.PredictedInstance.from_numpy(PLACES + 1, skeleton=skeleton, point_scores=np.full(5, 0.3), score=0.25)
both = annotations(labels_of(labelled, predicted))
fields = [sorted(one) for one in both]
print(f"a label and a prediction of one person: {len(both)} annotations, fields of the second: {fields[1]}")
assert len(both) == 2 and fields[0] == fields[1] and "score" not in fields[1], "changed: a prediction is told from a label"
assert flags(both[1]) == [2] * 5
cleaned = labels_of(labelled, predicted)
cleaned.remove_predictions()
assert len(annotations(cleaned)) == 1
print("as described")
PY
"$work/venv/bin/python" "$work/measure.py" "$work"
