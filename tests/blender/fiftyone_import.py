"""Run by the tests in a process of its own: what FiftyOne's COCO importer reads from ``people.json`` under a folder.

Takes the folder; prints ANSWER and a JSON mapping of file names to the keypoints and masks of their people. The
database ends with the process.
"""

import json
import sys
from pathlib import Path

import fiftyone


def main(folder: Path) -> None:
    dataset = fiftyone.Dataset.from_dir(
        dataset_type=fiftyone.types.COCODetectionDataset,
        data_path=str(folder),
        labels_path=str(folder / "people.json"),
        label_types=["segmentations", "keypoints"],
        progress=False,
    )
    answer = {}
    for sample in dataset:
        people = sample["keypoints"].keypoints if sample["keypoints"] else []
        masks = sample["segmentations"].detections if sample["segmentations"] else []
        answer[Path(sample.filepath).name] = {
            "points": [person.points for person in people],
            "boxes": [mask.bounding_box for mask in masks],
            "areas": [int(mask.mask.sum()) for mask in masks],
        }
    print("ANSWER " + json.dumps(answer))


main(Path(sys.argv[1]))
