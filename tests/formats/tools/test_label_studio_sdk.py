"""Label Studio's own judge of configs and tasks on what is written for it."""

import copy
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from dataengine.formats.tools.label_studio_writing import config_path, write_label_studio, write_predictions
from dataengine.people import People

from ..writing_samples import crowds, image_table

interface = pytest.importorskip(
    "label_studio_sdk.label_interface",
    reason="label-studio-sdk is not installed; it brings a second OpenCV: take an environment of its own",
)


@settings(max_examples=20)
@given(people=crowds())
def test_the_tool_takes_config_tasks_annotations_and_predictions(people: People) -> None:
    # many reach out of the picture
    people = people.replace(
        bbox_xywh_px=people.bbox_xywh_px * np.float32(2.5), keypoints_px=people.keypoints_px * np.float32(1.2)
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder, path = Path(temporary) / "source", Path(temporary) / "a.json"
        images = image_table(folder, 3)
        for write, kind in ((write_predictions, "predictions"), (write_label_studio, "annotations")):
            write(path, people, images, folder)
            judge = interface.LabelInterface(config_path(path).read_text())
            judge.validate()
            for task in json.loads(path.read_text()):
                assert judge.validate_task({"data": task["data"]})
                for answer in task[kind]:
                    assert judge.validate_prediction(answer, return_errors=True) == []
                    assert judge.validate_annotation(answer)
                    other = copy.deepcopy(answer)
                    other["result"][1]["value"]["keypointlabels"] = ["person"]
                    assert "Invalid value" in judge.validate_prediction(other, return_errors=True)[0]
